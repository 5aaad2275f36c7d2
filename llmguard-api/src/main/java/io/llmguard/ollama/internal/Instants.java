package io.llmguard.ollama.internal;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import org.jspecify.annotations.Nullable;

/** Times of RFC 3339, without garbage for the form that Ollama writes with every token. */
final class Instants {
  private static final long DAY = 86_400;

  private Instants() {}

  static Instant parse(String text) {
    char[] chars = text.toCharArray();
    return parse(chars, 0, chars.length);
  }

  /**
   * Reads a time.
   *
   * @throws IllegalArgumentException where it is none
   */
  static Instant parse(char[] text, int from, int length) {
    Instant utc = length >= 20 && text[from + length - 1] == 'Z' ? utc(text, from, length) : null;
    if (utc != null) {
      return utc;
    }
    try {
      return OffsetDateTime.parse(new String(text, from, length)).toInstant();
    } catch (DateTimeException e) {
      throw new IllegalArgumentException("a time that is not of RFC 3339", e);
    }
  }

  private static @Nullable Instant utc(char[] text, int from, int length) {
    int year = digits(text, from, 4);
    int month = digits(text, from + 5, 2);
    int day = digits(text, from + 8, 2);
    int hour = digits(text, from + 11, 2);
    int minute = digits(text, from + 14, 2);
    int second = digits(text, from + 17, 2);
    boolean plain =
        (year | month | day | hour | minute | second) >= 0
            && text[from + 4] == '-'
            && text[from + 7] == '-'
            && text[from + 10] == 'T'
            && text[from + 13] == ':'
            && text[from + 16] == ':'
            && month >= 1
            && month <= 12
            && day >= 1
            && day <= 28
            && hour < 24
            && minute < 60
            && second < 60;
    int nanos = plain ? fraction(text, from + 19, from + length - 1) : -1;
    if (nanos < 0) {
      // the ends of months and everything odd: the platform's parser knows
      return null;
    }
    return Instant.ofEpochSecond(
        epochDay(year, month, day) * DAY + hour * 3600L + minute * 60L + second, nanos);
  }

  private static long epochDay(int year, int month, int day) {
    return LocalDate.of(year, month, day).toEpochDay();
  }

  private static int digits(char[] text, int from, int count) {
    int value = 0;
    for (int i = from; i < from + count; i++) {
      int digit = text[i] - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }

  private static int fraction(char[] text, int from, int end) {
    if (from == end) {
      return 0;
    }
    int count = end - from - 1;
    if (text[from] != '.' || count < 1 || count > 9) {
      return -1;
    }
    int value = digits(text, from + 1, count);
    for (int i = count; i < 9 && value >= 0; i++) {
      value *= 10;
    }
    return value;
  }
}
