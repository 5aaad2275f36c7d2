package io.llmguard;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A small mutable collection of header fields that keeps order and case as they were given.
 *
 * <p>Field values with CR, LF or NUL are refused with {@link IllegalArgumentException}, so that no
 * value can split a message. Not thread-safe.
 */
public final class HeaderMap implements Headers {
  static final Headers EMPTY = new HeaderMap(0);

  private final ArrayList<String> entries;

  /** An empty collection. */
  public HeaderMap() {
    this(8);
  }

  private HeaderMap(int fields) {
    entries = new ArrayList<>(fields * 2);
  }

  /** A copy of the given fields. */
  public static HeaderMap copyOf(Headers headers) {
    HeaderMap copy = new HeaderMap();
    headers.forEach(copy::add);
    return copy;
  }

  /** Adds a field line after those that are there. */
  public HeaderMap add(String name, String value) {
    checkValue(name, value);
    entries.add(name);
    entries.add(value);
    return this;
  }

  /** Replaces every line of the field by this one. */
  public HeaderMap set(String name, String value) {
    remove(name);
    return add(name, value);
  }

  /** Removes every line of the field. */
  public HeaderMap remove(String name) {
    for (int i = entries.size() - 2; i >= 0; i -= 2) {
      if (entries.get(i).equalsIgnoreCase(name)) {
        entries.remove(i + 1);
        entries.remove(i);
      }
    }
    return this;
  }

  /** Adds every line of the given fields. */
  public HeaderMap addAll(Headers headers) {
    headers.forEach(this::add);
    return this;
  }

  /** True if there is no field line. */
  public boolean isEmpty() {
    return entries.isEmpty();
  }

  @Override
  public @Nullable String first(String name) {
    for (int i = 0; i < entries.size(); i += 2) {
      if (entries.get(i).equalsIgnoreCase(name)) {
        return entries.get(i + 1);
      }
    }
    return null;
  }

  @Override
  public List<String> all(String name) {
    List<String> values = new ArrayList<>(2);
    for (int i = 0; i < entries.size(); i += 2) {
      if (entries.get(i).equalsIgnoreCase(name)) {
        values.add(entries.get(i + 1));
      }
    }
    return values;
  }

  @Override
  public void forEach(BiConsumer<String, String> action) {
    for (int i = 0; i < entries.size(); i += 2) {
      action.accept(entries.get(i), entries.get(i + 1));
    }
  }

  private static void checkValue(String name, String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '\r' || c == '\n' || c == 0) {
        throw new IllegalArgumentException("line break or NUL in the value of header " + name);
      }
    }
  }

  /** The names only: values may be credentials. */
  @Override
  public String toString() {
    StringBuilder names = new StringBuilder("HeaderMap[");
    for (int i = 0; i < entries.size(); i += 2) {
      names.append(i == 0 ? "" : ", ").append(entries.get(i));
    }
    return names.append(']').toString();
  }
}
