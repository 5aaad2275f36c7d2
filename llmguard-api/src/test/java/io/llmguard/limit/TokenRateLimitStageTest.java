package io.llmguard.limit;

import static io.llmguard.limit.Fixtures.admitted;
import static io.llmguard.limit.Fixtures.ask;
import static io.llmguard.limit.Fixtures.caller;
import static io.llmguard.limit.Fixtures.chat;
import static io.llmguard.limit.Fixtures.prepare;
import static io.llmguard.limit.Fixtures.refuse;
import static io.llmguard.limit.Fixtures.refused;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.testkit.ManualTime;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TokenRateLimitStageTest {
  private static final RateLimit THOUSAND = RateLimit.whole(1000, Duration.ofMinutes(1));
  private static final LimitKey ALICE = LimitKey.of(TokenRateLimitStage.POLICY, "alice");

  private final ManualTime time = new ManualTime();
  private final InMemoryRateLimitStore store = new InMemoryRateLimitStore(time);
  private final TokenRateLimitStage stage =
      TokenRateLimitStage.builder(store).limit(THOUSAND).build();
  private Meter meter = new Meter(null, 0, false);

  private record Meter(@Nullable Usage usage, long outputEvents, boolean finished)
      implements ResponseMeter {
    @Override
    public void accept(ByteBuffer bytes) {}

    @Override
    public boolean failed() {
      return false;
    }
  }

  /** Prompts of 400 units are estimated as 101 tokens, and the call asks for 99 more. */
  private Guard guard(Stage... more) {
    Guard.Builder builder =
        Guard.builder()
            .time(time)
            .meters((exchange, status, headers) -> meter)
            .stage(
                prepare(
                    e -> {
                      e.caller(caller("alice", LimitSet.CONFIGURED));
                      e.call(chat("m", 400, 99L));
                    }))
            .stage(stage);
    for (Stage s : more) {
      builder.stage(s);
    }
    return builder.build();
  }

  private long left() {
    return store.peek(ALICE, THOUSAND, 1).toCompletableFuture().join().remaining();
  }

  private void complete(@Nullable Usage usage, long events, boolean finished, Outcome outcome) {
    complete(usage, events, finished, outcome, 200);
  }

  private void complete(
      @Nullable Usage usage, long events, boolean finished, Outcome outcome, int status) {
    Exchange exchange = admitted(ask(guard()));
    assertThat(left()).isEqualTo(800);
    meter = new Meter(usage, events, finished);
    exchange.onResponseHead(status, Headers.empty());
    exchange.onComplete(outcome);
  }

  @Test
  void whatTheUpstreamReportedIsWhatCounts() {
    complete(Usage.reported(50, 30), 30, true, Outcome.COMPLETED);
    assertThat(left()).isEqualTo(920);
  }

  @Test
  void lessonConcurrentRequestsAllPassTheCheck() {
    Guard guard = guard();
    for (int i = 0; i < 5; i++) {
      admitted(ask(guard));
    }
    assertThat(refused(ask(guard)).reason()).isEqualTo("token-limit");
  }

  @Test
  void heavyUseIsADebtThatDelaysTheNextCall() {
    complete(Usage.reported(100, 1900), 1900, true, Outcome.COMPLETED);
    assertThat(left()).isZero();
    // 1,000 in debt, and the call takes 200
    assertThat(refused(ask(guard())).headers().first("Retry-After")).isEqualTo("72");
    time.advance(Duration.ofSeconds(72));
    admitted(ask(guard()));
  }

  @Test
  void lessonAClientThatDisconnectsPaysNothing() {
    complete(null, 40, false, Outcome.CLIENT_GONE);
    assertThat(left()).isEqualTo(1000 - 101 - 40);
  }

  @Test
  void aClientThatLeavesBeforeTheFirstByteKeepsNothingOfItsReservation() {
    Exchange exchange = admitted(ask(guard()));
    exchange.onComplete(Outcome.CLIENT_GONE);
    assertThat(left()).isEqualTo(800);
  }

  @Test
  void lessonStreamedRequestsAreLoggedWithSpendZero() {
    complete(null, 0, true, Outcome.COMPLETED);
    assertThat(left()).isEqualTo(800);
  }

  @Test
  void countsInTheMiddleOfAStreamAreBehindWhatHasPassed() {
    complete(Usage.reported(100, 1), 70, false, Outcome.TRUNCATED);
    assertThat(left()).isEqualTo(830);
  }

  @Test
  void anUpstreamThatDidNothingCostsNothing() {
    complete(null, 0, true, Outcome.COMPLETED, 404);
    assertThat(left()).isEqualTo(1000);
    complete(null, 0, false, Outcome.UPSTREAM_FAILED, 502);
    assertThat(left()).isEqualTo(1000);
  }

  @Test
  void aRefusedCallGetsItsReservationBack() {
    assertThat(refused(ask(guard(refuse(403)))).reason()).isEqualTo("later");
    assertThat(left()).isEqualTo(1000);
  }

  @Test
  void lessonOneWindowKeySharedByRequestsAndTokens() {
    RateLimit requests = new RateLimit(5, Duration.ofMinutes(1), 4);
    CallerRateLimitStage calls =
        new CallerRateLimitStage(store, new LimitSet(requests, THOUSAND, null, Map.of()));
    // 4 calls of 200 tokens each, and 1 request each
    for (int i = 4; i > 0; i--) {
      Exchange exchange = admitted(ask(guard(calls)));
      assertThat(exchange.responseHeaders().all("RateLimit"))
          .contains("\"per-key\";r=" + i + ";t=12");
      assertThat(left()).isEqualTo(i * 200L);
    }
  }

  @Test
  void aCallerWithoutTokensIsRefusedBeforeARequestIsCharged() {
    RateLimit requests = new RateLimit(5, Duration.ofMinutes(1), 4);
    Guard early =
        Guard.builder()
            .time(time)
            .stage(prepare(e -> e.caller(caller("alice", LimitSet.CONFIGURED))))
            .stage(
                new CallerRateLimitStage(store, new LimitSet(requests, THOUSAND, null, Map.of())))
            .build();
    complete(Usage.reported(100, 1900), 1900, true, Outcome.COMPLETED);
    for (int i = 0; i < 10; i++) {
      assertThat(refused(ask(early)).reason()).isEqualTo("token-limit");
    }
    LimitKey key = LimitKey.of(CallerRateLimitStage.POLICY, "alice");
    assertThat(store.peek(key, requests, 1).toCompletableFuture().join().remaining()).isEqualTo(5);
  }

  @Test
  void anUpstreamCannotPutACallerIntoDebtForever() {
    complete(Usage.reported(Long.MAX_VALUE, Long.MAX_VALUE), 1, true, Outcome.COMPLETED);
    long wait = store.peek(ALICE, THOUSAND, 1).toCompletableFuture().join().nanosToAdmission();
    assertThat(Duration.ofNanos(wait)).isLessThan(Duration.ofDays(8));
  }

  @Test
  void anUpstreamCannotGiveTokensAway() {
    complete(Usage.reported(-5000, -5000), 1, true, Outcome.COMPLETED);
    assertThat(left()).isEqualTo(1000);
    complete(Usage.reported(-5000, 100), 1, true, Outcome.COMPLETED);
    assertThat(left()).isEqualTo(900);
  }

  @Test
  void aCallLargerThanTheBucketTakesAFullBucket() {
    Guard guard =
        Guard.builder()
            .time(time)
            .stage(
                prepare(
                    e -> {
                      e.caller(caller("alice", LimitSet.CONFIGURED));
                      e.call(chat("m", Long.MAX_VALUE, Long.MAX_VALUE));
                    }))
            .stage(stage)
            .build();
    admitted(ask(guard));
    assertThat(left()).isZero();
    assertThat(refused(ask(guard)).headers().first("Retry-After")).isEqualTo("60");
  }
}
