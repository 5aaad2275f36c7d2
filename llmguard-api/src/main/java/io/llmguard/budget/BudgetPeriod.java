package io.llmguard.budget;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The length of a budget's window: {@code 30s}, {@code 5m}, {@code 1h}, {@code 1d}, {@code 2w},
 * {@code 1mo}.
 *
 * @param amount how many units; at least 1, and no more than ten years
 * @param unit the unit
 */
public record BudgetPeriod(long amount, Unit unit) {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,9})(s|m|h|d|w|mo)");
  private static final Duration LONGEST = Duration.ofDays(3_660);

  /** Units; days and above are those of the calendar. */
  public enum Unit {
    /** {@code s}. */
    SECOND("s", Duration.ofSeconds(1)),
    /** {@code m}. */
    MINUTE("m", Duration.ofMinutes(1)),
    /** {@code h}. */
    HOUR("h", Duration.ofHours(1)),
    /** {@code d}. */
    DAY("d", Duration.ofDays(1)),
    /** {@code w}. */
    WEEK("w", Duration.ofDays(7)),
    /** {@code mo}. */
    MONTH("mo", Duration.ofDays(30));

    private final String word;
    private final Duration about;

    Unit(String word, Duration about) {
      this.word = word;
      this.about = about;
    }
  }

  /** Checks the range. */
  public BudgetPeriod {
    if (amount < 1 || amount > LONGEST.toSeconds() / unit.about.toSeconds()) {
      throw new IllegalArgumentException(
          "a budget's window is between 1s and 3660d: " + amount + unit.word);
    }
  }

  /**
   * Reads a period.
   *
   * @throws IllegalArgumentException with a message that says what was expected
   */
  public static BudgetPeriod parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "a budget's window is written as 30s, 5m, 1h, 1d, 1w or 1mo");
    }
    for (Unit unit : Unit.values()) {
      if (unit.word.equals(matcher.group(2))) {
        return new BudgetPeriod(Long.parseLong(matcher.group(1)), unit);
      }
    }
    throw new IllegalStateException(); // the pattern knows the units only
  }

  /** True if a time zone decides where it begins. */
  public boolean calendar() {
    return unit.compareTo(Unit.DAY) >= 0;
  }

  /** Its length, where a month has 30 days and a day 24 hours. */
  long approximateMillis() {
    return unit.about.toMillis() * amount;
  }

  /** The moment so much later by the clock of this zone. */
  Instant addTo(Instant from, ZoneId zone) {
    return switch (unit) {
      case SECOND, MINUTE, HOUR -> from.plusMillis(approximateMillis());
      case DAY -> from.atZone(zone).plusDays(amount).toInstant();
      case WEEK -> from.atZone(zone).plusWeeks(amount).toInstant();
      case MONTH -> from.atZone(zone).plusMonths(amount).toInstant();
    };
  }

  /** As it is read by {@link #parse}. */
  @Override
  public String toString() {
    return amount + unit.word;
  }
}
