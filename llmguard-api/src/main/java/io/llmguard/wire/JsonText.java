package io.llmguard.wire;

import java.nio.charset.StandardCharsets;

/** Values of a JSON text that a parser has already found to be well-formed, by their bytes. */
final class JsonText {
  /** Doubles beyond this are not exact, and nobody asks for so many of anything. */
  private static final double LARGEST = 9.0e15;

  private JsonText() {}

  /**
   * The offset after the closing quote of the string whose opening quote stands at {@code at}; the
   * body's length where there is none, as the parser has not come so far.
   */
  static int stringEnd(byte[] body, int at) {
    int i = at + 1;
    while (i < body.length && body[i] != '"') {
      i += body[i] == '\\' ? 2 : 1;
    }
    return Math.min(i + 1, body.length);
  }

  /**
   * The value of a number, without its fraction; {@code Long.MAX_VALUE} or {@code MIN_VALUE} where
   * it is beyond what a double holds exactly.
   */
  static long number(byte[] body, int start, int end) {
    double value =
        Double.parseDouble(new String(body, start, end - start, StandardCharsets.ISO_8859_1));
    if (value > LARGEST) {
      return Long.MAX_VALUE;
    }
    return value < -LARGEST ? Long.MIN_VALUE : (long) value;
  }

  /** True if the bytes from {@code start} are exactly the word. */
  static boolean is(byte[] body, int start, int end, String word) {
    if (end - start != word.length()) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (body[start + i] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** The four hex digits at an offset. */
  static int hex4(byte[] body, int at) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
      value = (value << 4) | Character.digit(body[at + i], 16);
    }
    return value;
  }

  /** What the letter after a backslash stands for, {@code u} aside. */
  static byte unescaped(byte letter) {
    return switch (letter) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      default -> letter;
    };
  }
}
