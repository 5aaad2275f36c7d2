package io.llmguard.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BudgetWindowTest {
  @ParameterizedTest
  @CsvSource({
    "30s, UTC, 2026-11-23T06:51:39Z, 2026-11-23T06:51:30Z, 2026-11-23T06:52:00Z",
    "1h, UTC, 2026-11-23T06:51:39Z, 2026-11-23T06:00:00Z, 2026-11-23T07:00:00Z",
    "1d, Europe/Berlin, 2026-11-23T06:51:39Z, 2026-11-22T23:00:00Z, 2026-11-23T23:00:00Z",
    "1d, Europe/Berlin, 2026-03-29T12:00:00Z, 2026-03-28T23:00:00Z, 2026-03-29T22:00:00Z",
    "7d, UTC, 2026-11-25T12:00:00Z, 2026-11-23T00:00:00Z, 2026-11-30T00:00:00Z",
    "1w, UTC, 2026-11-25T12:00:00Z, 2026-11-23T00:00:00Z, 2026-11-30T00:00:00Z",
    "1mo, Asia/Tokyo, 2026-02-28T15:00:00Z, 2026-02-28T15:00:00Z, 2026-03-31T15:00:00Z",
    "3mo, UTC, 2026-11-25T12:00:00Z, 2026-10-01T00:00:00Z, 2027-01-01T00:00:00Z",
  })
  void aFixedWindowBeginsAtItsReset(
      String period, ZoneId zone, Instant now, Instant start, Instant end) {
    BudgetWindow.Slot slot = BudgetWindow.fixed(BudgetPeriod.parse(period), zone).slot(now);
    assertThat(Instant.ofEpochMilli(slot.start())).isEqualTo(start);
    assertThat(Instant.ofEpochMilli(slot.expires())).isEqualTo(end);
  }

  @Test
  void whatWasSpentCountsInARollingWindowForThePeriodAndAtMostASixtiethLonger() {
    BudgetWindow window = BudgetWindow.rolling(BudgetPeriod.parse("1h"), ZoneOffset.UTC);
    Instant spent = Instant.parse("2026-11-23T06:51:39Z");
    Instant expires = Instant.ofEpochMilli(window.slot(spent).expires());
    assertThat(expires)
        .isBetween(spent.plus(Duration.ofHours(1)), spent.plus(Duration.ofMinutes(61)));
  }

  @ParameterizedTest
  @CsvSource({"''", "1", "0d", "1y", "-1d", "99999mo", "1 d"})
  void whatIsNoPeriodIsRefused(String text) {
    assertThatThrownBy(() -> BudgetPeriod.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("window");
  }

  @Test
  void costsAreWholeBillionthsRoundedUp() {
    Price price =
        new Price(new BigDecimal("0.00000015"), new BigDecimal("0.0000006"), BigDecimal.ZERO);
    assertThat(price.cost(26, 60, Duration.ofHours(1))).isEqualTo(26 * 150 + 60 * 600);
    assertThat(Price.perHour(new BigDecimal("0.80")).cost(9, 9, Duration.ofHours(1)))
        .isEqualTo(800_000_000);
    assertThat(Price.perHour(new BigDecimal("0.80")).cost(0, 0, Duration.ofMillis(1)))
        .isEqualTo(223);
    assertThat(price.cost(-5, -5, Duration.ofSeconds(-1))).isZero();
    assertThat(
            new Price(BigDecimal.TEN, BigDecimal.TEN, BigDecimal.TEN)
                .cost(Long.MAX_VALUE, Long.MAX_VALUE, Duration.ofDays(1)))
        .isEqualTo(Long.MAX_VALUE);
    assertThat(NanoUsd.toUsd(NanoUsd.of(new BigDecimal("100"))).toPlainString()).isEqualTo("100");
  }
}
