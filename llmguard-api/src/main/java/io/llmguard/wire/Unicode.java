package io.llmguard.wire;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** What UTF-8 bytes and UTF-16 strings hold that must not be there. */
final class Unicode {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long NOT_ASCII = 0x8080808080808080L;

  private Unicode() {}

  /**
   * The offset of the first byte that is not well-formed UTF-8 (Unicode 15, table 3-7), or -1:
   * overlong forms, surrogates and code points above U+10FFFF are not.
   */
  static int firstMalformed(byte[] bytes) {
    int length = bytes.length;
    int i = 0;
    while (i < length) {
      if (i + 8 <= length && ((long) LONGS.get(bytes, i) & NOT_ASCII) == 0) {
        i += 8;
        continue;
      }
      byte lead = bytes[i];
      if (lead >= 0) {
        i++;
        continue;
      }
      int size = sequenceLength(bytes, i, length);
      if (size == 0) {
        return i;
      }
      i += size;
    }
    return -1;
  }

  private static int sequenceLength(byte[] bytes, int at, int length) {
    int lead = bytes[at] & 0xff;
    int size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || at + size > length) {
      return 0;
    }
    for (int i = 1; i < size; i++) {
      if ((bytes[at + i] & 0xc0) != 0x80) {
        return 0;
      }
    }
    int second = bytes[at + 1] & 0xff;
    boolean wrong =
        switch (lead) {
          case 0xe0 -> second < 0xa0;
          case 0xed -> second > 0x9f;
          case 0xf0 -> second < 0x90;
          case 0xf4 -> second > 0x8f;
          default -> false;
        };
    return wrong ? 0 : size;
  }

  /** True if a surrogate stands in the text without its other half. */
  static boolean hasLoneSurrogate(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return true;
        }
        i++;
      }
    }
    return false;
  }

  /**
   * True if a white space, control or format character stands in the text: what readers trim, and
   * what nobody sees.
   */
  static boolean hasInvisible(String text) {
    return text.codePoints()
        .anyMatch(
            c ->
                Character.isWhitespace(c)
                    || Character.isSpaceChar(c)
                    || Character.isISOControl(c)
                    || Character.getType(c) == Character.FORMAT);
  }

  /** The text with U+FFFD in place of each lone surrogate. */
  static String withoutLoneSurrogates(String text) {
    if (!hasLoneSurrogate(text)) {
      return text;
    }
    StringBuilder result = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xfffd : c)
        .forEach(result::appendCodePoint);
    return result.toString();
  }
}
