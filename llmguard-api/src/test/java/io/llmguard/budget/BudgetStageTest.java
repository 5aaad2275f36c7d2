package io.llmguard.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.FailedAttempt;
import io.llmguard.Guard;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.audit.AuditEvent;
import io.llmguard.auth.Caller;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.AnswerFacts;
import io.llmguard.upstream.AttemptResult;
import io.llmguard.upstream.ModelReach;
import io.llmguard.upstream.Placement;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.UpstreamRouter;
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
import org.slf4j.LoggerFactory;

class BudgetStageTest {
  private static final Price CENT =
      new Price(new BigDecimal("0.01"), new BigDecimal("0.01"), BigDecimal.ZERO);

  private final ManualTime time = new ManualTime();
  private final MemorySpendLedger ledger = new MemorySpendLedger(time, ZoneOffset.UTC, 1_000);
  private Meter meter = new Meter(null, 0, true);
  private @Nullable ModelReach reach;
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
            if (reach != null) {
              exchange.put(ModelReach.KEY, reach);
              exchange.model(reach.models().get(0).name());
            }
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
  void cachedTokensCostTheirOwnPriceARequestItsFlatOneAndTheWorstIsHeld() {
    Price price =
        new Price(
            new BigDecimal("0.01"),
            new BigDecimal("0.001"),
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            new BigDecimal("0.5"));
    Guard guard =
        guard(
            stage(budget(BudgetScope.GLOBAL, "1d").usd(new BigDecimal("1.5")).build())
                .prices(PriceList.all(price)),
            true);
    Exchange exchange = admitted(guard); // holds 100 tokens of a cent, and the half dollar
    assertThat(refused(guard).headers().first("Retry-After")).isEqualTo("1");
    Meter cached = new Meter(Usage.reported(50, 10).cached(40), 10, true);
    assertThat(end(exchange, 200, cached, Outcome.COMPLETED)).isEqualByComparingTo("0.64");
    meter = new Meter(null, 0, false);
    Guard other = guard(stage().prices(PriceList.all(price)), true);
    Exchange nothing = admitted(other);
    nothing.onComplete(Outcome.UPSTREAM_FAILED);
    assertThat(nothing.get(AuditEvent.COST_USD)).isEqualByComparingTo("0");
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
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    Logger log = (Logger) LoggerFactory.getLogger(BudgetStage.class);
    lines.start();
    log.addAppender(lines);
    for (int i = 0; i < 4; i++) {
      end(admitted(guard), 200, new Meter(Usage.reported(100, 100), 100, true), Outcome.COMPLETED);
    }
    log.detachAppender(lines);
    assertThat(lines.list)
        .extracting(ILoggingEvent::getFormattedMessage)
        .containsExactly(
            "Budget[GLOBAL, 300 TOKENS, 1d@Z] of \"\" has reached its alert: 400 tokens were spent");
    assertThat(heard).containsExactly(new BudgetAlert(time.now(), soft, "", 400));
  }

  @Test
  void aNameInALogStaysInItsLine() {
    assertThat(Subjects.shown("bob\n2026 ERROR\u202e")).isEqualTo("bob?2026 ERROR?");
    assertThat(Subjects.shown("x".repeat(300))).startsWith("sha256:");
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

  private static ModelReach.Model model(String name) {
    return new ModelReach.Model(name, name, List.of("at-" + name));
  }

  /** Says that this model's deployment answers. */
  private static void placed(Exchange exchange, String model) {
    exchange.onAttempt();
    exchange.put(
        Proxy.PLACEMENT,
        new Placement() {
          @Override
          public String deployment() {
            return "at-" + model;
          }

          @Override
          public String model() {
            return model;
          }

          @Override
          public void ended(AttemptResult result) {}
        });
  }

  private static final PriceList BY_DEPLOYMENT =
      (model, deployment) -> "at-paid".equals(deployment) ? CENT : Price.FREE;

  @Test
  void theDearestPlaceThatACallMayReachIsHeldAndTheOneThatAnsweredIsPaid() {
    reach = new ModelReach(List.of(model("free"), model("paid")));
    Guard guard =
        guard(
            stage(budget(BudgetScope.GLOBAL, "1d").usd(new BigDecimal(3)).build())
                .prices(BY_DEPLOYMENT),
            true);
    Exchange one = admitted(guard);
    assertThat(one.get(UpstreamRouter.NO_FALLBACK)).isNull();
    Exchange two = admitted(guard);
    assertThat(two.get(UpstreamRouter.NO_FALLBACK))
        .as("a budget that does not cover a fallback lets the call go without it")
        .isTrue();
    Meter all = new Meter(Usage.reported(100, 100), 100, true);
    placed(one, "paid");
    placed(two, "free");
    assertThat(end(one, 200, all, Outcome.COMPLETED)).isEqualByComparingTo("2");
    assertThat(end(two, 200, all, Outcome.COMPLETED)).isEqualByComparingTo("0");
  }

  @Test
  void aModelsBudgetCountsItByEveryNameAndWhereACallFallsBackToIt() {
    Budget paid = budget(BudgetScope.MODEL, "1d").only("paid").tokens(400).build();
    Guard guard = guard(stage(paid), true);
    Meter all = new Meter(Usage.reported(100, 100), 100, true);
    // the call says m, which is a further name
    reach = new ModelReach(List.of(model("paid")));
    Exchange further = admitted(guard);
    placed(further, "paid");
    end(further, 200, all, Outcome.COMPLETED);

    reach = new ModelReach(List.of(model("free"), model("paid")));
    Exchange notTaken = admitted(guard);
    assertThat(notTaken.get(UpstreamRouter.NO_FALLBACK)).isNull();
    placed(notTaken, "free");
    end(notTaken, 200, all, Outcome.COMPLETED);
    Exchange taken = admitted(guard);
    assertThat(taken.get(UpstreamRouter.NO_FALLBACK)).isNull();
    placed(taken, "paid");
    end(taken, 200, all, Outcome.COMPLETED);

    assertThat(admitted(guard).get(UpstreamRouter.NO_FALLBACK)).isTrue();
    reach = new ModelReach(List.of(model("paid")));
    assertThat(refused(guard).detail()).contains("of this model");
  }

  @Test
  void aCallersBudgetForAModelCountsThatModelOnly() {
    Budget own = budget(BudgetScope.KEY, "1d").only("alice").onlyModels("pa*").tokens(200).build();
    Budget all = budget(BudgetScope.KEY, "1d").only("alice").tokens(100_000).build();
    caller = Caller.builder(Caller.Kind.API_KEY, "alice").budgets(List.of(own, all)).build();
    Guard guard = guard(stage(), true);
    reach = new ModelReach(List.of(model("free"), model("paid")));
    Exchange free = admitted(guard);
    placed(free, "free");
    Meter used = new Meter(Usage.reported(100, 100), 100, true);
    end(free, 200, used, Outcome.COMPLETED);
    reach = new ModelReach(List.of(model("paid")));
    Exchange paid = admitted(guard);
    assertThat(refused(guard).detail()).contains("of this key for this model");
    placed(paid, "paid");
    end(paid, 200, used, Outcome.COMPLETED);
    reach = new ModelReach(List.of(model("free")));
    admitted(guard);
    assertThat(ledger.balance(own.account("alice"), time.now()).spent()).isEqualTo(200);
    assertThat(ledger.balance(all.account("alice"), time.now()).spent()).isEqualTo(400);
  }

  @Test
  void eachModelsOwnBudgetIsThatOfItsOneName() {
    Guard guard = guard(stage(budget(BudgetScope.MODEL, "1d").tokens(200).build()), true);
    reach = new ModelReach(List.of(model("paid")));
    admitted(guard);
    assertThat(refused(guard).status()).isEqualTo(429);
    reach = new ModelReach(List.of(model("free")));
    admitted(guard);
  }

  /** An attempt of which the client sees nothing, that broke off after so many tokens. */
  private FailedAttempt broken(Exchange exchange, Duration took, Meter answer) {
    exchange.onForward();
    placed(exchange, "m");
    meter = answer;
    exchange.onResponseHead(200, Headers.empty());
    time.advance(took);
    return exchange.asFailed("m", "at-m");
  }

  private static boolean mayRetry(Exchange exchange, FailedAttempt failed) {
    boolean may = exchange.get(Proxy.RETRY_GATE).mayRetry(exchange, failed);
    if (may) {
      exchange.onRetry(failed);
    }
    return may;
  }

  @Test
  void tokensOfAHiddenAttemptArePaidAndLowerTheNextOnesCeiling() {
    Guard guard =
        guard(stage(budget(BudgetScope.GLOBAL, "1d").usd(new BigDecimal(2)).build()), true);
    Exchange exchange = admitted(guard);
    assertThat(exchange.ceiling().outputTokens()).isEqualTo(100);
    Meter half = new Meter(Usage.reported(10, 30), 30, false);
    assertThat(mayRetry(exchange, broken(exchange, Duration.ofSeconds(1), half))).isTrue();
    assertThat(exchange.ceiling().outputTokens()).isEqualTo(60);
    placed(exchange, "m");
    Meter whole = new Meter(Usage.reported(10, 60), 60, true);
    assertThat(end(exchange, 200, whole, Outcome.COMPLETED)).isEqualByComparingTo("1.1");
    assertThat(spent()).isEqualTo(1_100_000_000);
    assertThat(ledger.entries(SpendQuery.ALL, null, 1).get(0).usage())
        .isEqualTo(new Usage(20, 90, true));
  }

  @Test
  void thereIsNoRetryThatTheReservationDoesNotCover() {
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").tokens(1_000).build()), true);
    Exchange exchange = admitted(guard);
    Meter nearlyAll = new Meter(Usage.reported(20, 80), 80, false);
    FailedAttempt failed = broken(exchange, Duration.ZERO, nearlyAll);
    assertThat(mayRetry(exchange, failed)).isFalse();
    // an attempt of which nothing came costs nothing
    Exchange other = admitted(guard);
    Meter nothing = new Meter(null, 0, false);
    assertThat(mayRetry(other, broken(other, Duration.ZERO, nothing))).isTrue();
    assertThat(other.ceiling().outputTokens()).isEqualTo(100);
  }

  @Test
  void aClientThatLeavesBetweenAttemptsPaysForThoseThatWere() {
    Guard guard = guard(stage(budget(BudgetScope.KEY, "1d").tokens(1_000).build()), false);
    Exchange exchange = admitted(guard);
    Meter half = new Meter(Usage.reported(10, 30), 30, false);
    assertThat(mayRetry(exchange, broken(exchange, Duration.ZERO, half))).isTrue();
    exchange.onComplete(Outcome.CLIENT_GONE);
    assertThat(ledger.entries(SpendQuery.ALL, null, 1).get(0).usage())
        .isEqualTo(new Usage(10, 30, true));
  }

  @Test
  void attemptsShareTheTimeThatIsReservedAndEachPaysAtItsOwnPrice() {
    PriceList prices =
        (model, deployment) ->
            "at-m".equals(deployment)
                ? Price.perHour(new BigDecimal(3_600))
                : Price.perHour(new BigDecimal(7_200));
    reach =
        new ModelReach(
            List.of(
                new ModelReach.Model("m", "m", List.of("at-m")),
                new ModelReach.Model("dear", "dear", List.of("at-dear"))));
    Guard guard =
        guard(
            stage(budget(BudgetScope.GLOBAL, "1d").usd(new BigDecimal(10_000)).build())
                .prices(prices),
            true);
    Exchange exchange = admitted(guard);
    assertThat(exchange.ceiling().upstreamTime()).isEqualTo(Duration.ofMinutes(10));
    Meter nothing = new Meter(null, 0, false);
    assertThat(mayRetry(exchange, broken(exchange, Duration.ofSeconds(100), nothing))).isTrue();
    placed(exchange, "dear");
    time.advance(Duration.ofSeconds(10));
    Meter whole = new Meter(Usage.reported(1, 1), 1, true);
    assertThat(end(exchange, 200, whole, Outcome.COMPLETED)).isEqualByComparingTo("120");
  }

  @Test
  void lessonACallThatPassedUncheckedIsADebtOnceTheLedgerIsBack() {
    SpendLedger away = new AwayLedger(ledger);
    Budget budget = budget(BudgetScope.KEY, "1d").tokens(150).build();
    Guard open = guard(BudgetStage.builder(away).budgets(List.of(budget)).failOpen(true), true);
    Exchange exchange = admitted(open);
    assertThat(exchange.ceiling().outputTokens()).isEqualTo(100);
    end(exchange, 200, new Meter(Usage.reported(100, 100), 100, true), Outcome.COMPLETED);
    Guard back = guard(BudgetStage.builder(ledger).budgets(List.of(budget)), true);
    assertThat(refused(back).reason()).isEqualTo("budget-exceeded");
    assertThat(ledger.balance(budget.account("alice"), time.now())).isEqualTo(new Balance(200, 0));
  }

  private static HeaderMap fields(Exchange exchange, boolean whole) {
    HeaderMap fields = new HeaderMap();
    SpendFields.standard()
        .and(SpendFields.litellm())
        .add(exchange, new AnswerFacts(null, null, 1, 0, 0, 0, whole), fields);
    return fields;
  }

  @Test
  void anAnswerSaysWhatItCostsAndWhatTheTightestBudgetHasLeft() {
    Guard guard =
        guard(
            stage(
                budget(BudgetScope.KEY, "1d").usd(new BigDecimal(10)).build(),
                budget(BudgetScope.GLOBAL, "1d").tokens(100_000).build()),
            false);
    Exchange one = admitted(guard);
    HeaderMap before = fields(one, false);
    assertThat(before.first("X-Llmguard-Cost-Usd")).isNull();
    assertThat(before.first("x-litellm-response-cost")).isNull();
    assertThat(before.first("X-Llmguard-Budget-Left"))
        .isEqualTo("8; unit=usd; for=key; window=\"1d@Z\"");
    assertThat(before.first("x-litellm-key-spend")).isEqualTo("0");
    meter = new Meter(Usage.reported(10, 20), 1, true);
    one.onResponseHead(200, Headers.empty());
    HeaderMap whole = fields(one, true);
    assertThat(whole.first("X-Llmguard-Cost-Usd")).isEqualTo("0.3");
    assertThat(whole.first("x-litellm-response-cost")).isEqualTo("0.3");
    assertThat(whole.first("X-Llmguard-Budget-Left")).startsWith("9.7; unit=usd");
    assertThat(whole.first("x-litellm-key-spend")).isEqualTo("0.3");
    assertThat(whole.first("x-litellm-key-max-budget")).isEqualTo("10");
    one.onComplete(Outcome.COMPLETED);
    assertThat(spent()).isEqualTo(300_000_000);
    assertThat(fields(admitted(guard), false).first("X-Llmguard-Budget-Left")).startsWith("7.7;");
  }

  @Test
  void whatACallIsToldIsWhatItPaysAlsoForTime() {
    Guard guard = guard(stage().prices(PriceList.all(Price.perHour(new BigDecimal(3_600)))), false);
    Exchange exchange = admitted(guard);
    time.advance(Duration.ofSeconds(5));
    meter = new Meter(Usage.reported(10, 20), 1, true);
    exchange.onResponseHead(200, Headers.empty());
    assertThat(fields(exchange, true).first("X-Llmguard-Cost-Usd")).isEqualTo("5");
    time.advance(Duration.ofSeconds(5));
    exchange.onComplete(Outcome.COMPLETED);
    assertThat(exchange.get(AuditEvent.COST_USD)).isEqualByComparingTo("5");
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

  /** Its database is gone when calls come, and back when they end. */
  private static final class AwayLedger extends BrokenLedger {
    private final SpendLedger back;

    AwayLedger(SpendLedger back) {
      this.back = back;
    }

    @Override
    public CompletionStage<List<Balance>> settle(SpendEntry entry, List<Payment> payments) {
      return back.settle(entry, payments);
    }
  }

  /** Its database is gone. */
  private static class BrokenLedger implements SpendLedger {
    private static <T> CompletionStage<T> broken() {
      return java.util.concurrent.CompletableFuture.failedFuture(
          new SpendLedgerException("gone", null));
    }

    @Override
    public CompletionStage<Verdict> reserve(SpendEntry worst, List<Hold> holds) {
      return broken();
    }

    @Override
    public CompletionStage<List<Balance>> settle(SpendEntry entry, List<Payment> payments) {
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
