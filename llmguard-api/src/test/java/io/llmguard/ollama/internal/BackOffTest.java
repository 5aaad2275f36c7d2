package io.llmguard.ollama.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.ollama.RetryPolicy;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.LongSummaryStatistics;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BackOffTest {
  private static final RetryPolicy POLICY =
      new RetryPolicy(99, Duration.ofMillis(100), Duration.ofSeconds(1));

  /** The waits before the same attempt in many calls, in nanoseconds. */
  private static LongSummaryStatistics waits(RetryPolicy policy, int attempt) {
    Random random = new Random(7);
    return IntStream.range(0, 10_000)
        .mapToLong(i -> BackOff.before(attempt, policy, random).toNanos())
        .summaryStatistics();
  }

  @Test
  void theWaitDoublesUpToItsLongestAndIsARandomPartOfThat() {
    long[] most = {100, 200, 400, 800, 1000, 1000, 1000};
    for (int attempt = 1; attempt <= most.length; attempt++) {
      long limit = Duration.ofMillis(most[attempt - 1]).toNanos();
      LongSummaryStatistics waits = waits(POLICY, attempt);
      assertThat(waits.getMax()).as("of %d", attempt).isBetween(limit / 100 * 99, limit);
      assertThat(waits.getMin()).as("of %d", attempt).isBetween(0L, limit / 100);
      assertThat(waits.getAverage()).isBetween(limit * 0.48, limit * 0.52);
    }
    assertThat(waits(POLICY, Integer.MAX_VALUE).getMax()).isLessThanOrEqualTo(1_000_000_000L);
  }

  @Test
  void theSameSourceGivesTheSameWaits() {
    for (int attempt = 1; attempt < 5; attempt++) {
      assertThat(BackOff.before(attempt, POLICY, new Random(11)))
          .isEqualTo(BackOff.before(attempt, POLICY, new Random(11)))
          .isNotEqualTo(BackOff.before(attempt, POLICY, new Random(12)));
    }
  }

  @Test
  void noWaitIsNone() {
    assertThat(waits(RetryPolicy.NONE, 3).getMax()).isZero();
    assertThat(waits(new RetryPolicy(3, Duration.ZERO, Duration.ofSeconds(1)), 3).getMax())
        .isZero();
    assertThat(waits(new RetryPolicy(3, Duration.ofSeconds(1), Duration.ZERO), 3).getMax())
        .isZero();
  }

  @Test
  void aWaitBeyondAllMeasureIsStillAWait() {
    Duration forever = ChronoUnit.FOREVER.getDuration();
    assertThat(waits(new RetryPolicy(9, Duration.ofMillis(1), forever), 90).getMin()).isPositive();
    assertThat(waits(new RetryPolicy(9, forever, forever), 9).getMin()).isPositive();
    assertThat(waits(new RetryPolicy(9, forever, Duration.ofNanos(5)), 9).getMax()).isEqualTo(5);
  }
}
