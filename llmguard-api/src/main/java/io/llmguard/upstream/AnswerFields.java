package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.HeaderMap;

/** Adds fields to an answer that say how it came about. Thread-safe. */
@FunctionalInterface
public interface AnswerFields {
  /** Adds the fields to the head of an answer, which is about to go out. */
  void add(Exchange exchange, AnswerFacts facts, HeaderMap fields);

  /** These fields and then those. */
  default AnswerFields and(AnswerFields others) {
    return (exchange, facts, fields) -> {
      add(exchange, facts, fields);
      others.add(exchange, facts, fields);
    };
  }

  /**
   * {@code X-Llmguard-Deployment} (an id that hides the server's address and its name for the
   * model), {@code X-Llmguard-Attempts} and {@code X-Llmguard-Overhead-Ms}.
   */
  static AnswerFields standard() {
    return (exchange, facts, fields) -> {
      if (facts.deployment() != null) {
        fields.set("X-Llmguard-Deployment", facts.deployment());
      }
      fields.set("X-Llmguard-Attempts", Integer.toString(facts.attempts()));
      fields.set("X-Llmguard-Overhead-Ms", millis(facts.overheadNanos()));
    };
  }

  /**
   * The same under the names that LiteLLM's clients read: {@code x-litellm-call-id}, {@code
   * x-litellm-model-id}, {@code x-litellm-model-group}, {@code x-litellm-attempted-retries}, {@code
   * x-litellm-attempted-fallbacks}, {@code x-litellm-max-retries}, {@code
   * x-litellm-response-duration-ms} and {@code x-litellm-overhead-duration-ms}. The server's
   * address ({@code x-litellm-model-api-base}) is not told.
   *
   * @param maxRetries how often a call may be tried again
   */
  static AnswerFields litellm(int maxRetries) {
    return (exchange, facts, fields) -> {
      fields.set("x-litellm-call-id", exchange.id());
      if (facts.deployment() != null) {
        fields.set("x-litellm-model-id", facts.deployment());
      }
      if (facts.model() != null) {
        fields.set("x-litellm-model-group", facts.model());
      }
      int retries = Math.max(0, facts.attempts() - 1 - facts.fallbacks());
      fields.set("x-litellm-attempted-retries", Integer.toString(retries));
      fields.set("x-litellm-attempted-fallbacks", Integer.toString(facts.fallbacks()));
      fields.set("x-litellm-max-retries", Integer.toString(maxRetries));
      fields.set("x-litellm-response-duration-ms", millis(facts.nanos()));
      fields.set("x-litellm-overhead-duration-ms", millis(facts.overheadNanos()));
    };
  }

  /** Milliseconds with one decimal place. */
  private static String millis(long nanos) {
    long tenths = Math.max(0, nanos) / 100_000;
    return tenths / 10 + "." + tenths % 10;
  }
}
