package io.llmguard.audit;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
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
