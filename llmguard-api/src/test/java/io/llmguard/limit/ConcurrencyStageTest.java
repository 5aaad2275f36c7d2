package io.llmguard.limit;

import static io.llmguard.limit.Fixtures.admitted;
import static io.llmguard.limit.Fixtures.ask;
import static io.llmguard.limit.Fixtures.caller;
import static io.llmguard.limit.Fixtures.prepare;
import static io.llmguard.limit.Fixtures.refuse;
import static io.llmguard.limit.Fixtures.refused;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class ConcurrencyStageTest {
  private static final Stage ALICE = prepare(e -> e.caller(caller("alice", LimitSet.CONFIGURED)));

  private static Guard guard(Stage... stages) {
    Guard.Builder builder = Guard.builder();
    for (Stage stage : stages) {
      builder.stage(stage);
    }
    return builder.build();
  }

  @Test
  void callsOfOneCallerAndCallsInAllAreCountedApart() {
    ConcurrencyStage stage = new ConcurrencyStage(2, 3);
    Stage bob = prepare(e -> e.caller(caller("bob", LimitSet.CONFIGURED)));
    Exchange first = admitted(ask(guard(ALICE, stage)));
    admitted(ask(guard(ALICE, stage)));
    Refusal refusal = refused(ask(guard(ALICE, stage)));
    assertThat(refusal.status()).isEqualTo(429);
    assertThat(refusal.reason()).isEqualTo("concurrency");
    assertThat(refusal.headers().first("Retry-After")).isEqualTo("1");
    admitted(ask(guard(bob, stage)));
    assertThat(refused(ask(guard(bob, stage))).reason()).isEqualTo("concurrency");
    first.onComplete(Outcome.COMPLETED);
    admitted(ask(guard(bob, stage)));
    assertThat(stage.underWay()).isEqualTo(3);
  }

  @Test
  void aStageWithOtherLimitsCountsTheCallsThatAreUnderWay() {
    ConcurrencyStage before = new ConcurrencyStage(2, 0);
    Exchange first = admitted(ask(guard(ALICE, before)));
    Exchange second = admitted(ask(guard(ALICE, before)));
    ConcurrencyStage after = before.withLimits(1, 5, false);
    assertThat(after.underWay()).isEqualTo(2);
    refused(ask(guard(ALICE, after)));
    first.onComplete(Outcome.COMPLETED);
    second.onComplete(Outcome.COMPLETED);
    admitted(ask(guard(ALICE, after))).onComplete(Outcome.COMPLETED);
    assertThat(after.underWay()).isZero();
  }

  @Test
  void theCallersOwnLimitWins() {
    ConcurrencyStage stage = new ConcurrencyStage(5, 0);
    Stage carol = prepare(e -> e.caller(caller("carol", new LimitSet(null, null, 1, Map.of()))));
    admitted(ask(guard(carol, stage)));
    refused(ask(guard(carol, stage)));
  }

  @ParameterizedTest
  @EnumSource(Outcome.Kind.class)
  void lessonParallelSlotsLeakOnTimeOutAndCancel(Outcome.Kind kind) {
    ConcurrencyStage stage = new ConcurrencyStage(1, 1);
    Exchange exchange = admitted(ask(guard(ALICE, stage)));
    Outcome outcome = new Outcome(kind, kind == Outcome.Kind.REFUSED ? "later" : null);
    assertThat(exchange.onComplete(outcome)).isTrue();
    assertThat(exchange.onComplete(Outcome.COMPLETED)).isFalse();
    stage.settle(exchange, outcome);
    assertThat(stage.underWay()).isZero();
    assertThat(stage.callersUnderWay()).isZero();
    admitted(ask(guard(ALICE, stage)));
  }

  @Test
  void aCallThatALaterStageRefusesOrBreaksHoldsNoPlace() {
    ConcurrencyStage stage = new ConcurrencyStage(1, 1);
    for (int i = 0; i < 3; i++) {
      assertThat(refused(ask(guard(ALICE, stage, refuse(403)))).reason()).isEqualTo("later");
      Stage broken =
          prepare(
              e -> {
                throw new IllegalStateException();
              });
      assertThat(refused(ask(guard(ALICE, stage, broken))).status()).isEqualTo(500);
    }
    assertThat(stage.underWay()).isZero();
    assertThat(stage.callersUnderWay()).isZero();
  }

  @Test
  void shadowCountsAndRefusesNothing() {
    List<LimitListener.Event> heard = new ArrayList<>();
    ConcurrencyStage stage = new ConcurrencyStage(1, 0, true, (policy, event) -> heard.add(event));
    Exchange first = admitted(ask(guard(ALICE, stage)));
    Exchange second = admitted(ask(guard(ALICE, stage)));
    assertThat(heard).contains(LimitListener.Event.SHADOW_REFUSED);
    assertThat(stage.underWay()).isEqualTo(2);
    first.onComplete(Outcome.COMPLETED);
    second.onComplete(Outcome.COMPLETED);
    assertThat(stage.underWay()).isZero();
    assertThat(stage.callersUnderWay()).isZero();
  }

  @Test
  void inShadowEveryOutcomeOfManyCallsLeavesNothingCounted() {
    List<LimitListener.Event> heard = new ArrayList<>();
    ConcurrencyStage stage = new ConcurrencyStage(1, 2, true, (policy, event) -> heard.add(event));
    for (int round = 0; round < 3; round++) {
      List<Exchange> underWay = new ArrayList<>();
      for (Outcome.Kind ignored : Outcome.Kind.values()) {
        underWay.add(admitted(ask(guard(ALICE, stage))));
        assertThat(refused(ask(guard(ALICE, stage, refuse(403)))).reason()).isEqualTo("later");
      }
      assertThat(stage.underWay()).isEqualTo(underWay.size());
      for (Outcome.Kind kind : Outcome.Kind.values()) {
        Outcome outcome = new Outcome(kind, kind == Outcome.Kind.REFUSED ? "later" : null);
        Exchange exchange = underWay.remove(0);
        exchange.onComplete(outcome);
        stage.settle(exchange, outcome);
      }
      assertThat(stage.underWay()).isZero();
      assertThat(stage.callersUnderWay()).isZero();
      heard.clear();
      admitted(ask(guard(ALICE, stage))).onComplete(Outcome.COMPLETED);
      assertThat(heard).as("one call alone").doesNotContain(LimitListener.Event.SHADOW_REFUSED);
    }
  }

  @Test
  void underStressNoPlaceIsLostAndNoneIsGivenTwice() throws Exception {
    ConcurrencyStage stage = new ConcurrencyStage(3, 8);
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger admitted = new AtomicInteger();
    Guard[] guards = new Guard[6];
    for (int i = 0; i < guards.length; i++) {
      String id = "caller-" + i;
      guards[i] = guard(prepare(e -> e.caller(caller(id, LimitSet.CONFIGURED))), stage);
    }
    ExecutorService threads = Executors.newFixedThreadPool(12);
    try {
      List<Future<?>> runs = new ArrayList<>();
      for (int t = 0; t < 12; t++) {
        runs.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 4_000; i++) {
                    Guard guard = guards[ThreadLocalRandom.current().nextInt(guards.length)];
                    if (ask(guard) instanceof Decision.Admit admit) {
                      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                      admitted.incrementAndGet();
                      Thread.onSpinWait();
                      inside.decrementAndGet();
                      threads.execute(() -> admit.exchange().onComplete(Outcome.CLIENT_GONE));
                      admit.exchange().onComplete(Outcome.COMPLETED);
                    }
                  }
                }));
      }
      for (Future<?> run : runs) {
        run.get(50, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdown();
      assertThat(threads.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(admitted.get()).isPositive();
    assertThat(most.get()).isBetween(1, 8);
    assertThat(stage.underWay()).isZero();
    assertThat(stage.callersUnderWay()).isZero();
  }
}
