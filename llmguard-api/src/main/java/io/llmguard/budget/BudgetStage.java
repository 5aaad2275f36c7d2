package io.llmguard.budget;

import io.llmguard.AnswerCeiling;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.TimeSource;
import io.llmguard.audit.AuditEvent;
import io.llmguard.auth.Caller;
import io.llmguard.budget.BudgetSet.Applied;
import io.llmguard.limit.LimitListener;
import io.llmguard.limit.LimitListener.Event;
import io.llmguard.upstream.Placement;
import io.llmguard.upstream.Proxy;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.Usage;
import java.time.Duration;
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
 * <p>It stands last, after the stages that read and lower the body. A call that a budget counts
 * reserves its worst case before it goes out: the bound of its prompt, and its own ceiling on
 * output, or the configured one where it sets none. What was reserved is written into the call as
 * its ceiling, bounds the upstream's time, and cuts a stream that goes on nevertheless. When the
 * call ends it pays what the upstream reported; where that is missing, what has passed, marked as
 * an estimate. A stream is asked to report its tokens, and what the client did not ask for is taken
 * out of it again.
 *
 * <p>Refuses with 429 {@code budget-exceeded}, and {@code Retry-After} where a window opens again;
 * with 503 {@code budget-unavailable} while the ledger is out of reach, unless told otherwise.
 * Thread-safe; it does not block, and leaves the ledger open.
 */
public final class BudgetStage implements Stage {
  /** The policy's name. */
  public static final String POLICY = "budget";

  private static final Logger log = LoggerFactory.getLogger(BudgetStage.class);

  /** Timers are late by less. */
  private static final Duration LATE = Duration.ofSeconds(1);

  /** Where a budget does not cover the whole time, so many times less are tried. */
  private static final int[] SHARES_OF_TIME = {1, 10, 60};

  private final Exchange.Key<Reservation> kept = new Exchange.Key<>(POLICY, Reservation.class);
  private final SpendLedger ledger;
  private final BudgetSet budgets;
  private final PriceList prices;
  private final Price defaultPrice;
  private final Worst worst;
  private final Duration upstreamTime;
  private final boolean failOpen;
  private final LimitListener listener;
  private final BudgetAlert.Listener alerts;
  private final TimeSource time;

  private BudgetStage(Builder builder) {
    ledger = builder.ledger;
    budgets = new BudgetSet(builder.budgets, builder.user, builder.knownModels);
    prices = builder.prices;
    defaultPrice = builder.defaultPrice;
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

  /** False from a failure of the ledger to its next success. */
  public boolean storeAvailable() {
    return ledger.available();
  }

  // ---- before the call

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Call call = exchange.call();
    if (call == null || !spends(call)) {
      return exchange.admit();
    }
    List<Applied> applied = budgets.of(exchange.caller(), call);
    boolean usd = applied.stream().anyMatch(a -> a.budget().unit() == BudgetUnit.USD);
    Price price = prices.highest(call.model());
    Worst.Tokens tokens = worst.of(call);
    Reservation reservation = new Reservation(applied, tokens, usd ? defaultPrice : null);
    exchange.put(kept, reservation);
    if (applied.isEmpty()) {
      CallEdits.prepare(exchange, null);
      return exchange.admit();
    }
    return reserve(exchange, reservation, usd ? (price == null ? defaultPrice : price) : null, 0);
  }

  private static boolean spends(Call call) {
    return switch (call.operation().kind()) {
      case GENERATION, EMBEDDING, TRANSCRIPTION -> true;
      case MODEL_LIST, MODEL_INFO, MANAGEMENT, INFO -> false;
    };
  }

  private CompletionStage<Decision> reserve(
      Exchange exchange, Reservation reservation, @Nullable Price price, int attempt) {
    Duration bound =
        price != null && price.timed() ? upstreamTime.dividedBy(SHARES_OF_TIME[attempt]) : null;
    Worst.Tokens tokens = reservation.tokens;
    long cost =
        price == null
            ? 0
            : price.cost(
                tokens.input(), tokens.output(), bound == null ? Duration.ZERO : bound.plus(LATE));
    List<Hold> holds = reservation.applied.stream().map(a -> a.hold(cost, tokens.total())).toList();
    SpendEntry lost =
        entry(
            exchange,
            SpendEntry.LOST,
            new Usage(tokens.input(), tokens.output(), true),
            cost,
            Duration.ZERO);
    CompletableFuture<Verdict> answer = ask(lost, holds);
    if (answer.isDone() && !answer.isCompletedExceptionally()) {
      return judge(exchange, reservation, price, attempt, bound, holds, answer.join());
    }
    return answer
        .handle(
            (verdict, failure) ->
                failure == null
                    ? judge(exchange, reservation, price, attempt, bound, holds, verdict)
                    : unavailable(exchange))
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
      Exchange exchange,
      Reservation reservation,
      @Nullable Price price,
      int attempt,
      @Nullable Duration bound,
      List<Hold> holds,
      Verdict verdict) {
    if (verdict instanceof Verdict.Refused refused) {
      boolean less = bound != null && attempt + 1 < SHARES_OF_TIME.length;
      if (less && holds.get(refused.index()).unit() == BudgetUnit.USD) {
        return reserve(exchange, reservation, price, attempt + 1);
      }
      listener.heard(POLICY, Event.REFUSED);
      return exchange.refuse(
          Refusals.of(reservation.applied.get(refused.index()).budget(), refused, time.now()));
    }
    if (verdict instanceof Verdict.Granted granted) {
      boolean over = !granted.over().isEmpty();
      listener.heard(POLICY, over ? Event.SHADOW_REFUSED : Event.ADMITTED);
    }
    reservation.holds = holds;
    Call call = exchange.call();
    if (call != null && call.operation().kind() == Operation.Kind.GENERATION) {
      CallEdits.prepare(exchange, reservation.tokens.perChoice());
    }
    exchange.ceiling(new AnswerCeiling(reservation.tokens.output(), bound));
    return exchange.admit();
  }

  private CompletionStage<Decision> unavailable(Exchange exchange) {
    if (failOpen) {
      listener.heard(POLICY, Event.PASSED_UNCHECKED);
      CallEdits.prepare(exchange, null);
      return exchange.admit();
    }
    listener.heard(POLICY, Event.REFUSED_UNCHECKED);
    return exchange.refuse(
        Refusal.of(
                503,
                "budget-unavailable",
                "the budgets cannot be checked right now; try again later")
            .with("Retry-After", "1"));
  }

  // ---- after the call

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Reservation reservation = exchange.get(kept);
    Call call = exchange.call();
    if (reservation == null || call == null) {
      return;
    }
    if (outcome.kind() == Outcome.Kind.REFUSED) {
      if (!reservation.holds.isEmpty()) {
        watch(ledger.release(exchange.id(), reservation.holds));
      }
      return;
    }
    Usage usage = Spent.of(exchange, outcome, call, reservation.tokens);
    if (usage.estimated()) {
      exchange.estimate(usage);
    }
    Price price = priceOf(exchange, call, reservation);
    Duration busy = Duration.ofNanos(Math.max(0, exchange.upstreamNanos()));
    long cost = price == null ? 0 : price.cost(usage.inputTokens(), usage.outputTokens(), busy);
    if (price != null) {
      exchange.put(AuditEvent.COST_USD, NanoUsd.toUsd(cost));
    }
    SpendEntry entry =
        entry(exchange, outcome.word(), usage, cost, Duration.ofNanos(exchange.durationNanos()));
    watch(
        ledger
            .settle(entry, reservation.holds)
            .thenAccept(balances -> alert(reservation.applied, entry, balances)));
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

  private @Nullable Price priceOf(Exchange exchange, Call call, Reservation reservation) {
    Placement placement = exchange.get(Proxy.PLACEMENT);
    String model = placement == null ? call.model() : placement.model();
    Price price = prices.of(model, exchange.upstream());
    return price == null ? reservation.defaultPrice : price;
  }

  private void alert(List<Applied> applied, SpendEntry entry, List<Balance> balances) {
    for (int i = 0; i < balances.size() && i < applied.size(); i++) {
      Applied one = applied.get(i);
      Long at = one.budget().alertAt();
      long spent = balances.get(i).spent();
      if (at != null && spent >= at && spent - entry.amount(one.budget().unit()) < at) {
        log.warn("{} has reached its alert", one.budget());
        alerts.heard(new BudgetAlert(one.budget(), one.subject(), spent));
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

  /** What a call holds; used by one thread at a time. */
  private static final class Reservation {
    private final List<Applied> applied;
    private final Worst.Tokens tokens;
    private final @Nullable Price defaultPrice;
    private List<Hold> holds = List.of();

    Reservation(List<Applied> applied, Worst.Tokens tokens, @Nullable Price defaultPrice) {
      this.applied = applied;
      this.tokens = tokens;
      this.defaultPrice = defaultPrice;
    }
  }

  /** Collects the options. Not thread-safe. */
  public static final class Builder {
    private static final Price DEFAULT_PRICE = Price.perHour(new java.math.BigDecimal("0.80"));

    private final SpendLedger ledger;
    private Collection<Budget> budgets = List.of();
    private Collection<String> knownModels = List.of();
    private BudgetUser user = BudgetUser.SUBJECT;
    private PriceList prices = PriceList.none();
    private Price defaultPrice = DEFAULT_PRICE;
    private long outputTokens = 2_048;
    private long promptOverhead = 256;
    private Duration upstreamTime = Duration.ofMinutes(10);
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
