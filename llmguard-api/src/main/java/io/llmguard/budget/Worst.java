package io.llmguard.budget;

import io.llmguard.wire.Call;
import io.llmguard.wire.CallDetails;
import io.llmguard.wire.Operation;
import io.llmguard.wire.PromptDigest;

/** The most that a call may use. */
final class Worst {
  /** A UTF-16 unit is at most so many bytes, and a token at least one. */
  private static final int BYTES_OF_A_UNIT = 3;

  private final long outputTokens;
  private final long promptOverhead;

  Worst(long outputTokens, long promptOverhead) {
    this.outputTokens = outputTokens;
    this.promptOverhead = promptOverhead;
  }

  /**
   * Bounds of a call.
   *
   * @param input of its prompt's tokens
   * @param perChoice of the tokens of each of its answers
   * @param output of the tokens of all of them
   */
  record Tokens(long input, long perChoice, long output) {
    long total() {
      return plus(input, output);
    }
  }

  Tokens of(Call call) {
    CallDetails details = call.details();
    PromptDigest prompt = call.prompt();
    long input = details.promptTokensAtMost();
    if (input == 0 && prompt != null) {
      input = times(prompt.length(), BYTES_OF_A_UNIT);
    }
    input = plus(input, promptOverhead);
    if (call.operation().kind() != Operation.Kind.GENERATION) {
      return new Tokens(input, 0, 0);
    }
    Long own = call.maxOutputTokens();
    long each = own == null || own <= 0 ? outputTokens : own;
    return new Tokens(input, each, times(each, Math.max(1, details.choices())));
  }

  private static long times(long a, long b) {
    return Math.multiplyHigh(a, b) != 0 || a * b < 0 ? Long.MAX_VALUE : a * b;
  }

  private static long plus(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
