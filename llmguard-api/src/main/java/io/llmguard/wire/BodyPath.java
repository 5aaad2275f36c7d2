package io.llmguard.wire;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Where the reading of a body stands, as a JSON path that names known fields only. */
final class BodyPath {
  private @Nullable String[] names = new @Nullable String[6];
  private int[] indices = new int[6];
  private int depth;

  void push(String name) {
    grow();
    names[depth++] = name;
  }

  void push(int index) {
    grow();
    names[depth] = null;
    indices[depth++] = index;
  }

  private void grow() {
    if (depth == names.length) {
      names = Arrays.copyOf(names, 2 * depth);
      indices = Arrays.copyOf(indices, 2 * depth);
    }
  }

  void pop() {
    depth--;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("$");
    for (int i = 0; i < depth; i++) {
      String name = names[i];
      if (name == null) {
        text.append('[').append(indices[i]).append(']');
      } else {
        text.append('.').append(name);
      }
    }
    return text.toString();
  }
}
