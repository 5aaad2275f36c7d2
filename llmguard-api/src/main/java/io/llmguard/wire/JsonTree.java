package io.llmguard.wire;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A JSON text as a tree of its strings and of what holds them, with their places; numbers and
 * literals only where they are members of an object.
 *
 * <p>Reads what every parser takes, and more: what no parser takes may pass for JSON here, but
 * never the other way round.
 */
final class JsonTree {
  private static final List<Node> NOTHING = List.of();

  private final byte[] bytes;
  private int at;

  private JsonTree(byte[] bytes) {
    this.bytes = bytes;
  }

  enum Kind {
    OBJECT,
    ARRAY,
    STRING,
    OTHER
  }

  /**
   * A value.
   *
   * @param key its name where it is a member of an object, else the empty string
   * @param start the offset of its first byte; of a string, of its opening quote
   * @param end the offset after its last byte
   * @param children what it holds
   */
  record Node(Kind kind, String key, int start, int end, List<Node> children) {
    /** The last member of that name, which is the one that most parsers take, or null. */
    @Nullable Node member(String name) {
      for (int i = children.size() - 1; i >= 0; i--) {
        if (kind == Kind.OBJECT && children.get(i).key.equals(name)) {
          return children.get(i);
        }
      }
      return null;
    }
  }

  /** Ends the reading of what is no JSON; carries no trace. */
  private static final class NoJson extends Exception {
    private static final long serialVersionUID = 1L;

    NoJson() {
      super(null, null, false, false);
    }
  }

  /** The tree of a text, or null if it is no JSON or nested too deep. */
  static @Nullable Node parse(byte[] bytes) {
    JsonTree tree = new JsonTree(bytes);
    try {
      tree.space();
      Node root = tree.value("", 0, true);
      tree.space();
      return tree.at == bytes.length ? root : null;
    } catch (NoJson e) {
      return null;
    }
  }

  private @Nullable Node value(String key, int depth, boolean member) throws NoJson {
    if (at == bytes.length || depth > RequestReader.MAX_DEPTH) {
      throw new NoJson();
    }
    int start = at;
    switch (bytes[at]) {
      case '"' -> {
        string();
        return new Node(Kind.STRING, key, start, at, NOTHING);
      }
      case '{' -> {
        List<Node> members = members(depth);
        return new Node(Kind.OBJECT, key, start, at, members);
      }
      case '[' -> {
        List<Node> elements = elements(depth);
        return new Node(Kind.ARRAY, key, start, at, elements);
      }
      default -> {
        scalar();
        return member ? new Node(Kind.OTHER, key, start, at, NOTHING) : null;
      }
    }
  }

  private List<Node> members(int depth) throws NoJson {
    List<Node> members = new ArrayList<>(4);
    at++;
    space();
    if (is('}')) {
      at++;
      return NOTHING;
    }
    while (true) {
      if (!is('"')) {
        throw new NoJson();
      }
      int start = at;
      string();
      String key = text(bytes, start, at);
      space();
      expect(':');
      space();
      Node value = value(key, depth + 1, true);
      if (value != null) {
        members.add(value);
      }
      space();
      if (is('}')) {
        at++;
        return members;
      }
      expect(',');
      space();
    }
  }

  private List<Node> elements(int depth) throws NoJson {
    List<Node> elements = NOTHING;
    at++;
    space();
    if (is(']')) {
      at++;
      return NOTHING;
    }
    while (true) {
      Node value = value("", depth + 1, false);
      if (value != null) {
        if (elements.isEmpty()) {
          elements = new ArrayList<>(4);
        }
        elements.add(value);
      }
      space();
      if (is(']')) {
        at++;
        return elements;
      }
      expect(',');
      space();
    }
  }

  private void string() throws NoJson {
    int end = JsonText.stringEnd(bytes, at);
    if (end < at + 2 || bytes[end - 1] != '"' || escaped(end - 1)) {
      throw new NoJson();
    }
    at = end;
  }

  /** True if the quote there is escaped, so that the text ended within its string. */
  private boolean escaped(int quote) {
    int backslashes = 0;
    while (quote - backslashes > at && bytes[quote - backslashes - 1] == '\\') {
      backslashes++;
    }
    return backslashes % 2 == 1;
  }

  private void scalar() throws NoJson {
    int start = at;
    while (at < bytes.length && isScalar(bytes[at])) {
      at++;
    }
    if (at == start) {
      throw new NoJson();
    }
  }

  private static boolean isScalar(byte b) {
    return (b >= '0' && b <= '9')
        || (b >= 'a' && b <= 'z')
        || (b >= 'A' && b <= 'Z')
        || b == '-'
        || b == '+'
        || b == '.';
  }

  private void space() {
    while (at < bytes.length
        && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\r' || bytes[at] == '\t')) {
      at++;
    }
  }

  private boolean is(char c) {
    return at < bytes.length && bytes[at] == c;
  }

  private void expect(char c) throws NoJson {
    if (!is(c)) {
      throw new NoJson();
    }
    at++;
  }

  /** What a string says, given by its quotes; an escape that is none stands for itself. */
  static String text(byte[] bytes, int start, int end) {
    int from = start + 1;
    int to = end - 1;
    int i = from;
    while (i < to && bytes[i] != '\\') {
      i++;
    }
    if (i == to) {
      return new String(bytes, from, to - from, StandardCharsets.UTF_8);
    }
    StringBuilder text = new StringBuilder(to - from);
    while (from < to) {
      text.append(new String(bytes, from, i - from, StandardCharsets.UTF_8));
      if (i == to) {
        break;
      }
      if (bytes[i + 1] == 'u' && isHex(bytes, i + 2, to)) {
        text.append((char) JsonText.hex4(bytes, i + 2));
        i += 6;
      } else if (bytes[i + 1] >= 0) {
        text.append((char) JsonText.unescaped(bytes[i + 1]));
        i += 2;
      } else {
        i++;
      }
      from = i;
      while (i < to && bytes[i] != '\\') {
        i++;
      }
    }
    return text.toString();
  }

  private static boolean isHex(byte[] bytes, int from, int to) {
    if (from + 4 > to) {
      return false;
    }
    for (int i = from; i < from + 4; i++) {
      if (Character.digit(bytes[i], 16) < 0) {
        return false;
      }
    }
    return true;
  }
}
