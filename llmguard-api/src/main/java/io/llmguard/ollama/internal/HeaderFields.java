package io.llmguard.ollama.internal;

import java.util.Locale;
import java.util.Set;

/** What may be sent as a header. No message repeats a value, for it may be a secret. */
public final class HeaderFields {
  /** Set by the transport alone. */
  private static final Set<String> RESERVED =
      Set.of(
          "connection",
          "content-length",
          "expect",
          "host",
          "keep-alive",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade");

  private HeaderFields() {}

  /**
   * Refuses what is no header of visible ASCII characters, or one that belongs to the connection.
   *
   * @throws IllegalArgumentException which repeats neither the name nor the value
   */
  public static void check(String name, String value) {
    if (name.isEmpty() || !name.chars().allMatch(HeaderFields::token)) {
      throw new IllegalArgumentException("a header's name holds what is no token of HTTP");
    }
    if (RESERVED.contains(name.toLowerCase(Locale.ROOT))) {
      throw new IllegalArgumentException("a header of the connection's own cannot be set");
    }
    if (!value.chars().allMatch(c -> visible(c) || c == ' ')) {
      throw new IllegalArgumentException(
          "the value of header " + name + " holds what is no visible ASCII character");
    }
  }

  /**
   * Refuses what cannot stand in a header as it is: only visible ASCII characters, one at least.
   *
   * @throws IllegalArgumentException which does not repeat it
   */
  public static String secret(String value) {
    String stripped = value.strip();
    if (stripped.isEmpty()) {
      throw new IllegalArgumentException("a credential is blank");
    }
    if (!stripped.chars().allMatch(HeaderFields::visible)) {
      throw new IllegalArgumentException("a credential holds what is no visible ASCII character");
    }
    return stripped;
  }

  private static boolean visible(int c) {
    return c > ' ' && c < 127;
  }

  private static boolean token(int c) {
    return visible(c) && "\"(),/:;<=>?@[\\]{}".indexOf(c) < 0;
  }
}
