package io.llmguard.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.audit.AuditEvent;
import io.llmguard.auth.Caller;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.Call;
import io.llmguard.wire.CallDetails;
import io.llmguard.wire.Operation;
import io.llmguard.wire.PromptDigest;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BudgetStageTest {
  private static final Price CENT =
      new Price(new BigDecimal("0.01"), new BigDecimal("0.01"), BigDecimal.ZERO);

  private final ManualTime time = new ManualTime();
  private final MemorySpendLedger ledger = new MemorySpendLedger(time, ZoneOffset.UTC, 1_000);
  private Meter meter = new Meter(null, 0, true);
  private Caller caller = Caller.builder(Caller.Kind.API_KEY, "alice").team("red").build();

  private record Meter(@Nullable Usage usage, long outputEvents, boolean finished)
      implements ResponseMeter {
    @Override
    public void accept(ByteBuffer bytes) {}

    @Override
    public boolean failed() {
      return false;
    }
  }

  /** A prompt of at most 100 tokens, and as many as 100 more. */
  private static Call chat(boolean stream) {
    CallDetails details =
        new CallDetails(List.of("m"), 20, 100, 1, null, false, false, false, false, false, "bob");
    return new Call(Operation.OLLAMA_CHAT, "m", stream, new PromptDigest("0", 80), 100L, details);
  }

  private Guard guard(BudgetStage.Builder stage, boolean stream) {
    Stage prepare =
        new Stage() {
          @Override
          public String name() {
            return "prepare";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            exchange.caller(caller);
            exchange.call(chat(stream));
            return exchange.admit();
          }
        };
    return Guard.builder()
        .time(time)
        .meters((exchange, status, headers) -> meter)
        .stage(prepare)
        .stage(stage.promptOverhead(0).time(time).build())
        .build();
  }

  private BudgetStage.Builder stage(Budget... budgets) {
    return BudgetStage.builder(ledger).budgets(List.of(budgets)).prices(PriceList.all(CENT));
  }

  private static Budget.Builder budget(BudgetScope scope, String window) {
    return Budget.of(scope, BudgetWindow.fixed(window));
  }

  private static Decision ask(Guard guard) {
    return guard.admit(TestRequest.of("POST", "/api/chat")).toCompletableFuture().join();
  }

  private static Exchange admitted(Guard guard) {
    Decision decision = ask(guard);
    assertThat(decision).isInstanceOf(Decision.Admit.class);
    return ((Decision.Admit) decision).exchange();
  }

  private static Refusal refused(Guard guard) {
    Decision decision = ask(guard);
    assertThat(decision).isInstanceOf(Decision.Refuse.class);
    return ((Decision.Refuse) decision).refusal();
  }

  private BigDecimal end(Exchange exchange, int status, Meter answer, Outcome outcome) {
    meter = answer;
    exchange.onResponseHead(status, Headers.empty());
    exchange.onComplete(outcome);
    BigDecimal cost = exchange.get(AuditEvent.COST_USD);
    return cost == null ? BigDecimal.valueOf(-1) : cost;
  }

  private long spent() {
    return ledger.sums(SpendQuery.ALL, SpendGroup.ALL).stream()
        .mapToLong(SpendSum::costNanoUsd)
        .sum();
  }

  @Test
  void theWorstCaseIsHeldAndWhatTheUpstreamReportedIsPaid() {
    // a call may cost 2 USD
    Guard guard =
        guard(stage(budget(BudgetScope.GLOBAL, "1d").usd(new BigDecimal(5)).build()), true);
    Exchange one = admitted(guard);
    Exchange two = admitted(guard);
    assertThat(refused(guard).headers().first("Retry-After")).isEqualTo("1");
    assertThat(end(one, 200, new Meter(Usage.reported(10, 20), 20, true), Outcome.COMPLETED))
        .isEqualByComparingTo("0.3");
    admitted(guard);
    two.onComplete(Outcome.refused("later"));
    assertThat(spent()).isEqualTo(300_000_000);
  }

  @Test
  void lessonRetryAfterIsTheTrueTimeToTheReset() {
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").usd(new BigDecimal(2)).build()), true);
    end(admitted(guard), 200, new Meter(Usage.reported(50, 50), 50, true), Outcome.COMPLETED);
    time.advance(Duration.ofHours(23));
    Refusal refusal = refused(guard);
    assertThat(refusal.status()).isEqualTo(429);
    assertThat(refusal.reason()).isEqualTo("budget-exceeded");
    assertThat(refusal.headers().first("Retry-After")).isEqualTo("3600");
    assertThat(refusal.detail()).contains("2026-01-02T00:00:00Z");
    time.advance(Duration.ofHours(1));
    admitted(guard);
  }

  @Test
  void lessonStreamedRequestsAreLoggedWithSpendZero() {
    Guard guard = guard(stage(), true);
    Exchange exchange = admitted(guard);
    assertThat(end(exchange, 200, new Meter(null, 40, true), Outcome.COMPLETED))
        .isEqualByComparingTo("0.61");
    assertThat(exchange.usage()).isEqualTo(new Usage(21, 40, true));
  }

  @Test
  void lessonAClientThatDisconnectsPaysForWhatWasGenerated() {
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").tokens(1_000).build()), true);
    Exchange exchange = admitted(guard);
    assertThat(end(exchange, 200, new Meter(null, 30, false), Outcome.CLIENT_GONE))
        .isEqualByComparingTo("0.51");
    SpendEntry kept = ledger.entries(SpendQuery.ALL, null, 1).get(0);
    assertThat(kept.usage()).isEqualTo(new Usage(21, 30, true));
    assertThat(kept.outcome()).isEqualTo("client-gone");
  }

  @Test
  void aClientThatLeavesAnAnswerInOnePiecePaysItsReservation() {
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").tokens(1_000).build()), false);
    Exchange exchange = admitted(guard);
    exchange.onComplete(Outcome.CLIENT_GONE);
    assertThat(exchange.usage()).isEqualTo(new Usage(21, 100, true));
  }

  @Test
  void whatAnUpstreamRefusedCostsNothing() {
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").tokens(200).build()), true);
    assertThat(end(admitted(guard), 404, new Meter(null, 0, true), Outcome.COMPLETED))
        .isEqualByComparingTo("0");
    meter = new Meter(null, 0, false);
    admitted(guard).onComplete(Outcome.UPSTREAM_FAILED);
    admitted(guard);
  }

  @Test
  void whatAnUpstreamTookBeyondTheReservationIsADebt() {
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").tokens(500).build()), false);
    end(admitted(guard), 200, new Meter(Usage.reported(100, 450), 1, true), Outcome.COMPLETED);
    assertThat(refused(guard).status()).isEqualTo(429);
    assertThat(ledger.sums(SpendQuery.ALL, SpendGroup.ALL).get(0).outputTokens()).isEqualTo(450);
  }

  @Test
  void lessonBudgetsAreSkippedForModelsOfPriceZeroTokensAndUpstreamTimeAreBudgetsToo() {
    Guard tokens =
        guard(
            stage(budget(BudgetScope.KEY, "1d").tokens(300).build())
                .prices(PriceList.all(Price.FREE)),
            true);
    admitted(tokens);
    assertThat(refused(tokens).status()).isEqualTo(429);

    // no price at all: 0.80 USD an hour, so ten minutes and a second are 0.1336 USD
    Guard unpriced =
        guard(
            stage(budget(BudgetScope.GLOBAL, "1d").usd(new BigDecimal("0.2")).build())
                .prices(PriceList.none()),
            true);
    Exchange exchange = admitted(unpriced);
    assertThat(exchange.ceiling().upstreamTime()).isEqualTo(Duration.ofMinutes(10));
    // what is left covers less time, and that is what the next call gets
    assertThat(admitted(unpriced).ceiling().upstreamTime()).isEqualTo(Duration.ofMinutes(1));
    time.advance(Duration.ofMinutes(9));
    assertThat(end(exchange, 200, new Meter(null, 3, true), Outcome.COMPLETED))
        .isEqualByComparingTo("0.12");
  }

  @Test
  void severalWindowsHoldOneKeyAndEachTeamUserAndModelHasItsOwn() {
    Guard guard =
        guard(
            stage(
                    budget(BudgetScope.KEY, "1h").tokens(200).build(),
                    budget(BudgetScope.KEY, "1d").tokens(400).build(),
                    budget(BudgetScope.TEAM, "1d").only("red").tokens(600).build(),
                    budget(BudgetScope.USER, "1d").tokens(100_000).build(),
                    budget(BudgetScope.MODEL, "1d").only("M*").tokens(800).build())
                .knownModels(List.of("m"))
                .user(BudgetUser.FIELD),
            true);
    Meter all = new Meter(Usage.reported(100, 100), 100, true);
    end(admitted(guard), 200, all, Outcome.COMPLETED);
    assertThat(refused(guard).headers().first("Retry-After")).isEqualTo("3600");
    time.advance(Duration.ofHours(1));
    end(admitted(guard), 200, all, Outcome.COMPLETED);
    time.advance(Duration.ofHours(1));
    assertThat(refused(guard).detail()).contains("2026-01-02T00:00:00Z").contains("of this key");
    caller = Caller.builder(Caller.Kind.API_KEY, "carol").team("red").build();
    end(admitted(guard), 200, all, Outcome.COMPLETED);
    time.advance(Duration.ofHours(1));
    assertThat(refused(guard).detail()).contains("of this team");
    caller = Caller.builder(Caller.Kind.API_KEY, "dave").build();
    end(admitted(guard), 200, all, Outcome.COMPLETED);
    time.advance(Duration.ofHours(1));
    assertThat(refused(guard).detail()).contains("of this model");
    assertThat(ledger.sums(SpendQuery.ALL, SpendGroup.USER))
        .extracting(SpendSum::group)
        .contains("alice/bob", "carol/bob");
  }

  @Test
  void aCallersOwnBudgetHoldsInPlaceOfTheConfiguredOneOfItsWindow() {
    Budget own = budget(BudgetScope.KEY, "1d").only("alice").tokens(200).build();
    caller = Caller.builder(Caller.Kind.API_KEY, "alice").budgets(List.of(own)).build();
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").tokens(100_000).build()), true);
    admitted(guard);
    assertThat(refused(guard).reason()).isEqualTo("budget-exceeded");
  }

  @Test
  void aSoftLimitAlertsOnceAndABudgetThatIsNotEnforcedRefusesNothing() {
    List<BudgetAlert> heard = new ArrayList<>();
    Budget soft =
        budget(BudgetScope.GLOBAL, "1d").tokens(300).alertAt(250L).enforced(false).build();
    Guard guard = guard(stage(soft).alerts(heard::add), true);
    for (int i = 0; i < 4; i++) {
      end(admitted(guard), 200, new Meter(Usage.reported(100, 100), 100, true), Outcome.COMPLETED);
    }
    assertThat(heard).containsExactly(new BudgetAlert(soft, "", 400));
  }

  @Test
  void lessonARuleThatMatchesNothingIsAnErrorAtStart() {
    BudgetStage.Builder stage =
        stage(budget(BudgetScope.MODEL, "1d").only("gemma*").tokens(1).build())
            .knownModels(List.of("mistral"));
    assertThatThrownBy(stage::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gemma*");
  }

  @Test
  void lessonBudgetsFailOpenWithoutADatabase() {
    SpendLedger broken = new BrokenLedger();
    Budget budget = budget(BudgetScope.KEY, "1d").tokens(1_000).build();
    Guard closed = guard(BudgetStage.builder(broken).budgets(List.of(budget)), true);
    assertThat(refused(closed).status()).isEqualTo(503);
    Guard open = guard(BudgetStage.builder(broken).budgets(List.of(budget)).failOpen(true), true);
    admitted(open).onComplete(Outcome.COMPLETED);
  }

  /** Its database is gone. */
  private static final class BrokenLedger implements SpendLedger {
    private static <T> CompletionStage<T> broken() {
      return java.util.concurrent.CompletableFuture.failedFuture(
          new SpendLedgerException("gone", null));
    }

    @Override
    public CompletionStage<Verdict> reserve(SpendEntry worst, List<Hold> holds) {
      return broken();
    }

    @Override
    public CompletionStage<List<Balance>> settle(SpendEntry entry, List<Hold> holds) {
      return broken();
    }

    @Override
    public CompletionStage<Void> release(String id, List<Hold> holds) {
      return broken();
    }

    @Override
    public Balance balance(String account, Instant now) {
      throw new SpendLedgerException("gone", null);
    }

    @Override
    public boolean available() {
      return false;
    }

    @Override
    public List<SpendEntry> entries(SpendQuery query, @Nullable String after, int limit) {
      throw new SpendLedgerException("gone", null);
    }

    @Override
    public List<SpendSum> sums(SpendQuery query, SpendGroup group) {
      throw new SpendLedgerException("gone", null);
    }

    @Override
    public void close() {}
  }
}
