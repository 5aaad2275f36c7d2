package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A tensor of a model.
 *
 * @param name its name
 * @param type its type
 * @param shape its dimensions
 * @param extra fields that this version does not know, as they came
 */
public record Tensor(
    String name, String type, List<Long> shape, Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public Tensor {
    shape = List.copyOf(shape);
    extra = Values.map(extra);
  }
}
