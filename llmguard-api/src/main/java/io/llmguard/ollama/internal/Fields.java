package io.llmguard.ollama.internal;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Takes known fields out of a JSON object; what remains is what this version does not know. A field
 * of another type than expected is an {@link IllegalArgumentException} that names it.
 */
public final class Fields {
  private final Map<String, @Nullable Object> left;

  /** Of a copy of this object. */
  public Fields(Map<String, ? extends @Nullable Object> object) {
    this.left = new LinkedHashMap<>(object);
  }

  /** What was not taken. */
  public Map<String, @Nullable Object> rest() {
    return left;
  }

  /** Refuses an object without this field; one that is null will do. */
  public Fields require(String name) {
    if (!left.containsKey(name)) {
      throw new IllegalArgumentException("there is no \"" + name + "\"");
    }
    return this;
  }

  /** A text, or null. */
  public @Nullable String text(String name) {
    return take(name, String.class);
  }

  /** A text, or the empty one. */
  public String textOrEmpty(String name) {
    String text = text(name);
    return text == null ? "" : text;
  }

  /** A number, or 0. */
  public long number(String name) {
    Number number = take(name, Number.class);
    return number == null ? 0 : number.longValue();
  }

  /** A number, or 0. */
  public double decimal(String name) {
    Number number = take(name, Number.class);
    return number == null ? 0 : number.doubleValue();
  }

  /** A count, or 0. */
  public int count(String name) {
    return (int) number(name);
  }

  /** A truth, or false. */
  public boolean flag(String name) {
    return Boolean.TRUE.equals(take(name, Boolean.class));
  }

  /** Nanoseconds, or zero. */
  public Duration nanos(String name) {
    return Duration.ofNanos(number(name));
  }

  /** A time, or null. */
  public @Nullable Instant instant(String name) {
    String text = text(name);
    return text == null ? null : Instants.parse(text);
  }

  /** An object's fields; empty where it is absent. */
  public Fields object(String name) {
    return new Fields(map(name));
  }

  /** An object; empty where it is absent. */
  public Map<String, @Nullable Object> map(String name) {
    Map<?, ?> map = take(name, Map.class);
    return map == null ? Map.of() : cast(map);
  }

  /** A list of objects, each read by a function; empty where it is absent. */
  public <T> List<T> list(String name, Function<Fields, T> read) {
    List<T> result = new ArrayList<>();
    for (Object element : elements(name)) {
      if (!(element instanceof Map<?, ?> map)) {
        throw new IllegalArgumentException("\"" + name + "\" holds something that is no object");
      }
      result.add(read.apply(new Fields(cast(map))));
    }
    return result;
  }

  /** A list of plain values of one type; empty where it is absent. */
  public <T> List<T> values(String name, Class<T> type) {
    List<T> result = new ArrayList<>();
    for (Object element : elements(name)) {
      if (!type.isInstance(element)) {
        throw new IllegalArgumentException(
            "\"" + name + "\" holds something that is no " + type.getSimpleName());
      }
      result.add(type.cast(element));
    }
    return result;
  }

  /** A list of texts; empty where it is absent. */
  public List<String> texts(String name) {
    return values(name, String.class);
  }

  /** Any value, or null. */
  public @Nullable Object any(String name) {
    return left.remove(name);
  }

  private List<?> elements(String name) {
    List<?> list = take(name, List.class);
    return list == null ? List.of() : list;
  }

  private <T> @Nullable T take(String name, Class<T> type) {
    Object value = left.remove(name);
    if (value == null) {
      return null;
    }
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException("\"" + name + "\" is no " + type.getSimpleName());
    }
    return type.cast(value);
  }

  // a parsed JSON object has no other keys
  @SuppressWarnings("unchecked")
  private static Map<String, @Nullable Object> cast(Map<?, ?> map) {
    return (Map<String, @Nullable Object>) map;
  }
}
