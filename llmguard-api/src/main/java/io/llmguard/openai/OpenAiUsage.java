package io.llmguard.openai;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a call used.
 *
 * @param promptTokens tokens of the prompt; 0 where not said
 * @param completionTokens tokens of the answer; 0 where not said
 * @param totalTokens both, as the server counts them; 0 where not said
 * @param extra fields that this version does not know, as they came: the details of the counts
 */
public record OpenAiUsage(
    int promptTokens, int completionTokens, int totalTokens, Map<String, @Nullable Object> extra) {
  /** Nothing said. */
  public static final OpenAiUsage NONE = new OpenAiUsage(0, 0, 0, Map.of());

  /** Copies the fields. */
  public OpenAiUsage {
    extra = Values.map(extra);
  }
}
