package io.llmguard.ollama;

import java.util.List;

/**
 * A tensor of a model.
 *
 * @param name its name
 * @param type its type
 * @param shape its dimensions
 */
public record Tensor(String name, String type, List<Long> shape) {
  /** Copies the lists. */
  public Tensor {
    shape = List.copyOf(shape);
  }
}
