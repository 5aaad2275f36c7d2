package io.llmguard.ollama.internal;

import io.llmguard.ollama.StructuredOutputException;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** From JSON values to instances of the types that {@link Schemas} knows, strictly. */
public final class Structured {
  private static final int DEEPEST = 200;

  private final String text;

  private Structured(String text) {
    this.text = text;
  }

  /** Reads a record from a model's text, which may stand in a Markdown fence. */
  public static <T extends Record> T read(String text, Class<T> type) {
    Structured reader = new Structured(text);
    Map<String, @Nullable Object> object;
    try {
      object = Json.object(unfenced(text));
    } catch (IllegalArgumentException e) {
      throw reader.misfit("", String.valueOf(e.getMessage()));
    }
    return type.cast(reader.bind(object, type, ""));
  }

  /**
   * Makes a value of a type from a JSON value; the place is for the error. What is not there is
   * null, and fits an {@link Optional} only.
   */
  public static @Nullable Object bind(@Nullable Object value, Type type, String pointer) {
    return new Structured("").component(value, type, pointer);
  }

  /**
   * A value as JSON has it: records become objects, all that is a sequence a list, names, dates and
   * identifiers their text, and any other type what its {@code toString} says.
   *
   * @throws IllegalArgumentException where it holds itself, or a record cannot be read
   */
  public static @Nullable Object plain(@Nullable Object value) {
    return plain(value, 0);
  }

  private static @Nullable Object plain(@Nullable Object value, int depth) {
    if (depth > DEEPEST) {
      throw new IllegalArgumentException("more than " + DEEPEST + " values within each other");
    }
    if (value == null || value instanceof Boolean || value instanceof Number) {
      return value;
    } else if (value instanceof Optional<?> optional) {
      return plain(optional.orElse(null), depth + 1);
    } else if (value instanceof Record record) {
      return object(record, depth);
    } else if (value instanceof Enum<?> constant) {
      return constant.name();
    } else if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> object = new LinkedHashMap<>();
      map.forEach((name, inside) -> object.put(name(name), plain(inside, depth + 1)));
      return object;
    } else if (value instanceof Iterable<?> sequence && !(value instanceof Path)) {
      List<@Nullable Object> list = new ArrayList<>();
      sequence.forEach(inside -> list.add(plain(inside, depth + 1)));
      return list;
    } else if (value.getClass().isArray()) {
      List<@Nullable Object> list = new ArrayList<>(Array.getLength(value));
      for (int i = 0; i < Array.getLength(value); i++) {
        list.add(plain(Array.get(value, i), depth + 1));
      }
      return list;
    }
    return value.toString();
  }

  private static String name(@Nullable Object key) {
    return key instanceof Enum<?> constant ? constant.name() : String.valueOf(key);
  }

  private static Map<String, @Nullable Object> object(Record record, int depth) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      try {
        component.getAccessor().setAccessible(true);
        Object value = component.getAccessor().invoke(record);
        object.put(component.getName(), plain(value, depth + 1));
      } catch (ReflectiveOperationException e) {
        throw new IllegalArgumentException("cannot read " + component.getName(), e);
      }
    }
    return object;
  }

  private static String unfenced(String text) {
    String trimmed = text.strip();
    if (trimmed.startsWith("```") && trimmed.endsWith("```") && trimmed.length() > 6) {
      int line = trimmed.indexOf('\n');
      return line < 0 ? trimmed : trimmed.substring(line + 1, trimmed.length() - 3);
    }
    return trimmed;
  }

  private StructuredOutputException misfit(String pointer, String reason) {
    return new StructuredOutputException(pointer, reason, text);
  }

  private Object bind(Map<?, ?> object, Class<?> type, String pointer) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    @Nullable Object[] values = new @Nullable Object[components.length];
    for (int i = 0; i < components.length; i++) {
      RecordComponent component = components[i];
      types[i] = component.getType();
      String at = pointer + "/" + component.getName();
      values[i] = component(object.get(component.getName()), component.getGenericType(), at);
    }
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      constructor.setAccessible(true);
      return constructor.newInstance(values);
    } catch (InvocationTargetException e) {
      throw misfit(pointer, type.getSimpleName() + " refused it: " + e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException("cannot make a " + type.getName(), e);
    }
  }

  private @Nullable Object component(@Nullable Object value, Type type, String at) {
    if (Schemas.raw(type) == Optional.class) {
      return value == null
          ? Optional.empty()
          : Optional.ofNullable(convert(value, Schemas.argument(type, 0, at), at));
    }
    if (value == null) {
      throw misfit(at, "is missing");
    }
    return convert(value, type, at);
  }

  private @Nullable Object convert(@Nullable Object value, Type type, String pointer) {
    Class<?> raw = Schemas.raw(type);
    if (raw == null) {
      throw new IllegalArgumentException(pointer + ": no value of " + type.getTypeName());
    }
    if (value instanceof Map<?, ?> map && raw.isRecord()) {
      return bind(map, raw, pointer);
    }
    if (value instanceof Map<?, ?> map && raw == Map.class) {
      Map<String, @Nullable Object> result = new LinkedHashMap<>();
      Type element = Schemas.argument(type, 1, pointer);
      map.forEach((k, v) -> result.put(String.valueOf(k), convert(v, element, pointer + "/" + k)));
      return result;
    }
    if (value instanceof List<?> list && raw.isArray()) {
      Type element =
          type instanceof GenericArrayType array
              ? array.getGenericComponentType()
              : raw.getComponentType();
      Object result = Array.newInstance(raw.getComponentType(), list.size());
      for (int i = 0; i < list.size(); i++) {
        Array.set(result, i, convert(list.get(i), element, pointer + "/" + i));
      }
      return result;
    }
    if (value instanceof List<?> list
        && raw.isAssignableFrom(raw == Set.class ? Set.class : List.class)) {
      Type element = Schemas.argument(type, 0, pointer);
      List<@Nullable Object> result = new ArrayList<>();
      for (int i = 0; i < list.size(); i++) {
        result.add(convert(list.get(i), element, pointer + "/" + i));
      }
      return raw == Set.class ? new LinkedHashSet<>(result) : result;
    }
    Object scalar = scalar(value, raw);
    if (scalar == null) {
      throw misfit(pointer, "is " + kind(value) + ", not " + wanted(raw));
    }
    return scalar;
  }

  private static @Nullable Object scalar(@Nullable Object value, Class<?> raw) {
    if (value instanceof String string) {
      return string(string, raw);
    }
    if (value instanceof Boolean && (raw == boolean.class || raw == Boolean.class)) {
      return value;
    }
    return value instanceof Number number ? number(number, raw) : null;
  }

  private static @Nullable Object string(String value, Class<?> raw) {
    try {
      if (raw == String.class) {
        return value;
      } else if (raw == char.class || raw == Character.class) {
        return value.length() == 1 ? value.charAt(0) : null;
      } else if (raw == LocalDate.class) {
        return LocalDate.parse(value);
      } else if (raw == Instant.class) {
        return Instants.parse(value);
      } else if (raw == UUID.class) {
        return UUID.fromString(value);
      }
    } catch (DateTimeException | IllegalArgumentException e) {
      return null;
    }
    if (raw.isEnum()) {
      for (Object constant : raw.getEnumConstants()) {
        if (((Enum<?>) constant).name().equals(value)) {
          return constant;
        }
      }
    }
    return null;
  }

  private static @Nullable Object number(Number value, Class<?> raw) {
    if (!Double.isFinite(value.doubleValue())) {
      // beyond what a number of JSON is read as here
      return null;
    }
    BigDecimal exact = new BigDecimal(value.toString());
    try {
      if (raw == int.class || raw == Integer.class) {
        return exact.intValueExact();
      } else if (raw == long.class || raw == Long.class) {
        return exact.longValueExact();
      } else if (raw == short.class || raw == Short.class) {
        return exact.shortValueExact();
      } else if (raw == byte.class || raw == Byte.class) {
        return exact.byteValueExact();
      } else if (raw == BigInteger.class) {
        return exact.toBigIntegerExact();
      }
    } catch (ArithmeticException e) {
      return null;
    }
    if (raw == double.class || raw == Double.class) {
      return exact.doubleValue();
    } else if (raw == float.class || raw == Float.class) {
      return Float.isFinite(exact.floatValue()) ? exact.floatValue() : null;
    }
    return raw == BigDecimal.class ? exact : null;
  }

  private static String kind(@Nullable Object value) {
    if (value == null) {
      return "null";
    } else if (value instanceof String) {
      return "a string";
    } else if (value instanceof Boolean) {
      return "a boolean";
    } else if (value instanceof Map<?, ?>) {
      return "an object";
    }
    return value instanceof List<?> ? "an array" : "a number";
  }

  private static String wanted(Class<?> raw) {
    if (raw.isEnum()) {
      List<String> names = new ArrayList<>();
      for (Object constant : raw.getEnumConstants()) {
        names.add(((Enum<?>) constant).name());
      }
      return "one of " + names;
    }
    if (Schemas.integer(raw)) {
      return "a whole number that fits " + raw.getSimpleName();
    }
    return "a " + raw.getSimpleName();
  }
}
