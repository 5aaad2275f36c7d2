package io.llmguard.ollama.internal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.llmguard.ollama.Image;
import io.llmguard.ollama.JsonSchema;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON to and from plain maps, lists, strings, numbers, booleans and null. */
public final class Json {
  /** Lines are bounded before they are parsed: no second bound on a string's length. */
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNestingDepth(256)
                  .build())
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .build();

  private Json() {}

  /**
   * Reads an object from text.
   *
   * @throws IllegalArgumentException where it is none; the message holds no content
   */
  public static Map<String, @Nullable Object> object(String text) {
    return object(text.getBytes(StandardCharsets.UTF_8), 0, -1);
  }

  /** Reads an object from bytes; a negative {@code to} means all of them. */
  public static Map<String, @Nullable Object> object(byte[] bytes, int from, int to) {
    int end = to < 0 ? bytes.length : to;
    try (JsonParser parser = FACTORY.createParser(bytes, from, end - from)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("not a JSON object");
      }
      Map<String, @Nullable Object> object = object(parser);
      if (parser.nextToken() != null) {
        throw new IllegalArgumentException(
            "more after the JSON object, at byte " + parser.currentTokenLocation().getByteOffset());
      }
      return object;
    } catch (JsonProcessingException e) {
      // a bound of the parser's own comes without a place
      throw new IllegalArgumentException(
          e.getLocation() == null
              ? "JSON beyond the bounds"
              : "not JSON, at byte " + e.getLocation().getByteOffset());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The object whose {@code START_OBJECT} is the current token. */
  static Map<String, @Nullable Object> object(JsonParser parser) throws IOException {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    for (String name = name(parser); name != null; name = name(parser)) {
      parser.nextToken();
      object.put(name, value(parser));
    }
    return object;
  }

  /** The next field's name; null at the object's end. */
  static @Nullable String name(JsonParser parser) throws IOException {
    return parser.nextToken() == JsonToken.FIELD_NAME ? parser.currentName() : null;
  }

  /** The value whose first token is the current one. */
  static @Nullable Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number(parser);
      default -> null;
    };
  }

  private static Number number(JsonParser parser) throws IOException {
    return switch (parser.getNumberType()) {
      case INT, LONG -> parser.getLongValue();
      case BIG_INTEGER -> parser.getBigIntegerValue();
      default -> parser.getDoubleValue();
    };
  }

  /** The value as UTF-8 JSON. */
  public static byte[] bytes(@Nullable Object value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    try (JsonGenerator generator = FACTORY.createGenerator(out)) {
      write(generator, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  /** The value as JSON text. */
  public static String text(@Nullable Object value) {
    return new String(bytes(value), StandardCharsets.UTF_8);
  }

  private static void write(JsonGenerator out, @Nullable Object value) throws IOException {
    if (value == null) {
      out.writeNull();
    } else if (value instanceof String text) {
      out.writeString(text);
    } else if (value instanceof Boolean bool) {
      out.writeBoolean(bool);
    } else if (value instanceof Number number) {
      write(out, number);
    } else if (value instanceof Map<?, ?> map) {
      out.writeStartObject();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        out.writeFieldName(String.valueOf(entry.getKey()));
        write(out, entry.getValue());
      }
      out.writeEndObject();
    } else if (value instanceof Iterable<?> list) {
      out.writeStartArray();
      for (Object element : list) {
        write(out, element);
      }
      out.writeEndArray();
    } else if (value instanceof Image image) {
      out.writeBinary(image.bytes());
    } else if (value instanceof JsonSchema schema) {
      write(out, schema.json());
    } else if (value instanceof Enum<?> constant) {
      out.writeString(constant.name());
    } else {
      throw new IllegalArgumentException("no JSON for a value of " + value.getClass().getName());
    }
  }

  private static void write(JsonGenerator out, Number number) throws IOException {
    if (number instanceof Double || number instanceof Float) {
      out.writeNumber(number.doubleValue());
    } else if (number instanceof BigDecimal decimal) {
      out.writeNumber(decimal);
    } else if (number instanceof BigInteger integer) {
      out.writeNumber(integer);
    } else {
      out.writeNumber(number.longValue());
    }
  }
}
