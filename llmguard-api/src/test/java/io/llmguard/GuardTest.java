package io.llmguard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GuardTest {
  private final List<String> seen = new ArrayList<>();
  private final ManualTime time = new ManualTime();

  private Stage stage(String name, Function<Exchange, CompletionStage<Decision>> decide) {
    return new Stage() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public CompletionStage<Decision> decide(Exchange exchange) {
        seen.add(name);
        return decide.apply(exchange);
      }

      @Override
      public void settle(Exchange exchange, Outcome outcome) {
        seen.add("-" + name + " " + outcome.word());
      }
    };
  }

  private Guard guard(Stage... stages) {
    Guard.Builder builder = Guard.builder().time(time);
    for (Stage stage : stages) {
      builder.stage(stage);
    }
    return builder.build();
  }

  private static Decision admit(Guard guard) {
    return guard.admit(TestRequest.of("GET", "/")).toCompletableFuture().join();
  }

  private static Exchange admitted(Guard guard) {
    return ((Decision.Admit) admit(guard)).exchange();
  }

  @Test
  void stagesDecideInOrderAndSettleInReverse() {
    Guard guard = guard(stage("a", Exchange::admit), stage("b", Exchange::admit));
    Exchange exchange = admitted(guard);
    assertThat(exchange.onComplete(Outcome.COMPLETED)).isTrue();
    assertThat(seen).containsExactly("a", "b", "-b completed", "-a completed");
  }

  @Test
  void aRefusedCallIsSettledAtOnceByThoseThatSawIt() {
    Guard guard =
        guard(
            stage("a", Exchange::admit),
            stage("b", e -> e.refuse(Refusal.of(429, "rate-limited", "wait"))),
            stage("c", Exchange::admit));
    Decision decision = admit(guard);
    assertThat(((Decision.Refuse) decision).refusal().status()).isEqualTo(429);
    assertThat(seen)
        .containsExactly("a", "b", "-b refused:rate-limited", "-a refused:rate-limited");
  }

  @Test
  void anAdmittedCallIsSettledOnceHoweverManyEndsAreReported() throws Exception {
    AtomicInteger settled = new AtomicInteger();
    Stage counting =
        new Stage() {
          @Override
          public String name() {
            return "counting";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            return exchange.admit();
          }

          @Override
          public void settle(Exchange exchange, Outcome outcome) {
            settled.incrementAndGet();
          }
        };
    try (Guard guard = guard(counting)) {
      Exchange exchange = admitted(guard);
      CountDownLatch start = new CountDownLatch(1);
      List<CompletableFuture<Boolean>> reports = new ArrayList<>();
      for (Outcome outcome : List.of(Outcome.COMPLETED, Outcome.CLIENT_GONE, Outcome.TIMEOUT)) {
        reports.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    start.await();
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                  return exchange.onComplete(outcome);
                }));
      }
      start.countDown();
      assertThat(reports.stream().map(CompletableFuture::join).filter(first -> first)).hasSize(1);
      assertThat(settled).hasValue(1);
    }
  }

  @Test
  void aStageThatThrowsRefusesWith500AndIsSettled() {
    Guard guard =
        guard(
            stage("a", Exchange::admit),
            stage(
                "broken",
                e -> {
                  throw new IllegalStateException("secret");
                }));
    Refusal refusal = ((Decision.Refuse) admit(guard)).refusal();
    assertThat(refusal.status()).isEqualTo(500);
    assertThat(refusal.detail()).doesNotContain("secret");
    assertThat(seen).endsWith("-broken refused:guard-failed", "-a refused:guard-failed");
  }

  @Test
  void aStageWhoseAnswerFailsRefusesWith500NowOrLater() {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    CompletableFuture<Decision> decision =
        guard(stage("later", e -> later)).admit(TestRequest.of("GET", "/")).toCompletableFuture();
    assertThat(decision).isNotDone();
    later.completeExceptionally(new IllegalStateException("x"));
    assertThat(((Decision.Refuse) decision.join()).refusal().status()).isEqualTo(500);

    Decision now =
        admit(
            guard(
                stage("now", e -> CompletableFuture.failedFuture(new IllegalStateException("x")))));
    assertThat(((Decision.Refuse) now).refusal().status()).isEqualTo(500);
  }

  @Test
  void anAnswerThatComesLaterLetsTheNextStagesDecide() {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    Exchange[] held = new Exchange[1];
    Guard guard =
        guard(
            stage(
                "later",
                e -> {
                  held[0] = e;
                  return later;
                }),
            stage("b", Exchange::admit));
    CompletableFuture<Decision> decision =
        guard.admit(TestRequest.of("GET", "/")).toCompletableFuture();
    assertThat(seen).containsExactly("later");
    later.complete(new Decision.Admit(held[0]));
    assertThat(decision.join()).isInstanceOf(Decision.Admit.class);
    assertThat(seen).containsExactly("later", "b");
  }

  @Test
  void settlingGoesOnBehindAStageThatThrows() {
    Stage broken =
        new Stage() {
          @Override
          public String name() {
            return "broken";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            return exchange.admit();
          }

          @Override
          public void settle(Exchange exchange, Outcome outcome) {
            throw new IllegalStateException();
          }
        };
    admitted(guard(stage("a", Exchange::admit), broken)).onComplete(Outcome.TRUNCATED);
    assertThat(seen).containsExactly("a", "-a truncated");
  }

  @Test
  void aRefusalCarriesWhatEarlierStagesAnnouncedAndItsOwnFieldsWin() {
    Guard guard =
        guard(
            stage(
                "a",
                e -> {
                  e.responseHeaders().add("RateLimit", "old").add("X-Kept", "1");
                  return e.admit();
                }),
            stage("b", e -> e.refuse(Refusal.of(429, "limited", "wait").with("RateLimit", "new"))));
    Headers headers = ((Decision.Refuse) admit(guard)).refusal().headers();
    assertThat(headers.all("ratelimit")).containsExactly("new");
    assertThat(headers.first("X-Kept")).isEqualTo("1");
  }

  @Test
  void aGuardThatJoinsKnowsWhatWasFoundAndIsSettledFirst() {
    Exchange exchange =
        admitted(
            guard(
                stage(
                    "outer",
                    e -> {
                      e.path("/found");
                      return e.admit();
                    })));
    Guard inner = guard(stage("inner", e -> e.path().equals("/found") ? e.admit() : null));
    assertThat(inner.join(exchange).toCompletableFuture().join())
        .isEqualTo(new Decision.Admit(exchange));
    exchange.onComplete(Outcome.COMPLETED);
    assertThat(seen).containsExactly("outer", "inner", "-inner completed", "-outer completed");
  }

  @Test
  void aGuardThatJoinsAndRefusesSettlesTheWholeCall() {
    Exchange exchange = admitted(guard(stage("outer", Exchange::admit)));
    Guard inner =
        guard(
            stage("first", Exchange::admit),
            stage("second", e -> e.refuse(Refusal.of(401, "no-credential", "send a key"))),
            stage("third", Exchange::admit));
    assertThat(inner.join(exchange).toCompletableFuture().join())
        .isInstanceOf(Decision.Refuse.class);
    assertThat(exchange.status()).isEqualTo(401);
    assertThat(seen)
        .containsExactly(
            "outer",
            "first",
            "second",
            "-second refused:no-credential",
            "-first refused:no-credential",
            "-outer refused:no-credential");
  }

  @Test
  void aCallThatEndsWhileAGuardDecidesIsSettledOnceItHas() {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    Exchange exchange = admitted(guard(stage("outer", Exchange::admit)));
    CompletableFuture<Decision> decision =
        guard(stage("first", Exchange::admit), stage("later", e -> later), stage("x", e -> null))
            .join(exchange)
            .toCompletableFuture();
    assertThat(exchange.onComplete(Outcome.CLIENT_GONE)).isTrue();
    assertThat(exchange.completed()).isTrue();
    assertThat(seen).as("what is decided is not settled at the same time").endsWith("later");
    later.complete(new Decision.Admit(exchange));
    assertThat(decision.join()).isInstanceOf(Decision.Refuse.class);
    assertThat(seen)
        .containsExactly(
            "outer",
            "first",
            "later",
            "-later client-gone",
            "-first client-gone",
            "-outer client-gone");
    assertThat(exchange.onComplete(Outcome.COMPLETED)).isFalse();
    assertThat(exchange.status()).isEqualTo(499);
  }

  @Test
  void aCallThatEndedWhileAGuardDecidedIsSettledByItsEndThoughItIsRefused() {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    Exchange exchange = admitted(guard(stage("outer", Exchange::admit)));
    CompletableFuture<Decision> decision =
        guard(stage("later", e -> later)).join(exchange).toCompletableFuture();
    exchange.onComplete(Outcome.CLIENT_GONE);
    later.completeExceptionally(new IllegalStateException());
    assertThat(decision.join()).isInstanceOf(Decision.Refuse.class);
    assertThat(seen).containsExactly("outer", "later", "-later client-gone", "-outer client-gone");
  }

  @Test
  void aStageInTheMiddleOfItsDecisionMayEndTheCallItself() {
    Decision decision =
        admit(
            guard(
                stage("outer", Exchange::admit),
                stage(
                    "ends",
                    e -> {
                      e.onComplete(Outcome.TIMEOUT);
                      return e.admit();
                    })));
    assertThat(decision).isInstanceOf(Decision.Refuse.class);
    assertThat(seen).containsExactly("outer", "ends", "-ends timeout", "-outer timeout");
  }

  @Test
  void nothingIsDecidedAboutACallThatHasEnded() {
    Exchange exchange = admitted(guard(stage("outer", Exchange::admit)));
    exchange.onComplete(Outcome.CLIENT_GONE);
    seen.clear();
    assertThat(guard(stage("inner", Exchange::admit)).join(exchange).toCompletableFuture().join())
        .isInstanceOf(Decision.Refuse.class);
    assertThat(seen).isEmpty();
  }

  @Test
  void oneGuardAtATimeDecidesAboutACall() {
    Exchange exchange = admitted(guard(stage("outer", Exchange::admit)));
    var unused = guard(stage("later", e -> new CompletableFuture<>())).join(exchange);
    Guard other = guard(stage("other", Exchange::admit));
    assertThatThrownBy(() -> other.join(exchange)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void timesAreTakenFromTheInjectedClock() {
    Exchange exchange = admitted(guard());
    time.advance(Duration.ofMillis(20));
    exchange.onResponseHead(200, Headers.empty());
    exchange.onResponseBytes(java.nio.ByteBuffer.wrap(new byte[] {1}));
    time.advance(Duration.ofMillis(22));
    exchange.onComplete(Outcome.COMPLETED);
    time.advance(Duration.ofMillis(100));
    assertThat(Duration.ofNanos(exchange.firstByteNanos())).hasMillis(20);
    assertThat(Duration.ofNanos(exchange.durationNanos())).hasMillis(42);
  }

  @Test
  void aClientThatLeavesBeforeTheHeadHasStatus499() {
    Exchange exchange = admitted(guard());
    exchange.onComplete(Outcome.CLIENT_GONE);
    assertThat(exchange.status()).isEqualTo(499);
  }

  @Test
  void aTraceIdIsTakenFromAWellFormedTraceparentOnly() {
    assertThat(traceIdOf("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        .isEqualTo("4bf92f3577b34da6a3ce929d0e0e4736");
    assertThat(traceIdOf("00-short-00f067aa0ba902b7-01")).isNull();
    assertThat(traceIdOf("00-4bf92f3577b34da6a3ce929d0e0e47\"6-00f067aa0ba902b7-01")).isNull();
  }

  private @Nullable String traceIdOf(String traceparent) {
    TestRequest request = TestRequest.of("GET", "/").header("traceparent", traceparent);
    Decision decision = guard().admit(request).toCompletableFuture().join();
    return ((Decision.Admit) decision).exchange().traceId();
  }

  @Test
  void idsAreUniqueAndSortByTime() {
    Guard guard = guard();
    String first = admitted(guard).id();
    time.advance(Duration.ofMillis(2));
    String second = admitted(guard).id();
    assertThat(first).matches("[0-9a-f]{32}").isLessThan(second);
  }
}
