package io.llmguard.key;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** When a key expires, as people write it. */
public final class Expiry {
  private static final Pattern PERIOD = Pattern.compile("([1-9][0-9]{0,5})([smhdw])");

  private Expiry() {}

  /**
   * Reads {@code never}, a period from now ({@code 90d}; units {@code s m h d w}), a date ({@code
   * 2030-12-31}, good to the end of that day in UTC) or a time with its offset ({@code
   * 2030-12-31T18:00:00Z}, ISO 8601).
   *
   * @return the moment, or null for never
   * @throws IllegalArgumentException if it is none of these or lies in the past
   */
  public static @Nullable Instant parse(String text, Instant now) {
    if (text.equals("never")) {
      return null;
    }
    Instant moment;
    try {
      moment = moment(text, now);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "no expiry: '"
              + text
              + "'; write never, a period such as 90d, a date such as 2030-12-31 or a time such as"
              + " 2030-12-31T18:00:00Z",
          e);
    }
    if (!moment.isAfter(now)) {
      throw new IllegalArgumentException("the expiry '" + text + "' lies in the past");
    }
    return moment;
  }

  private static Instant moment(String text, Instant now) {
    Matcher period = PERIOD.matcher(text);
    if (period.matches()) {
      long amount = Long.parseLong(period.group(1));
      return now.plus(
          switch (period.group(2).charAt(0)) {
            case 's' -> Duration.ofSeconds(amount);
            case 'm' -> Duration.ofMinutes(amount);
            case 'h' -> Duration.ofHours(amount);
            case 'd' -> Duration.ofDays(amount);
            default -> Duration.ofDays(7 * amount);
          });
    }
    return text.indexOf('T') < 0
        ? LocalDate.parse(text).plusDays(1).atStartOfDay(ZoneOffset.UTC).toInstant()
        : OffsetDateTime.parse(text).toInstant();
  }
}
