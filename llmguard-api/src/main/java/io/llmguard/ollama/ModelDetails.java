package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a model is made of.
 *
 * @param parentModel the model it was made from
 * @param format the format of its file
 * @param family its architecture
 * @param families its architectures
 * @param parameterSize its size in words, as {@code 268.10M}
 * @param quantizationLevel its quantisation
 * @param contextLength its context in tokens; 0 where not said
 * @param embeddingLength its vectors' dimensions; 0 where not said
 * @param extra fields that this version does not know, as they came
 */
public record ModelDetails(
    @Nullable String parentModel,
    @Nullable String format,
    @Nullable String family,
    List<String> families,
    @Nullable String parameterSize,
    @Nullable String quantizationLevel,
    int contextLength,
    int embeddingLength,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public ModelDetails {
    families = List.copyOf(families);
    extra = Values.map(extra);
  }
}
