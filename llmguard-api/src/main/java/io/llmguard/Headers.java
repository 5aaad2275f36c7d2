package io.llmguard;

import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A read-only view of HTTP header fields; names compare without regard to ASCII case (RFC 9110,
 * section 5.1).
 *
 * <p>A view over a container's own request is only valid while that request is.
 */
public interface Headers {
  /** The first value of the field, or null when it is absent. */
  @Nullable String first(String name);

  /** Every value of the field, one for each field line, in order; empty when it is absent. */
  List<String> all(String name);

  /** Calls {@code action} with name and value of each field line, in order. */
  void forEach(BiConsumer<String, String> action);

  /** True if the field is present, even if empty. */
  default boolean contains(String name) {
    return first(name) != null;
  }

  /**
   * The length that {@code Content-Length} announces, in bytes; -1 where it is absent or no number.
   */
  default long contentLength() {
    String value = first("Content-Length");
    try {
      return value == null ? -1 : Math.max(-1, Long.parseLong(value.strip()));
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  /** No header fields at all. */
  static Headers empty() {
    return HeaderMap.EMPTY;
  }
}
