package io.llmguard.ollama;

import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Is told of each call, for metrics and traces. Thread-safe; what it throws is logged, not felt.
 */
@FunctionalInterface
public interface CallObserver {
  /** A call begins. */
  Observed started(CallInfo call);

  /**
   * What a call is.
   *
   * @param provider {@code ollama} or {@code openai}
   * @param operation the operation by its OpenTelemetry GenAI name: {@code chat}, {@code
   *     text_completion}, {@code embeddings}, or the endpoint's own word
   * @param model the model asked for, or null
   * @param server where it goes first
   */
  record CallInfo(String provider, String operation, @Nullable String model, URI server) {}

  /**
   * How a call ended.
   *
   * @param error why it failed, or null
   * @param model the model that answered, or null
   * @param finishReason why the answer ended, or null
   * @param inputTokens tokens of the prompt; 0 where not known
   * @param outputTokens tokens of the answer; 0 where not known
   */
  record CallEnd(
      @Nullable OllamaException error,
      @Nullable String model,
      @Nullable String finishReason,
      int inputTokens,
      int outputTokens) {}

  /** One observed call. */
  interface Observed {
    /** Headers to send with the call, as {@code traceparent}. */
    default Map<String, String> headers() {
      return Map.of();
    }

    /** The first event has come. */
    default void firstToken() {}

    /** The call is over; called once. */
    void ended(CallEnd end);
  }
}
