package io.llmguard.limit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.ManualTime;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same arrivals, admitted by the bucket and by the arithmetic of nginx's limit_req. */
class NginxModelTest {
  private static final LimitKey KEY = LimitKey.of("per-key", "somebody");

  /**
   * What limit_req computes for one key, with {@code nodelay}: an excess in parts of a request,
   * that drains with the rate, and a call that would lift it over the burst is refused and leaves
   * no trace. nginx counts in thousandths and drops what is below; with {@code scale} times finer
   * parts nothing is below for the rates here.
   */
  private static final class LimitReq {
    private final long request;
    private final long burst;
    private final long ratePerSecond;
    private long excess;
    private long last;
    private boolean known;

    LimitReq(long amount, long perSeconds, long burst, long scale) {
      this.request = 1000 * scale;
      this.burst = burst * request;
      this.ratePerSecond = amount * request / perSeconds;
    }

    boolean admits(long nowMillis) {
      if (!known) {
        known = true;
        last = nowMillis;
        return true;
      }
      long passed = Math.max(0, nowMillis - last);
      long now = Math.max(0, excess - ratePerSecond * passed / 1000 + request);
      if (now > burst) {
        return false;
      }
      excess = now;
      if (passed > 0) {
        last = nowMillis;
      }
      return true;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "10, 1, 0, 1", "10, 1, 5, 1", "1, 1, 5, 1", "100, 1, 20, 1", "60, 60, 10, 1",
    // rates that thousandths cannot hold, such as the 10 a minute of the guide
    "10, 60, 5, 60", "30, 60, 10, 60", "7, 60, 3, 60", "1, 60, 0, 60", "100, 3600, 12, 3600"
  })
  void everyCallIsJudgedAsLimitReqJudgesIt(long amount, long perSeconds, long burst, long scale) {
    Random random = new Random(amount * 31 + perSeconds * 7 + burst);
    for (int sequence = 0; sequence < 40; sequence++) {
      ManualTime time = new ManualTime();
      InMemoryRateLimitStore store = new InMemoryRateLimitStore(time);
      RateLimit limit = new RateLimit(amount, Duration.ofSeconds(perSeconds), burst);
      LimitReq nginx = new LimitReq(amount, perSeconds, burst, scale);
      long now = 0;
      long interval = perSeconds * 1000 / amount;
      for (int call = 0; call < 500; call++) {
        long gap = gap(random, interval);
        now += gap;
        time.advance(Duration.ofMillis(gap));
        boolean admitted = store.tryConsume(KEY, limit, 1).toCompletableFuture().join().admitted();
        assertThat(admitted)
            .as("call %d of sequence %d at %d ms", call, sequence, now)
            .isEqualTo(nginx.admits(now));
      }
    }
  }

  /** Bursts, a steady trickle around the rate, exact multiples, and long pauses. */
  private static long gap(Random random, long interval) {
    return switch (random.nextInt(6)) {
      case 0, 1 -> 0;
      case 2 -> random.nextLong(interval) + 1;
      case 3 -> interval;
      case 4 -> interval + random.nextLong(3) - 1;
      default -> random.nextLong(20 * interval);
    };
  }

  @Test
  void tenAMinuteWithBurstFiveAdmitsSixAtOnceThenOneEachSixSeconds() {
    ManualTime time = new ManualTime();
    InMemoryRateLimitStore store = new InMemoryRateLimitStore(time);
    RateLimit limit = new RateLimit(10, Duration.ofMinutes(1), 5);
    for (int i = 0; i < 6; i++) {
      assertThat(consume(store, limit).admitted()).isTrue();
    }
    for (int i = 0; i < 20; i++) {
      RateLimitStore.Probe refused = consume(store, limit);
      assertThat(refused.admitted()).isFalse();
      assertThat(refused.nanosToAdmission()).isEqualTo(6_000_000_000L);
      time.advance(Duration.ofNanos(5_999_999_999L));
      assertThat(consume(store, limit).admitted()).isFalse();
      time.advance(Duration.ofNanos(1));
      assertThat(consume(store, limit).admitted()).isTrue();
    }
  }

  @Test
  void theAnnouncedWaitIsNeverTooShortAndNeverANanosecondTooLong() {
    Random random = new Random(7);
    for (int round = 0; round < 300; round++) {
      ManualTime time = new ManualTime();
      InMemoryRateLimitStore store = new InMemoryRateLimitStore(time);
      RateLimit limit =
          new RateLimit(
              1 + random.nextInt(1000), Duration.ofMillis(1 + random.nextInt(100_000)), 3);
      for (int i = 0; i < 4; i++) {
        consume(store, limit);
        time.advance(Duration.ofNanos(random.nextInt(1000)));
      }
      RateLimitStore.Probe refused = consume(store, limit);
      if (refused.admitted()) {
        continue;
      }
      // one nanosecond of rounding up is allowed
      time.advance(Duration.ofNanos(Math.max(0, refused.nanosToAdmission() - 2)));
      assertThat(refused.nanosToAdmission() < 2 || !consume(store, limit).admitted()).isTrue();
      time.advance(Duration.ofNanos(2));
      assertThat(consume(store, limit).admitted()).as("%s after %s", limit, refused).isTrue();
    }
  }

  private static RateLimitStore.Probe consume(RateLimitStore store, RateLimit limit) {
    return store.tryConsume(KEY, limit, 1).toCompletableFuture().join();
  }
}
