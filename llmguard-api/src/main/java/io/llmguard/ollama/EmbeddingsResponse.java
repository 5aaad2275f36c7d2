package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/embeddings}.
 *
 * @param embedding the vector
 * @param extra fields that this version does not know, as they came
 */
public record EmbeddingsResponse(List<Double> embedding, Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public EmbeddingsResponse {
    embedding = List.copyOf(embedding);
    extra = Values.map(extra);
  }
}
