package io.llmguard.audit;

import io.llmguard.AnswerWatcher;
import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Prompt and response of a call in clear, for an operator who turned that on.
 *
 * @param prompt the prompt, or null where it is not kept
 * @param response the generated text, or null where it is not kept
 */
public record AuditContent(@Nullable String prompt, @Nullable String response) {
  /**
   * Finds the content of a call that has ended. Without one, which is the default, no content is
   * ever audited.
   */
  @FunctionalInterface
  public interface Source {
    /**
     * The content to keep, or null for none. Called on the thread that completes the call, so it
     * must not block.
     */
    @Nullable AuditContent contentOf(Exchange exchange, Outcome outcome);

    /**
     * What sees the answer's bytes as they pass, as {@link AnswerWatcher#watch}; null unless set.
     */
    default @Nullable Consumer<ByteBuffer> watch(Exchange exchange, int status, Headers headers) {
      return null;
    }
  }

  /** Lengths only: content must not reach a log by accident. */
  @Override
  public String toString() {
    return "AuditContent[prompt="
        + (prompt == null ? "null" : prompt.length() + " chars")
        + ", response="
        + (response == null ? "null" : response.length() + " chars")
        + "]";
  }
}
