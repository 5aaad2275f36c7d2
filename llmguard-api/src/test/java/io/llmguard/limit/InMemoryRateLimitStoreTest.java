package io.llmguard.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.limit.RateLimitStore.Probe;
import io.llmguard.network.IpAddresses;
import io.llmguard.testkit.ManualTime;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class InMemoryRateLimitStoreTest {
  private static final RateLimit LIMIT = new RateLimit(10, Duration.ofMinutes(1), 5);
  private final ManualTime time = new ManualTime();
  private final InMemoryRateLimitStore store = new InMemoryRateLimitStore(time);

  private static LimitKey key(String subject) {
    return LimitKey.of("per-key", subject);
  }

  private static <T> T now(CompletionStage<T> answer) {
    assertThat(answer.toCompletableFuture()).isDone();
    return answer.toCompletableFuture().join();
  }

  private static InetAddress address(int number) {
    try {
      return InetAddress.getByAddress(
          new byte[] {
            (byte) (number >> 24), (byte) (number >> 16), (byte) (number >> 8), (byte) number
          });
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aMillionAddressesStayWithinTheBound() {
    InMemoryRateLimitStore bounded = new InMemoryRateLimitStore(time, 20_000);
    LimitKey victim = key("caller");
    for (int i = 0; i < 6; i++) {
      assertThat(now(bounded.tryConsume(victim, LIMIT, 1)).admitted()).isTrue();
    }
    for (int i = 0; i < 1_000_000; i++) {
      LimitKey key = LimitKey.ofAddress("per-ip", address(0x0a000000 + i));
      assertThat(now(bounded.tryConsume(key, LIMIT, 1)).admitted()).isTrue();
    }
    assertThat(bounded.buckets("per-ip")).isLessThanOrEqualTo(20_000);
    // a flood of addresses forgives no caller what he has used
    assertThat(now(bounded.tryConsume(victim, LIMIT, 1)).admitted()).isFalse();
  }

  @Test
  void aBucketIsDroppedOnceItIsFullAgain() {
    now(store.tryConsume(key("a"), LIMIT, 6));
    time.advance(Duration.ofSeconds(35));
    assertThat(store.buckets("per-key")).isEqualTo(1);
    time.advance(Duration.ofSeconds(5));
    assertThat(store.buckets("per-key")).isZero();
    assertThat(now(store.peek(key("a"), LIMIT, 6)).admitted()).isTrue();
  }

  @Test
  void aDebtIsNotForgottenBeforeItIsRefilled() {
    now(store.charge(key("a"), LIMIT, 106));
    time.advance(Duration.ofMinutes(9));
    assertThat(now(store.peek(key("a"), LIMIT, 1)).admitted()).isFalse();
    Probe probe = now(store.tryConsume(key("a"), LIMIT, 1));
    assertThat(probe.admitted()).isFalse();
    assertThat(probe.remaining()).isZero();
    assertThat(probe.nanosToAdmission()).isEqualTo(Duration.ofSeconds(66).toNanos());
    time.advance(Duration.ofSeconds(66));
    assertThat(now(store.tryConsume(key("a"), LIMIT, 1)).admitted()).isTrue();
  }

  @Test
  void aDebtLongerThanTheClockIsADebt() {
    RateLimit slow = new RateLimit(1, Duration.ofDays(3660), 0);
    for (int i = 0; i < 20; i++) {
      now(store.charge(key("a"), slow, 10_000_000));
    }
    assertThat(now(store.tryConsume(key("a"), slow, 1)).admitted()).isFalse();
    time.advance(Duration.ofDays(7_320));
    assertThat(now(store.tryConsume(key("a"), slow, 1)).admitted()).isFalse();
  }

  @Test
  void anIpv6CustomerHasOneBucketForHisWholeNetwork() {
    LimitKey one = LimitKey.ofAddress("per-ip", IpAddresses.parse("2001:db8:0:1::1"));
    LimitKey two = LimitKey.ofAddress("per-ip", IpAddresses.parse("2001:db8:0:1:ffff::2"));
    LimitKey other = LimitKey.ofAddress("per-ip", IpAddresses.parse("2001:db8:0:2::1"));
    assertThat(one).isEqualTo(two).hasSameHashCodeAs(two).isNotEqualTo(other);
    assertThat(LimitKey.ofAddress("per-ip", IpAddresses.parse("::ffff:192.0.2.1")))
        .isEqualTo(LimitKey.ofAddress("per-ip", IpAddresses.parse("192.0.2.1")))
        .hasToString("per-ip:4:c0000201");
    // 0.0.0.7 and ::7's network are numbers of two kinds
    assertThat(LimitKey.ofAddress("per-ip", IpAddresses.parse("0.0.0.7")))
        .isNotEqualTo(LimitKey.ofAddress("per-ip", IpAddresses.parse("0:0:0:7::1")));
  }

  @Test
  void peekTakesNothing() {
    for (int i = 0; i < 10; i++) {
      assertThat(now(store.peek(key("a"), LIMIT, 6))).isEqualTo(new Probe(true, 6, 0, 0));
    }
    now(store.tryConsume(key("a"), LIMIT, 5));
    for (int i = 0; i < 10; i++) {
      assertThat(now(store.peek(key("a"), LIMIT, 1)).remaining()).isEqualTo(1);
      assertThat(now(store.peek(key("a"), LIMIT, 2)).nanosToAdmission())
          .isEqualTo(Duration.ofSeconds(6).toNanos());
    }
    assertThat(now(store.peek(key("a"), LIMIT, 7)).nanosToAdmission()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void aRefundNeverLiftsABucketAboveItsSize() {
    now(store.tryConsume(key("a"), LIMIT, 2));
    now(store.refund(key("a"), LIMIT, 100));
    assertThat(now(store.tryConsume(key("a"), LIMIT, 7)).admitted()).isFalse();
    assertThat(now(store.tryConsume(key("a"), LIMIT, 6)).admitted()).isTrue();
  }

  @Test
  void anotherLimitKeepsWhatIsUsed() {
    now(store.tryConsume(key("a"), LIMIT, 6));
    RateLimit larger = new RateLimit(60, Duration.ofMinutes(1), 59);
    assertThat(now(store.tryConsume(key("a"), larger, 1)).admitted()).isFalse();
    time.advance(Duration.ofSeconds(1));
    assertThat(now(store.tryConsume(key("a"), larger, 1)).admitted()).isTrue();
  }

  @Test
  void aLimitThatCannotBeHeldIsAnErrorAtStart() {
    assertThatThrownBy(() -> new RateLimit(0, Duration.ofMinutes(1), 5))
        .hasMessageContaining("at least 1");
    assertThatThrownBy(() -> new RateLimit(2_000_000, Duration.ofMillis(1), 5))
        .hasMessageContaining("one each nanosecond");
    assertThatThrownBy(() -> new RateLimit(1, Duration.ofSeconds(Long.MAX_VALUE), 5))
        .hasMessageContaining("3660 days");
    assertThatThrownBy(() -> new RateLimit(1, Duration.ofDays(1), Long.MAX_VALUE))
        .hasMessageContaining("burst");
  }
}
