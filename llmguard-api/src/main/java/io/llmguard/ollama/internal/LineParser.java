package io.llmguard.ollama.internal;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.async.ByteArrayFeeder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON object from each line with one parser for all of them, so that a token costs no
 * parser. The feeding parser is used as one that is fed whole objects: running dry is an error.
 *
 * @param <E> the event
 */
abstract class LineParser<E> implements Decoder<E> {
  private final JsonParser parser;
  private final ByteArrayFeeder feeder;
  private final Instants instants = new Instants();
  private final TokenLine token;
  private @Nullable String lastModel;
  private @Nullable Map<String, @Nullable Object> unknown;

  /** With the line of almost every token, which needs no parser. */
  LineParser(String beforeText, String afterText) {
    token = new TokenLine(beforeText, afterText, instants);
    try {
      parser = Json.FACTORY.createNonBlockingByteArrayParser();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    feeder = (ByteArrayFeeder) parser.getNonBlockingInputFeeder();
  }

  @Override
  public final @Nullable E decode(byte[] bytes, int from, int to) {
    return token.read(bytes, from, to) ? event(token) : parsed(bytes, from, to);
  }

  private @Nullable E parsed(byte[] bytes, int from, int to) {
    // a number behind the object would look like one whose end is still to come
    if (from < to && bytes[to - 1] != '}') {
      throw new IllegalArgumentException("a line that is no JSON object");
    }
    try {
      feeder.feedInput(bytes, from, to);
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException("a line that is no JSON object");
      }
      unknown = null;
      E event = event(parser);
      if (parser.nextToken() != JsonToken.NOT_AVAILABLE) {
        throw new IllegalArgumentException("more than one JSON object in a line");
      }
      return event;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "no JSON at byte " + (e.getLocation() == null ? 0 : e.getLocation().getByteOffset()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The event of a token's line. */
  abstract E event(TokenLine line);

  /** Reads the fields up to the object's end. */
  abstract @Nullable E event(JsonParser in) throws IOException;

  /** The next field's name; null at the object's end. */
  static @Nullable String field(JsonParser in) throws IOException {
    JsonToken token = in.nextToken();
    if (token == JsonToken.FIELD_NAME) {
      return in.currentName();
    }
    if (token == JsonToken.END_OBJECT) {
      return null;
    }
    throw new IllegalArgumentException("a JSON object without an end");
  }

  /** A text; null for JSON's null. */
  static @Nullable String text(JsonParser in, String name) throws IOException {
    return switch (in.nextToken()) {
      case VALUE_STRING -> in.getText();
      case VALUE_NULL -> null;
      case NOT_AVAILABLE -> throw new IllegalArgumentException("a JSON object without an end");
      default -> throw new IllegalArgumentException("\"" + name + "\" is no string");
    };
  }

  static String textOrEmpty(JsonParser in, String name) throws IOException {
    String text = text(in, name);
    return text == null ? "" : text;
  }

  /** The model's name, without a new string for each token. */
  final String model(JsonParser in) throws IOException {
    String last = lastModel;
    if (last != null && in.nextToken() == JsonToken.VALUE_STRING) {
      if (same(in, last)) {
        return last;
      }
      last = in.getText();
    } else if (last == null) {
      last = textOrEmpty(in, "model");
    } else {
      throw new IllegalArgumentException("\"model\" is no string");
    }
    lastModel = last;
    token.expect(last);
    return last;
  }

  static boolean same(JsonParser in, String known) throws IOException {
    int length = in.getTextLength();
    if (length != known.length()) {
      return false;
    }
    char[] chars = in.getTextCharacters();
    int offset = in.getTextOffset();
    for (int i = 0; i < length; i++) {
      if (chars[offset + i] != known.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  final @Nullable Instant instant(JsonParser in) throws IOException {
    if (in.nextToken() != JsonToken.VALUE_STRING) {
      if (in.currentToken() == JsonToken.VALUE_NULL) {
        return null;
      }
      throw new IllegalArgumentException("\"created_at\" is no string");
    }
    return instants.read(in.getText());
  }

  static boolean flag(JsonParser in, String name) throws IOException {
    return switch (in.nextToken()) {
      case VALUE_TRUE -> true;
      case VALUE_FALSE, VALUE_NULL -> false;
      default -> throw new IllegalArgumentException("\"" + name + "\" is no boolean");
    };
  }

  static long number(JsonParser in, String name) throws IOException {
    return switch (in.nextToken()) {
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> in.getLongValue();
      case VALUE_NULL -> 0;
      default -> throw new IllegalArgumentException("\"" + name + "\" is no number");
    };
  }

  /** A value of any kind: the parser must hold all of it. */
  static @Nullable Object any(JsonParser in) throws IOException {
    in.nextToken();
    return complete(in);
  }

  private static @Nullable Object complete(JsonParser in) throws IOException {
    return switch (in.currentToken()) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        for (String name = field(in); name != null; name = field(in)) {
          object.put(name, any(in));
        }
        yield object;
      }
      case START_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
          list.add(complete(in));
        }
        yield list;
      }
      case NOT_AVAILABLE -> throw new IllegalArgumentException("a JSON object without an end");
      default -> Json.value(in);
    };
  }

  /** Keeps a field that this version does not know. */
  final void keep(JsonParser in, String name) throws IOException {
    if (unknown == null) {
      unknown = new LinkedHashMap<>();
    }
    unknown.put(name, any(in));
  }

  /** What was kept in this line. */
  final Map<String, @Nullable Object> kept() {
    return unknown == null ? Map.of() : unknown;
  }

  /** Throws where the line is an error of the server's. */
  final void refuseErrors(Map<String, @Nullable Object> fields) {
    if (fields.get("error") != null) {
      throw Errors.inStream(fields);
    }
  }
}
