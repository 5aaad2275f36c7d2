package io.llmguard.ollama.internal;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Copies of JSON objects: ordered, null values allowed, unmodifiable. */
public final class Values {
  private static final Map<String, @Nullable Object> EMPTY = Collections.emptyMap();

  private Values() {}

  /** A copy of texts in the same order. */
  public static Map<String, String> texts(Map<String, String> values) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /** A copy in the same order. */
  public static Map<String, @Nullable Object> map(Map<String, ? extends @Nullable Object> values) {
    return values.isEmpty() ? EMPTY : Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }
}
