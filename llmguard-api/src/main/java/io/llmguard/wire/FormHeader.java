package io.llmguard.wire;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A header value with parameters, as in {@code form-data; name="x"}; no parameter twice, no
 * backslash in a quoted string, as readers differ in what it means.
 *
 * @param value what stands before the parameters, in lower case
 * @param parameters by their names in lower case
 */
record FormHeader(String value, Map<String, String> parameters) {
  /** The parsed value, or null if it is not of this form. */
  static @Nullable FormHeader parse(String text) {
    int at = text.indexOf(';');
    String value = (at < 0 ? text : text.substring(0, at)).strip();
    if (value.isEmpty() || !isToken(value.replace("/", ""))) {
      return null;
    }
    Map<String, String> parameters = new LinkedHashMap<>();
    while (at >= 0) {
      int equals = text.indexOf('=', at);
      if (equals < 0) {
        return null;
      }
      String name = text.substring(at + 1, equals).strip().toLowerCase(Locale.ROOT);
      int start = equals + 1;
      boolean quoted = start < text.length() && text.charAt(start) == '"';
      int end = quoted ? text.indexOf('"', start + 1) : text.indexOf(';', start);
      if (quoted && end < 0) {
        return null;
      }
      String parameter =
          quoted
              ? text.substring(start + 1, end)
              : text.substring(start, end < 0 ? text.length() : end).strip();
      boolean sound = quoted ? parameter.indexOf('\\') < 0 : isToken(parameter);
      if (!isToken(name) || !sound || parameters.put(name, parameter) != null) {
        return null;
      }
      at = next(text, quoted ? end + 1 : end);
      if (at == text.length()) {
        return null;
      }
    }
    return new FormHeader(value.toLowerCase(Locale.ROOT), parameters);
  }

  /** The next semicolon, -1 at the end, or the text's length where something else stands. */
  private static int next(String text, int from) {
    if (from < 0) {
      return -1;
    }
    int at = from;
    while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
      at++;
    }
    if (at == text.length()) {
      return -1;
    }
    return text.charAt(at) == ';' ? at : text.length();
  }

  /** RFC 9110, 5.6.2. */
  private static boolean isToken(String text) {
    if (text.isEmpty()) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letter && "!#$%&'*+-.^_`|~".indexOf(c) < 0) {
        return false;
      }
    }
    return true;
  }
}
