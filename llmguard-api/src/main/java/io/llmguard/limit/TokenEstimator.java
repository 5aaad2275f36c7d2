package io.llmguard.limit;

import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.PromptDigest;

/** Says before a call how many tokens it may take. Implementations are thread-safe. */
@FunctionalInterface
public interface TokenEstimator {
  /** What a call may take. */
  Estimate estimate(Call call);

  /**
   * An estimate.
   *
   * @param input tokens of the prompt; not negative
   * @param output tokens to be generated; not negative
   */
  record Estimate(long input, long output) {
    /** Input and output; no more than {@link Long#MAX_VALUE}. */
    public long total() {
      long sum = input + output;
      return sum < 0 ? Long.MAX_VALUE : sum;
    }
  }

  /**
   * One token for each four UTF-16 units of the prompt, and the call's own ceiling on its output.
   *
   * @param outputWithoutCeiling output tokens of a call that sets no ceiling
   */
  static TokenEstimator byLength(long outputWithoutCeiling) {
    return call -> {
      PromptDigest prompt = call.prompt();
      long input = prompt == null ? 0 : prompt.length() / 4 + 1;
      Long ceiling = call.maxOutputTokens();
      boolean generates = call.operation().kind() != Operation.Kind.EMBEDDING;
      // a ceiling below 0 means none to Ollama
      long output = ceiling == null || ceiling < 0 ? outputWithoutCeiling : ceiling;
      return new Estimate(input, generates ? output : 0);
    };
  }
}
