package io.llmguard.openai;

/**
 * What a call used.
 *
 * @param promptTokens tokens of the prompt; 0 where not said
 * @param completionTokens tokens of the answer; 0 where not said
 */
public record OpenAiUsage(int promptTokens, int completionTokens) {
  /** Nothing said. */
  public static final OpenAiUsage NONE = new OpenAiUsage(0, 0);
}
