package io.llmguard.wire;

import java.nio.charset.StandardCharsets;

/**
 * Durations as Ollama reads {@code keep_alive}: seconds, or a text of Go's {@code time} package.
 */
final class GoDuration {
  private GoDuration() {}

  /**
   * The seconds of a JSON value; infinite for a negative one, which means without end, and NaN for
   * what is none.
   */
  static double seconds(byte[] body, int start, int end) {
    String json = new String(body, start, end - start, StandardCharsets.UTF_8);
    double seconds;
    if (json.startsWith("\"")) {
      seconds = parse(json.substring(1, json.length() - 1));
    } else {
      seconds = Double.parseDouble(json);
    }
    return seconds < 0 ? Double.POSITIVE_INFINITY : seconds;
  }

  private static double parse(String text) {
    boolean negative = text.startsWith("-");
    int i = negative || text.startsWith("+") ? 1 : 0;
    if (text.substring(i).equals("0")) {
      return 0;
    }
    double sum = i == text.length() ? Double.NaN : 0;
    while (i < text.length()) {
      int number = i;
      while (i < text.length() && isNumeral(text.charAt(i))) {
        i++;
      }
      int unit = i;
      while (i < text.length() && !isNumeral(text.charAt(i))) {
        i++;
      }
      sum += number(text.substring(number, unit)) * unit(text.substring(unit, i));
    }
    return negative ? -sum : sum;
  }

  private static boolean isNumeral(char c) {
    return (c >= '0' && c <= '9') || c == '.';
  }

  private static double number(String digits) {
    boolean none = digits.isEmpty() || digits.equals(".");
    return none || digits.indexOf('.') != digits.lastIndexOf('.')
        ? Double.NaN
        : Double.parseDouble(digits);
  }

  private static double unit(String unit) {
    return switch (unit) {
      case "ns" -> 1e-9;
      case "us", "\u00b5s", "\u03bcs" -> 1e-6;
      case "ms" -> 1e-3;
      case "s" -> 1;
      case "m" -> 60;
      case "h" -> 3_600;
      default -> Double.NaN;
    };
  }
}
