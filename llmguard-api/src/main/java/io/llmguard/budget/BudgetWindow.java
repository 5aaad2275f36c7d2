package io.llmguard.budget;

import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;

/**
 * Over what time a budget counts.
 *
 * <p>A slot is a piece of time whose spend is kept as one sum, and leaves the count as a whole.
 */
public sealed interface BudgetWindow {
  /** It counts everything there ever was. */
  BudgetWindow FOREVER = new Forever();

  /** The slot of what is spent at this moment. */
  Slot slot(Instant now);

  /**
   * A word that tells this window from others: sums that are kept under it are of no use to a
   * window with another word.
   */
  String id();

  /**
   * Some time.
   *
   * @param start its first moment, in milliseconds of the epoch; tells it from other slots
   * @param expires from when it does not count any more; {@link Long#MAX_VALUE} for never
   */
  record Slot(long start, long expires) {}

  /** From reset to reset: whole days begin at midnight, weeks on Monday, months on the first. */
  static BudgetWindow fixed(BudgetPeriod period, ZoneId zone) {
    return new Fixed(period, zone);
  }

  /**
   * Everything younger than the period. It is counted in sixtieths of it: an amount may count for
   * up to one of these longer, never shorter.
   */
  static BudgetWindow rolling(BudgetPeriod period, ZoneId zone) {
    return new Rolling(period, zone);
  }

  /** See {@link #fixed}. */
  record Fixed(BudgetPeriod period, ZoneId zone) implements BudgetWindow {
    /** A Monday. */
    private static final long FIRST_MONDAY = LocalDate.of(1970, 1, 5).toEpochDay();

    private static final long SECONDS_OF_A_DAY = 86_400;

    @Override
    public Slot slot(Instant now) {
      long amount = period.amount();
      return switch (period.unit()) {
        case SECOND, MINUTE, HOUR -> {
          long length = period.approximateMillis();
          long start = Math.floorDiv(now.toEpochMilli(), length) * length;
          yield new Slot(start, start + length);
        }
        case DAY, WEEK -> {
          long days = period.unit() == BudgetPeriod.Unit.WEEK ? amount * 7 : amount;
          long day = dayOf(now);
          long first = day - Math.floorMod(day - FIRST_MONDAY, days);
          yield new Slot(midnight(first), midnight(first + days));
        }
        case MONTH -> {
          YearMonth month = YearMonth.from(LocalDate.ofEpochDay(dayOf(now)));
          long since = month.getYear() * 12L + month.getMonthValue() - 1;
          YearMonth first = month.minusMonths(Math.floorMod(since, amount));
          yield new Slot(
              midnight(first.atDay(1).toEpochDay()),
              midnight(first.plusMonths(amount).atDay(1).toEpochDay()));
        }
      };
    }

    // each call that is paid for asks for its slot, and an offset makes its rules anew each time

    private long dayOf(Instant now) {
      return zone instanceof ZoneOffset offset
          ? Math.floorDiv(now.getEpochSecond() + offset.getTotalSeconds(), SECONDS_OF_A_DAY)
          : LocalDate.ofInstant(now, zone).toEpochDay();
    }

    private long midnight(long epochDay) {
      return zone instanceof ZoneOffset offset
          ? (epochDay * SECONDS_OF_A_DAY - offset.getTotalSeconds()) * 1_000
          : LocalDate.ofEpochDay(epochDay).atStartOfDay(zone).toInstant().toEpochMilli();
    }

    @Override
    public String id() {
      return period + (period.calendar() ? "@" + zone.getId() : "");
    }
  }

  /** See {@link #rolling}. */
  record Rolling(BudgetPeriod period, ZoneId zone) implements BudgetWindow {
    private static final int SLOTS = 60;

    @Override
    public Slot slot(Instant now) {
      long length = Math.max(1, period.approximateMillis() / SLOTS);
      long start = Math.floorDiv(now.toEpochMilli(), length) * length;
      Instant end = Instant.ofEpochMilli(start + length);
      return new Slot(start, period.addTo(end, zone).toEpochMilli());
    }

    @Override
    public String id() {
      return "rolling-" + period + (period.calendar() ? "@" + zone.getId() : "");
    }
  }

  /** See {@link #FOREVER}. */
  record Forever() implements BudgetWindow {
    @Override
    public Slot slot(Instant now) {
      return new Slot(0, Long.MAX_VALUE);
    }

    @Override
    public String id() {
      return "forever";
    }
  }

  /** A fixed window of this length in UTC, such as {@code 1mo}. */
  static BudgetWindow fixed(String period) {
    return fixed(BudgetPeriod.parse(period), ZoneOffset.UTC);
  }

  /** A rolling window of this length, such as {@code 1h}. */
  static BudgetWindow rolling(String period) {
    return rolling(BudgetPeriod.parse(period), ZoneOffset.UTC);
  }
}
