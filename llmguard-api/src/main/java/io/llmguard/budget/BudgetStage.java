package io.llmguard.budget;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.FailedAttempt;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.StoreBacked;
import io.llmguard.TimeSource;
import io.llmguard.audit.AuditEvent;
import io.llmguard.auth.Caller;
import io.llmguard.budget.BudgetSet.Applied;
import io.llmguard.limit.LimitListener;
import io.llmguard.limit.LimitListener.Event;
import io.llmguard.upstream.ModelReach;
import io.llmguard.upstream.Placement;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.UpstreamRouter;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds calls against budgets, and keeps what each has spent.
 *
 * <p>It stands last, after the stages that read and lower the body, and after a {@link
 * io.llmguard.upstream.ModelReachStage} where a router chooses among deployments. A call that a
 * budget counts reserves its worst case before it goes out: the bound of its prompt, and its own
 * ceiling on output, or the configured one where it sets none. What was reserved is written into
 * the call as its ceiling, bounds the upstream's time, and cuts a stream that goes on nevertheless.
 * When the call ends it pays what the upstream reported; where that is missing, what has passed,
 * marked as an estimate. A stream is asked to report its tokens, and what the client did not ask
 * for is taken out of it again.
 *
 * <p>Refuses with 429 {@code budget-exceeded}, and {@code Retry-After} where a window opens again;
 * with 503 {@code budget-unavailable} while the ledger is out of reach, unless told otherwise.
 * Thread-safe; it does not block, and leaves the ledger open.
 */
public final class BudgetStage implements Stage, StoreBacked {
  /** The policy's name. */
  public static final String POLICY = "budget";

  /** Output tokens that a call gets that sets no ceiling, unless set otherwise. */
  public static final long DEFAULT_OUTPUT_TOKENS = 2_048;

  /** Tokens that a model's template may add to a prompt, unless set otherwise. */
  public static final long DEFAULT_PROMPT_OVERHEAD = 256;

  /** How long upstreams may work on a call whose time costs something, unless set otherwise. */
  public static final Duration DEFAULT_UPSTREAM_TIME = Duration.ofMinutes(10);

  /** US dollars for an hour of an upstream without a price, unless set otherwise. */
  public static final BigDecimal DEFAULT_HOURLY_PRICE = new BigDecimal("0.80");

  private static final Logger log = LoggerFactory.getLogger(BudgetStage.class);

  /** Where a budget does not cover the whole time, so many times less are tried. */
  private static final int[] SHARES_OF_TIME = {1, 10, 60};

  private final Exchange.Key<Reservation> kept = new Exchange.Key<>(POLICY, Reservation.class);
  private final SpendLedger ledger;
  private final BudgetSet budgets;
  private final Pricing pricing;
  private final Worst worst;
  private final Duration upstreamTime;
  private final boolean failOpen;
  private final LimitListener listener;
  private final BudgetAlert.Listener alerts;
  private final TimeSource time;

  private BudgetStage(Builder builder) {
    ledger = builder.ledger;
    budgets = new BudgetSet(builder.budgets, builder.user, builder.knownModels);
    pricing = new Pricing(builder.prices, builder.defaultPrice);
    worst = new Worst(builder.outputTokens, builder.promptOverhead);
    upstreamTime = builder.upstreamTime;
    failOpen = builder.failOpen;
    listener = builder.listener;
    alerts = builder.alerts;
    time = builder.time;
  }

  /** A builder of a stage without budgets, which only keeps what was spent. */
  public static Builder builder(SpendLedger ledger) {
    return new Builder(ledger);
  }

  @Override
  public String name() {
    return "budget";
  }

  @Override
  public boolean storeAvailable() {
    return ledger.available();
  }

  @Override
  public boolean failsOpen() {
    return failOpen;
  }

  // ---- before the call

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Call call = exchange.call();
    if (call == null || !spends(call)) {
      return exchange.admit();
    }
    return reserve(exchange, call, models(exchange, call));
  }

  private static boolean spends(Call call) {
    return switch (call.operation().kind()) {
      case GENERATION, EMBEDDING, TRANSCRIPTION -> true;
      case MODEL_LIST, MODEL_INFO, MANAGEMENT, INFO -> false;
    };
  }

  private static List<ModelReach.Model> models(Exchange exchange, Call call) {
    ModelReach reach = exchange.get(ModelReach.KEY);
    String model = call.model() == null ? "" : call.model();
    return reach == null ? List.of(new ModelReach.Model(model, model, List.of())) : reach.models();
  }

  /** Reserves the worst case of a call that one of these models answers. */
  private CompletionStage<Decision> reserve(
      Exchange exchange, Call call, List<ModelReach.Model> models) {
    List<Applied> applied = budgets.of(exchange.caller(), call, models);
    boolean usd = false;
    for (Applied each : applied) {
      usd |= each.budget().unit() == BudgetUnit.USD;
    }
    Reservation reservation =
        new Reservation(models, applied, worst.of(call), usd ? pricing.highest(models) : null);
    exchange.put(kept, reservation);
    exchange.put(SpendFields.SOURCE, new Standings(exchange, call, reservation));
    if (applied.isEmpty()) {
      CallEdits.prepare(exchange, null);
      return exchange.admit();
    }
    return reserve(exchange, reservation, 0);
  }

  private CompletionStage<Decision> reserve(
      Exchange exchange, Reservation reservation, int attempt) {
    reservation.reckon(
        reservation.timed() ? upstreamTime.dividedBy(SHARES_OF_TIME[attempt]) : null);
    Worst.Tokens tokens = reservation.tokens();
    SpendEntry lost =
        entry(
            exchange,
            SpendEntry.LOST,
            new Usage(tokens.input(), tokens.output(), true),
            reservation.cost(),
            Duration.ZERO);
    CompletableFuture<Verdict> answer = ask(lost, reservation.holds());
    if (answer.isDone() && !answer.isCompletedExceptionally()) {
      return judge(exchange, reservation, attempt, answer.join());
    }
    return answer
        .handle(
            (verdict, failure) ->
                failure == null
                    ? judge(exchange, reservation, attempt, verdict)
                    : unavailable(exchange, reservation))
        .thenCompose(decision -> decision);
  }

  private CompletableFuture<Verdict> ask(SpendEntry lost, List<Hold> holds) {
    try {
      return ledger.reserve(lost, holds).toCompletableFuture();
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private CompletionStage<Decision> judge(
      Exchange exchange, Reservation reservation, int attempt, Verdict verdict) {
    if (verdict instanceof Verdict.Refused refused) {
      return less(exchange, reservation, attempt, refused);
    }
    if (verdict instanceof Verdict.Granted granted) {
      boolean over = !granted.over().isEmpty();
      listener.heard(POLICY, over ? Event.SHADOW_REFUSED : Event.ADMITTED);
      reservation.granted(granted.balances());
    }
    return admit(exchange, reservation);
  }

  /** Tries whether the budgets cover less, as long as the call can do with it. */
  private CompletionStage<Decision> less(
      Exchange exchange, Reservation reservation, int attempt, Verdict.Refused refused) {
    Call call = exchange.call();
    if (call != null && reservation.models().size() > 1) {
      exchange.put(UpstreamRouter.NO_FALLBACK, true);
      return reserve(exchange, call, reservation.models().subList(0, 1));
    }
    boolean shorter = reservation.timed() && attempt + 1 < SHARES_OF_TIME.length;
    if (shorter && reservation.holds().get(refused.index()).unit() == BudgetUnit.USD) {
      return reserve(exchange, reservation, attempt + 1);
    }
    listener.heard(POLICY, Event.REFUSED);
    return exchange.refuse(
        Refusals.of(reservation.applied().get(refused.index()).budget(), refused, time.now()));
  }

  /** Lets the call go, and no further than was reckoned. */
  private CompletionStage<Decision> admit(Exchange exchange, Reservation reservation) {
    Call call = exchange.call();
    if (call != null && call.operation().kind() == Operation.Kind.GENERATION) {
      CallEdits.prepare(exchange, reservation.tokens().perChoice());
    }
    exchange.ceiling(reservation.ceiling(reservation.tokens().output()));
    exchange.put(Proxy.RETRY_GATE, (tried, failed) -> affordsRetry(tried, reservation, failed));
    return exchange.admit();
  }

  private CompletionStage<Decision> unavailable(Exchange exchange, Reservation reservation) {
    if (failOpen) {
      listener.heard(POLICY, Event.PASSED_UNCHECKED);
      return admit(exchange, reservation);
    }
    listener.heard(POLICY, Event.REFUSED_UNCHECKED);
    return exchange.refuse(
        Refusal.of(
                503,
                "budget-unavailable",
                "the budgets cannot be checked right now; try again later")
            .with("Retry-After", "1"));
  }

  // ---- between attempts

  /** Has another attempt cost no more than the attempts before have left of the reservation. */
  private boolean affordsRetry(Exchange exchange, Reservation reservation, FailedAttempt failed) {
    Call call = exchange.call();
    if (call == null) {
      return true;
    }
    List<FailedAttempt> all = new ArrayList<>(exchange.failedAttempts());
    all.add(failed);
    Bill bill = new Bill(pricing, reservation.usd());
    all.forEach(attempt -> bill.add(attempt, Spent.of(attempt, call, reservation.tokens())));
    if (bill.tokens() == 0) {
      return true; // time is bounded for all of them together
    }
    long left = reservation.outputLeft(bill.tokens(), bill.cost(), bill.time());
    if (call.operation().kind() != Operation.Kind.GENERATION) {
      return left >= 0;
    }
    long each = left / Math.max(1, call.details().choices());
    if (each < 1) {
      return false;
    }
    if (left < reservation.tokens().output()) {
      CallEdits.lower(exchange, each);
      exchange.ceiling(reservation.ceiling(left));
    }
    return true;
  }

  // ---- after the call

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Reservation reservation = exchange.get(kept);
    Call call = exchange.call();
    if (reservation == null || call == null) {
      return;
    }
    if (exchange.refusedUnanswered(outcome) && exchange.failedAttempts().isEmpty()) {
      if (!reservation.holds().isEmpty()) {
        watch(ledger.release(exchange.id(), reservation.holds()));
      }
      return;
    }
    Bill bill = reservation.bill();
    if (bill == null) {
      bill = bill(exchange, outcome, call, reservation);
    }
    if (bill.priced()) {
      exchange.put(AuditEvent.COST_USD, NanoUsd.toUsd(bill.cost()));
    }
    Usage retried = bill.retried();
    if (retried != null) {
      exchange.put(AuditEvent.RETRIED, retried);
    }
    SpendEntry entry =
        entry(
            exchange,
            outcome.word(),
            bill.usage(),
            bill.cost(),
            Duration.ofNanos(exchange.durationNanos()));
    List<Payment> payments = new ArrayList<>(reservation.holds().size());
    for (int i = 0; i < reservation.holds().size(); i++) {
      payments.add(
          new Payment(reservation.holds().get(i), bill.amount(reservation.applied().get(i))));
    }
    watch(
        ledger
            .settle(entry, payments)
            .thenAccept(balances -> alert(reservation.applied(), payments, balances)));
  }

  /** What all attempts have used, if the call ends like this. */
  private Bill bill(Exchange exchange, Outcome outcome, Call call, Reservation reservation) {
    Usage last = Spent.of(exchange, outcome, call, reservation.tokens());
    if (last.estimated()) {
      exchange.estimate(last);
    }
    Bill bill = new Bill(pricing, reservation.usd());
    for (FailedAttempt attempt : exchange.failedAttempts()) {
      bill.add(attempt, Spent.of(attempt, call, reservation.tokens()));
    }
    Placement placement = exchange.get(Proxy.PLACEMENT);
    bill.add(
        placement == null ? call.model() : placement.model(),
        placement == null ? null : placement.deployment(),
        last,
        Duration.ofNanos(exchange.upstreamNanos()).minus(bill.time()));
    return bill;
  }

  /** How a call stands when its answer's head goes out. */
  private final class Standings implements SpendFields.Source {
    private final Exchange exchange;
    private final Call call;
    private final Reservation reservation;

    Standings(Exchange exchange, Call call, Reservation reservation) {
      this.exchange = exchange;
      this.call = call;
      this.reservation = reservation;
    }

    private Bill whole() {
      Bill known = reservation.bill();
      if (known == null) {
        known = bill(exchange, Outcome.COMPLETED, call, reservation);
        reservation.billed(known); // what the client is told is what is paid
      }
      return known;
    }

    @Override
    public @Nullable Long cost() {
      Bill bill = whole();
      return bill.priced() ? bill.cost() : null;
    }

    @Override
    public List<SpendFields.Standing> standings(boolean whole) {
      return reservation.standings(whole ? whole() : null);
    }
  }

  private static void watch(CompletionStage<?> written) {
    var unused =
        written.whenComplete(
            (done, e) -> {
              if (e != null) {
                log.error("what a call has spent could not be kept: {}", e.toString());
              }
            });
  }

  private void alert(List<Applied> applied, List<Payment> payments, List<Balance> balances) {
    for (int i = 0; i < balances.size() && i < applied.size(); i++) {
      Applied one = applied.get(i);
      Long at = one.budget().alertAt();
      long spent = balances.get(i).spent();
      if (at != null && spent >= at && spent - payments.get(i).amount() < at) {
        log.warn(
            "{} of \"{}\" has reached its alert: {} were spent",
            one.budget(),
            Subjects.shown(one.subject()),
            one.budget().unit() == BudgetUnit.USD
                ? NanoUsd.toUsd(spent).toPlainString() + " USD"
                : spent + " tokens");
        alerts.heard(new BudgetAlert(time.now(), one.budget(), one.subject(), spent));
      }
    }
  }

  private SpendEntry entry(
      Exchange exchange, String outcome, Usage usage, long cost, Duration duration) {
    Call call = Objects.requireNonNull(exchange.call());
    Caller caller = exchange.caller();
    SpendEntry.Who who =
        caller == null
            ? new SpendEntry.Who("", "", null, exchange.credentialHash(), null, null)
            : new SpendEntry.Who(
                caller.id(),
                caller.getName(),
                caller.keyId(),
                exchange.credentialHash(),
                caller.team(),
                budgets.userOf(caller, call));
    return new SpendEntry(
        exchange.id(),
        exchange.startedAt(),
        who,
        call.model(),
        exchange.upstream(),
        exchange.path(),
        exchange.status(),
        outcome,
        usage,
        cost,
        duration);
  }

  /** Collects the options. Not thread-safe. */
  public static final class Builder {
    private final SpendLedger ledger;
    private Collection<Budget> budgets = List.of();
    private Collection<String> knownModels = List.of();
    private BudgetUser user = BudgetUser.SUBJECT;
    private PriceList prices = PriceList.none();
    private Price defaultPrice = Price.perHour(DEFAULT_HOURLY_PRICE);
    private long outputTokens = DEFAULT_OUTPUT_TOKENS;
    private long promptOverhead = DEFAULT_PROMPT_OVERHEAD;
    private Duration upstreamTime = DEFAULT_UPSTREAM_TIME;
    private boolean failOpen;
    private LimitListener listener = LimitListener.NONE;
    private BudgetAlert.Listener alerts = BudgetAlert.Listener.NONE;
    private TimeSource time = TimeSource.system();

    private Builder(SpendLedger ledger) {
      this.ledger = Objects.requireNonNull(ledger);
    }

    /** The budgets that hold for all callers, beside the callers' own; none unless set. */
    public Builder budgets(Collection<Budget> value) {
      budgets = List.copyOf(value);
      return this;
    }

    /** The models that there are; unless set, none are known and patterns are not checked. */
    public Builder knownModels(Collection<String> value) {
      knownModels = List.copyOf(value);
      return this;
    }

    /** Who the user of a call is; {@link BudgetUser#SUBJECT} unless set. */
    public Builder user(BudgetUser value) {
      user = Objects.requireNonNull(value);
      return this;
    }

    /** What deployments cost; nothing has a price unless set. */
    public Builder prices(PriceList value) {
      prices = Objects.requireNonNull(value);
      return this;
    }

    /**
     * What a deployment without a price costs a call that a budget in US dollars counts; 0.80 USD
     * an hour of the upstream's time unless set.
     */
    public Builder defaultPrice(Price value) {
      defaultPrice = Objects.requireNonNull(value);
      return this;
    }

    /** Output tokens, for each answer, that a call gets that sets no ceiling; 2,048 unless set. */
    public Builder outputTokens(long value) {
      if (value < 1) {
        throw new IllegalArgumentException("a call gets at least 1 token: " + value);
      }
      outputTokens = value;
      return this;
    }

    /** Tokens that a model's own template and system prompt may add to a prompt; 256 unless set. */
    public Builder promptOverhead(long value) {
      if (value < 0) {
        throw new IllegalArgumentException("a template does not have " + value + " tokens");
      }
      promptOverhead = value;
      return this;
    }

    /**
     * How long upstreams may work on a call whose time costs something; 10 min unless set. Where a
     * budget covers less, a tenth and a sixtieth are tried.
     */
    public Builder upstreamTime(Duration value) {
      if (value.toMillis() < 60) {
        throw new IllegalArgumentException("a call gets at least 60 ms: " + value);
      }
      upstreamTime = value;
      return this;
    }

    /** True to let calls pass while the ledger is out of reach; false unless set. */
    public Builder failOpen(boolean value) {
      failOpen = value;
      return this;
    }

    /** Who hears what budgets say to calls; nobody unless set. */
    public Builder listener(LimitListener value) {
      listener = Objects.requireNonNull(value);
      return this;
    }

    /** Who hears alerts; nobody but the log unless set. */
    public Builder alerts(BudgetAlert.Listener value) {
      alerts = Objects.requireNonNull(value);
      return this;
    }

    /** Where the time until a reset is measured; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = Objects.requireNonNull(value);
      return this;
    }

    /**
     * The stage.
     *
     * @throws IllegalArgumentException if a budget matches none of the known models
     */
    public BudgetStage build() {
      return new BudgetStage(this);
    }
  }
}
