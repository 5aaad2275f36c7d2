package io.llmguard.upstream;

import io.llmguard.Headers;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/** Reads {@code Retry-After} (RFC 9110, section 10.2.3): seconds, or a date. */
final class RetryAfter {
  private RetryAfter() {}

  /** The time to wait, never negative and at most a day; null if nothing usable was said. */
  static @Nullable Duration of(Headers headers, Instant now) {
    String value = headers.first("Retry-After");
    if (value == null) {
      return null;
    }
    String text = value.strip();
    Duration wait;
    if (!text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      wait = text.length() > 6 ? ChronoUnit.DAYS.getDuration() : seconds(text);
    } else {
      try {
        Instant then = Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text));
        wait = Duration.between(now, then);
      } catch (DateTimeParseException e) {
        return null;
      }
    }
    Duration day = ChronoUnit.DAYS.getDuration();
    return wait.isNegative() ? Duration.ZERO : wait.compareTo(day) > 0 ? day : wait;
  }

  private static Duration seconds(String text) {
    return Duration.ofSeconds(Long.parseLong(text));
  }
}
