package io.llmguard.assembly;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was given, or what stands for it. Apart from the settings themselves: a method of theirs
 * that a part calls while its defaults are made would make the settings' own defaults without them.
 */
final class Given {
  private Given() {}

  static <T> T or(@Nullable T value, T fallback) {
    return value == null ? fallback : value;
  }

  static <T> List<T> copy(@Nullable List<T> value) {
    return value == null ? List.of() : List.copyOf(value);
  }
}
