package io.llmguard.wire;

import static com.fasterxml.jackson.core.JsonToken.END_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.END_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.FIELD_NAME;
import static com.fasterxml.jackson.core.JsonToken.START_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.START_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.VALUE_FALSE;
import static com.fasterxml.jackson.core.JsonToken.VALUE_NULL;
import static com.fasterxml.jackson.core.JsonToken.VALUE_STRING;
import static com.fasterxml.jackson.core.JsonToken.VALUE_TRUE;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Goes through one body, and knows where in it each value stands.
 *
 * <p>Each method that reads a value is called with the cursor at the value's first token and leaves
 * it at the last.
 */
final class BodyCursor {
  private final JsonParser parser;
  private final byte[] body;
  private final BodyPath path = new BodyPath();

  /** The bytes of the current token; after a value was read, {@code end} is the value's end. */
  private int start;

  private int end;

  BodyCursor(JsonParser parser, byte[] body) {
    this.parser = parser;
    this.body = body;
  }

  byte[] body() {
    return body;
  }

  BodyPath path() {
    return path;
  }

  /** Where the current token begins. */
  int start() {
    return start;
  }

  /** Where the current token ends, or the value that was read. */
  int end() {
    return end;
  }

  JsonToken token() {
    return parser.currentToken();
  }

  /** The text of the current token. */
  String tokenText() throws IOException {
    return parser.getText();
  }

  // ---- places

  /** Goes to the next token; null at the body's end. */
  @Nullable JsonToken next() throws IOException {
    JsonToken token = parser.nextToken();
    if (token != null) {
      locate(token);
    }
    return token;
  }

  /**
   * Finds where the current token stands, from where the one before ended: the parser knows it too,
   * but not without an object for each answer.
   */
  private void locate(JsonToken token) throws IOException {
    int i = end;
    while (i < body.length && isBetween(body[i])) {
      i++;
    }
    start = i;
    if (token == VALUE_STRING || token == FIELD_NAME) {
      end = JsonText.stringEnd(body, i);
    } else if (token.isNumeric()) {
      // the parser keeps a number's text as it stands
      end = i + parser.getTextLength();
    } else if (token.isScalarValue()) {
      end = i + (token == VALUE_FALSE ? 5 : 4);
    } else {
      end = i + 1;
    }
  }

  private static boolean isBetween(byte b) {
    return b == ' ' || b == ',' || b == ':' || b == '\n' || b == '\r' || b == '\t';
  }

  void expect(JsonToken token, String what) throws BadBody {
    if (parser.currentToken() != token) {
      throw wrongType(what);
    }
  }

  BadBody wrongType(String what) {
    return bad("invalid-field", "a field must be " + what);
  }

  BadBody bad(String reason, String detail) {
    return new BadBody(new MalformedBody(reason, detail, start, path.toString()));
  }

  /** The body is malformed where the parser stands. */
  MalformedBody malformed(String reason, String detail) {
    long offset = parser.currentLocation().getByteOffset();
    return new MalformedBody(reason, detail, offset, path.toString());
  }

  // ---- scalars

  boolean isNull() {
    return parser.currentToken() == VALUE_NULL;
  }

  @Nullable Boolean flag() throws BadBody {
    if (isNull()) {
      return null;
    }
    JsonToken token = parser.currentToken();
    if (token != VALUE_TRUE && token != VALUE_FALSE) {
      throw wrongType("true or false");
    }
    return token == VALUE_TRUE;
  }

  @Nullable Long number() throws BadBody {
    if (isNull()) {
      return null;
    }
    if (!parser.currentToken().isNumeric()) {
      throw wrongType("a number");
    }
    return JsonText.number(body, start, end);
  }

  @Nullable String text() throws IOException, BadBody {
    if (isNull()) {
      return null;
    }
    expect(VALUE_STRING, "a string");
    return parser.getText();
  }

  // ---- values that policy does not read

  /** Reads a value of any shape, in which no key may come twice in one object. */
  void free() throws IOException, BadBody {
    free(null);
  }

  /** Reads a value of any shape, as {@link #free()}, and shows a visitor the strings in it. */
  void free(@Nullable Visitor visitor) throws IOException, BadBody {
    if (parser.currentToken().isStructStart()) {
      skip(visitor, false);
      end = (int) parser.currentLocation().getByteOffset();
    }
  }

  private void skip(@Nullable Visitor visitor, boolean wanted) throws IOException, BadBody {
    JsonToken token = parser.currentToken();
    if (token == START_OBJECT) {
      Keys keys = new Keys();
      for (String key; (key = parser.nextFieldName()) != null; ) {
        if (!keys.add(key)) {
          throw new BadBody(malformed("duplicate-key", "a key comes twice in one object"));
        }
        parser.nextToken();
        skip(visitor, visitor != null && visitor.wants(key));
      }
    } else if (token == START_ARRAY) {
      while (parser.nextToken() != END_ARRAY) {
        skip(visitor, wanted);
      }
    } else if (visitor != null && wanted && token == VALUE_STRING) {
      visitor.string(parser.getText());
    }
  }

  /** Is shown strings of a value that policy does not read. */
  interface Visitor {
    /** Whether the strings under this key are of interest. */
    boolean wants(String key);

    /** Takes such a string. */
    void string(String text);
  }

  /** The keys of the object that begins here, of which policy knows these names. */
  Scope scope(FieldNames names) {
    return new Scope(names);
  }

  /** The keys of an object that policy reads. */
  final class Scope {
    private final FieldNames names;
    private long seen;
    private @Nullable Keys folded;
    String key = "";

    /** The key where it is a known one, else a star: what a path may show. */
    String name = "*";

    Field field = Field.SKIPPED;

    private Scope(FieldNames names) {
      this.names = names;
    }

    /** Goes to the next key; false at the object's end. */
    boolean next() throws IOException, BadBody {
      String next = parser.nextFieldName();
      locate(parser.currentToken());
      if (next == null) {
        if (parser.currentToken() != END_OBJECT) {
          throw bad("invalid-json", "the body is not one valid JSON object");
        }
        return false;
      }
      key = next;
      FieldNames.Entry entry = names.exact(next);
      if (entry == null) {
        unknown(next);
        return true;
      }
      name = entry.name();
      field = entry.field();
      long bit = 1L << entry.bit();
      if ((seen & bit) != 0) {
        path.push(name);
        throw bad("duplicate-key", "a field comes twice in one object");
      }
      seen |= bit;
      return true;
    }

    private void unknown(String next) throws BadBody {
      name = "*";
      field = names.unknownField();
      String fold = FieldNames.fold(next);
      FieldNames.Entry alike = names.exact(fold);
      if (alike != null) {
        path.push(alike.name());
        throw bad("ambiguous-key", "a field's name is spelled in another case");
      }
      if (folded == null) {
        folded = new Keys();
      }
      if (!folded.add(fold)) {
        throw bad("duplicate-key", "a key comes twice in one object, or in another case");
      }
    }
  }
}
