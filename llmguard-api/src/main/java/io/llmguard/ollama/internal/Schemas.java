package io.llmguard.ollama.internal;

import io.llmguard.ollama.Description;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** JSON schemas of Java types. */
public final class Schemas {
  private Schemas() {}

  /** The schema of a record. */
  public static Map<String, @Nullable Object> of(Class<? extends Record> type) {
    return record(type, type.getSimpleName(), List.of());
  }

  /** The schema of a method's parameters. */
  public static Map<String, @Nullable Object> of(Method method) {
    Map<String, @Nullable Object> properties = new LinkedHashMap<>();
    List<String> required = new ArrayList<>();
    for (Parameter parameter : method.getParameters()) {
      property(
          properties,
          required,
          parameter.getName(),
          parameter.getParameterizedType(),
          parameter,
          method.getName() + "." + parameter.getName(),
          List.of());
    }
    return object(properties, required);
  }

  /** A tool as Ollama and OpenAI take it. */
  public static Map<String, @Nullable Object> tool(
      String name, String description, Map<String, @Nullable Object> parameters) {
    Map<String, @Nullable Object> function = new LinkedHashMap<>();
    function.put("name", name);
    if (!description.isEmpty()) {
      function.put("description", description);
    }
    function.put("parameters", parameters);
    Map<String, @Nullable Object> tool = new LinkedHashMap<>();
    tool.put("type", "function");
    tool.put("function", function);
    return tool;
  }

  private static Map<String, @Nullable Object> record(
      Class<?> type, String where, List<Class<?>> outer) {
    if (outer.contains(type)) {
      throw new IllegalArgumentException(where + ": " + type.getName() + " contains itself");
    }
    List<Class<?>> inner = new ArrayList<>(outer);
    inner.add(type);
    Map<String, @Nullable Object> properties = new LinkedHashMap<>();
    List<String> required = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      property(
          properties,
          required,
          component.getName(),
          component.getGenericType(),
          component,
          where + "." + component.getName(),
          inner);
    }
    Map<String, @Nullable Object> schema = object(properties, required);
    describe(schema, type);
    return schema;
  }

  private static void property(
      Map<String, @Nullable Object> properties,
      List<String> required,
      String name,
      Type type,
      AnnotatedElement annotated,
      String where,
      List<Class<?>> outer) {
    Type inside = type;
    if (raw(type) == Optional.class) {
      inside = argument(type, 0, where);
    } else {
      required.add(name);
    }
    Map<String, @Nullable Object> schema = schema(inside, where, outer);
    describe(schema, annotated);
    properties.put(name, schema);
  }

  private static void describe(Map<String, @Nullable Object> schema, AnnotatedElement annotated) {
    Description description = annotated.getAnnotation(Description.class);
    if (description != null) {
      schema.put("description", description.value());
    }
  }

  private static Map<String, @Nullable Object> object(
      Map<String, @Nullable Object> properties, List<String> required) {
    Map<String, @Nullable Object> schema = new LinkedHashMap<>();
    schema.put("type", "object");
    schema.put("properties", properties);
    schema.put("required", required);
    return schema;
  }

  private static Map<String, @Nullable Object> schema(
      Type type, String where, List<Class<?>> outer) {
    Class<?> raw = raw(type);
    Map<String, @Nullable Object> schema = new LinkedHashMap<>();
    if (raw == null) {
      throw new IllegalArgumentException(where + ": no schema for " + type);
    } else if (raw == String.class || raw == char.class || raw == Character.class) {
      schema.put("type", "string");
    } else if (raw == boolean.class || raw == Boolean.class) {
      schema.put("type", "boolean");
    } else if (integer(raw)) {
      schema.put("type", "integer");
    } else if (decimal(raw)) {
      schema.put("type", "number");
    } else if (raw == LocalDate.class) {
      schema.put("type", "string");
      schema.put("format", "date");
    } else if (raw == Instant.class) {
      schema.put("type", "string");
      schema.put("format", "date-time");
    } else if (raw == UUID.class) {
      schema.put("type", "string");
      schema.put("format", "uuid");
    } else if (raw.isEnum()) {
      schema.put("type", "string");
      schema.put("enum", Arrays.stream(raw.getEnumConstants()).map(Schemas::name).toList());
    } else if (raw.isArray()) {
      schema.put("type", "array");
      Type element =
          type instanceof GenericArrayType array
              ? array.getGenericComponentType()
              : raw.getComponentType();
      schema.put("items", schema(element, where, outer));
    } else if (raw == List.class || raw == Set.class || raw == Collection.class) {
      schema.put("type", "array");
      if (raw == Set.class) {
        schema.put("uniqueItems", true);
      }
      schema.put("items", schema(argument(type, 0, where), where, outer));
    } else if (raw == Map.class && argument(type, 0, where) == String.class) {
      schema.put("type", "object");
      schema.put("additionalProperties", schema(argument(type, 1, where), where, outer));
    } else if (raw.isRecord()) {
      return record(raw, where, outer);
    } else {
      throw new IllegalArgumentException(where + ": no schema for " + type.getTypeName());
    }
    return schema;
  }

  private static String name(Object constant) {
    return ((Enum<?>) constant).name();
  }

  static boolean integer(Class<?> raw) {
    return raw == int.class
        || raw == Integer.class
        || raw == long.class
        || raw == Long.class
        || raw == short.class
        || raw == Short.class
        || raw == byte.class
        || raw == Byte.class
        || raw == BigInteger.class;
  }

  static boolean decimal(Class<?> raw) {
    return raw == double.class
        || raw == Double.class
        || raw == float.class
        || raw == Float.class
        || raw == BigDecimal.class;
  }

  static @Nullable Class<?> raw(Type type) {
    if (type instanceof Class<?> plain) {
      return plain;
    }
    if (type instanceof ParameterizedType parameterized) {
      return (Class<?>) parameterized.getRawType();
    }
    if (type instanceof GenericArrayType array) {
      Class<?> element = raw(array.getGenericComponentType());
      return element == null ? null : element.arrayType();
    }
    return null;
  }

  static Type argument(Type type, int index, String where) {
    if (type instanceof ParameterizedType parameterized) {
      return parameterized.getActualTypeArguments()[index];
    }
    throw new IllegalArgumentException(where + ": " + type.getTypeName() + " without its type");
  }
}
