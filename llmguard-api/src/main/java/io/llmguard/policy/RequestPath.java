package io.llmguard.policy;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Brings a raw request path into the one form that is both judged and forwarded.
 *
 * <p>Percent escapes are decoded once. A path that two servers could read differently is refused
 * instead of repaired: empty, {@code .} and {@code ..} segments (a single trailing slash too), path
 * parameters, encoded slashes and percent signs, backslashes, control characters, and bytes that
 * are no UTF-8.
 */
final class RequestPath {
  private RequestPath() {}

  /** The decoded path, or null if it cannot be read in exactly one way. */
  static @Nullable String normalise(String raw) {
    if (raw.isEmpty() || raw.charAt(0) != '/') {
      return null;
    }
    String decoded = isPlain(raw) ? raw : decode(raw);
    return decoded == null || hasOddSegment(decoded) ? null : decoded;
  }

  private static boolean isPlain(String raw) {
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '/'
              || c == '-'
              || c == '_'
              || c == '.'
              || c == ':'
              || c == '@';
      if (!plain) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable String decode(String raw) {
    byte[] bytes = new byte[raw.length()];
    int length = 0;
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c <= 0x20 || c >= 0x7f || c == ';' || c == '\\' || c == '?' || c == '#') {
        return null;
      }
      if (c != '%') {
        bytes[length++] = (byte) c;
        continue;
      }
      int value = i + 2 < raw.length() ? hex(raw.charAt(i + 1)) << 4 | hex(raw.charAt(i + 2)) : -1;
      if (value <= 0x20 || value == 0x7f || "/\\;%?#".indexOf(value) >= 0) {
        return null;
      }
      bytes[length++] = (byte) value;
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes, 0, length))
          .toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** The digit's value; negative, and so is any value made with it, for anything else. */
  private static int hex(char c) {
    return c < 0x80 ? Character.digit(c, 16) : -1;
  }

  private static boolean hasOddSegment(String path) {
    if (path.length() == 1) {
      return false;
    }
    int start = 1;
    while (start <= path.length()) {
      int slash = path.indexOf('/', start);
      int end = slash < 0 ? path.length() : slash;
      boolean dots = end - start <= 2 && path.startsWith("..".substring(0, end - start), start);
      if (dots) {
        return true; // empty, ".", or ".."
      }
      start = end + 1;
    }
    return false;
  }
}
