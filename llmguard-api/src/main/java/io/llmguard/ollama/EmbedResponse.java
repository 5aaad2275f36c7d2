package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/embed}.
 *
 * @param model the model
 * @param embeddings one vector for each text, in order
 * @param totalDuration all of it
 * @param loadDuration loading the model
 * @param promptEvalCount tokens of the texts
 * @param extra fields that this version does not know, as they came
 */
public record EmbedResponse(
    String model,
    List<float[]> embeddings,
    Duration totalDuration,
    Duration loadDuration,
    int promptEvalCount,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public EmbedResponse {
    embeddings = List.copyOf(embeddings);
    extra = Values.map(extra);
  }
}
