package io.llmguard.wire;

import org.jspecify.annotations.Nullable;

/**
 * What the body of a call asks for, as its strict reading found it.
 *
 * @param operation what it asks to do
 * @param model the model's name as sent, or null where the operation names none
 * @param stream true if the answer is asked for as a stream
 * @param prompt digest and length of the prompt, or null where the operation has none
 * @param maxOutputTokens the ceiling that the call itself sets on its output, for each of its
 *     choices: the largest, where it sets several; null without one, or if one of them means no end
 * @param details what else it asks for
 */
public record Call(
    Operation operation,
    @Nullable String model,
    boolean stream,
    @Nullable PromptDigest prompt,
    @Nullable Long maxOutputTokens,
    CallDetails details) {
  /** A call about which nothing else is known. */
  public Call(
      Operation operation,
      @Nullable String model,
      boolean stream,
      @Nullable PromptDigest prompt,
      @Nullable Long maxOutputTokens) {
    this(operation, model, stream, prompt, maxOutputTokens, CallDetails.NONE);
  }
}
