package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a request with {@code debugRenderOnly} is answered with in place of the model's words.
 *
 * @param renderedTemplate the prompt as the model would have got it
 * @param imageCount how many pictures went with it
 * @param extra fields that this version does not know, as they came
 */
public record DebugInfo(
    String renderedTemplate, int imageCount, Map<String, @Nullable Object> extra) {
  /** The field that holds it. */
  static final String NAME = "_debug_info";

  /** Copies the fields. */
  public DebugInfo {
    extra = Values.map(extra);
  }

  /** The size of the prompt, never its text. */
  @Override
  public String toString() {
    return "DebugInfo[renderedTemplate=%d chars, imageCount=%d]"
        .formatted(renderedTemplate.length(), imageCount);
  }
}
