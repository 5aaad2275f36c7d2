package io.llmguard.ollama.internal;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Times of RFC 3339, without garbage for the form that Ollama writes with every token; a minute is
 * worked out once for all the tokens in it. Not thread-safe.
 */
final class Instants {
  private static final long DAY = 86_400;

  /** {@code 2026-11-23T02:27:}, which the times of neighbouring tokens share. */
  private static final int MINUTE = 17;

  private final byte[] minute = new byte[MINUTE];
  private long minuteSeconds;

  /** Reads one time. */
  static Instant parse(String text) {
    return new Instants().read(text);
  }

  /**
   * Reads a time.
   *
   * @throws IllegalArgumentException where it is none
   */
  Instant read(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Instant utc = utc(bytes, 0, bytes.length);
    if (utc != null) {
      return utc;
    }
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new IllegalArgumentException("a time that is not of RFC 3339", e);
    }
  }

  /** A time in the form that Ollama writes; null where it is of another, or none. */
  @Nullable Instant utc(byte[] text, int from, int length) {
    if (length < 20 || text[from + length - 1] != 'Z') {
      return null;
    }
    int second = digits(text, from + MINUTE, 2);
    if (second < 0 || second > 59 || !inMinute(text, from)) {
      return null;
    }
    int nanos = fraction(text, from + MINUTE + 2, from + length - 1);
    return nanos < 0 ? null : Instant.ofEpochSecond(minuteSeconds + second, nanos);
  }

  private boolean inMinute(byte[] text, int from) {
    if (Arrays.equals(minute, 0, MINUTE, text, from, from + MINUTE)) {
      return true;
    }
    int year = digits(text, from, 4);
    int month = digits(text, from + 5, 2);
    int day = digits(text, from + 8, 2);
    int hour = digits(text, from + 11, 2);
    int minutes = digits(text, from + 14, 2);
    boolean plain =
        (year | month | day | hour | minutes) >= 0
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
            && minutes < 60;
    if (!plain) {
      // the ends of months and everything odd: the platform's parser knows
      return false;
    }
    minuteSeconds =
        LocalDate.of(year, month, day).toEpochDay() * DAY + hour * 3600L + minutes * 60L;
    System.arraycopy(text, from, minute, 0, MINUTE);
    return true;
  }

  private static int digits(byte[] text, int from, int count) {
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

  private static int fraction(byte[] text, int from, int end) {
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
