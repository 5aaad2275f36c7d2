package io.llmguard.limit;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.StoreBacked;
import io.llmguard.auth.Caller;
import io.llmguard.upstream.FallbackGate;
import io.llmguard.wire.Call;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Limits the calls of each model, of all callers together or of each caller apart.
 *
 * <p>It stands after the stage that reads the body, and after the one that knows models' further
 * names where there are some. Every limit whose pattern matches the model, as it is called or by
 * its one name, holds; all are checked before any is charged, and charges are given back when a
 * later stage refuses the call. Where a caller's own limits name the model, they stand in place of
 * the configured ones that count each caller apart. A call that falls back to another model counts
 * as a call of that one too, and does not go there beyond its limits.
 *
 * <p>Where the models are known, each has a bucket of its own under a pattern. A name that is not
 * known, and any name where none are known, counts in the pattern's one bucket: a caller cannot
 * make himself new buckets by making up names.
 *
 * <p>Refuses with 429 {@code rate-limit} and {@code Retry-After}. The policies are {@code
 * per-model} and {@code per-key-model}. Thread-safe.
 */
public final class ModelRateLimitStage implements Stage, StoreBacked {
  /** The name of the policy that counts all callers together. */
  public static final String POLICY = "per-model";

  /** The name of the policy that counts each caller apart. */
  public static final String CALLER_POLICY = "per-key-model";

  private static final int MOST_CACHED_PATTERNS = 1_000;

  private static final CompletionStage<FallbackGate.Entry> FREE =
      CompletableFuture.completedFuture(FallbackGate.Entry.FREE);

  private final FallbackGate fallbacks = this::enter;
  private final Exchange.Key<Charges> charged = new Exchange.Key<>(POLICY, Charges.class);
  private final List<Rule> shared = new ArrayList<>();
  private final List<Rule> perCaller = new ArrayList<>();
  private final Set<String> known;
  private final Limiter callersOwn;
  private final ConcurrentHashMap<String, Pattern> callersPatterns = new ConcurrentHashMap<>();

  private record Rule(String pattern, Pattern compiled, RateLimit limit, Limiter limiter) {}

  /** A model's one name, and the one by which the call asks for it. */
  private record Named(String name, String written) {
    boolean matches(Pattern pattern) {
      return pattern.matcher(name).matches() || pattern.matcher(written).matches();
    }
  }

  private ModelRateLimitStage(Builder builder) {
    known = Set.copyOf(builder.known);
    callersOwn = limiter(CALLER_POLICY, LimitMode.ENFORCE, builder);
    for (ModelLimit limit : builder.limits) {
      Rule rule =
          new Rule(
              limit.pattern(),
              ModelNames.pattern(limit.pattern()),
              limit.limit(),
              limiter(limit.perCaller() ? CALLER_POLICY : POLICY, limit.mode(), builder));
      requireMatch(rule);
      (limit.perCaller() ? perCaller : shared).add(rule);
    }
  }

  private static Limiter limiter(String policy, LimitMode mode, Builder builder) {
    return new Limiter(policy, "rate-limit", "requests", builder.store, mode, builder.listener);
  }

  private void requireMatch(Rule rule) {
    if (!known.isEmpty() && known.stream().noneMatch(m -> rule.compiled.matcher(m).matches())) {
      throw new IllegalArgumentException(
          "the limit on models \"" + rule.pattern + "\" matches none of the known models");
    }
  }

  /** A builder of a stage without limits, over a store, which whoever made it closes. */
  public static Builder builder(RateLimitStore store) {
    return new Builder(store);
  }

  @Override
  public String name() {
    return "model-rate-limit";
  }

  @Override
  public boolean storeAvailable() {
    return callersOwn.storeAvailable()
        && Stream.concat(shared.stream(), perCaller.stream())
            .allMatch(rule -> rule.limiter.storeAvailable());
  }

  @Override
  public boolean failsOpen() {
    return callersOwn.failsOpen()
        && Stream.concat(shared.stream(), perCaller.stream())
            .allMatch(rule -> rule.limiter.failsOpen());
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Call call = exchange.call();
    String sent = call == null ? null : call.model();
    if (sent == null) {
      return exchange.admit();
    }
    Caller caller = exchange.caller();
    if (shared.isEmpty()
        && perCaller.isEmpty()
        && (caller == null || caller.limits().perModel().isEmpty())) {
      return exchange.admit();
    }
    String one = exchange.model();
    Named model = new Named(ModelNames.plain(one == null ? sent : one), ModelNames.plain(sent));
    exchange.put(FallbackGate.KEY, fallbacks);
    Charge[] charges = charges(caller, model);
    return charges.length == 0 ? exchange.admit() : Charges.hold(exchange, charged, charges);
  }

  private CompletionStage<FallbackGate.Entry> enter(Exchange exchange, String model, String named) {
    Charge[] charges =
        charges(exchange.caller(), new Named(ModelNames.plain(model), ModelNames.plain(named)));
    return charges.length == 0 ? FREE : Charges.enter(exchange, charges);
  }

  private Charge[] charges(@Nullable Caller caller, Named model) {
    List<Charge> charges = new ArrayList<>(2);
    for (Rule rule : shared) {
      if (model.matches(rule.compiled)) {
        LimitKey key = LimitKey.of(POLICY, subject(rule.pattern, model.name));
        charges.add(Charge.take(rule.limiter, key, rule.limit, 1));
      }
    }
    addPerCaller(caller, model, charges);
    return charges.toArray(Charge[]::new);
  }

  private void addPerCaller(@Nullable Caller caller, Named model, List<Charge> charges) {
    if (caller == null) {
      return;
    }
    boolean own = false;
    for (Map.Entry<String, RateLimit> limit : caller.limits().perModel().entrySet()) {
      if (model.matches(compiled(limit.getKey()))) {
        own = true;
        charges.add(charge(callersOwn, caller, limit.getKey(), model.name, limit.getValue()));
      }
    }
    if (own) {
      return;
    }
    for (Rule rule : perCaller) {
      if (model.matches(rule.compiled)) {
        charges.add(charge(rule.limiter, caller, rule.pattern, model.name, rule.limit));
      }
    }
  }

  private Charge charge(
      Limiter limiter, Caller caller, String pattern, String model, RateLimit limit) {
    // neither part of an id ends with a newline, so two pairs never make one key
    String subject = caller.id() + '\n' + subject(pattern, model);
    return Charge.take(limiter, LimitKey.of(CALLER_POLICY, subject), limit, 1);
  }

  private String subject(String pattern, String model) {
    return known.contains(model) ? pattern + '\n' + model : pattern;
  }

  private Pattern compiled(String pattern) {
    Pattern compiled = callersPatterns.get(pattern);
    if (compiled == null) {
      compiled = ModelNames.pattern(pattern);
      if (callersPatterns.size() < MOST_CACHED_PATTERNS) {
        callersPatterns.put(pattern, compiled);
      }
    }
    return compiled;
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Charges.settle(exchange, outcome, charged);
  }

  /** Collects the limits. Not thread-safe. */
  public static final class Builder {
    private final RateLimitStore store;
    private final List<ModelLimit> limits = new ArrayList<>();
    private final Set<String> known = new HashSet<>();
    private LimitListener listener = LimitListener.NONE;

    private Builder(RateLimitStore store) {
      this.store = Objects.requireNonNull(store);
    }

    /** Adds a limit. */
    public Builder limit(ModelLimit value) {
      limits.add(Objects.requireNonNull(value));
      return this;
    }

    /** The models that there are; unless set, none are known and patterns are not checked. */
    public Builder knownModels(Collection<String> models) {
      known.clear();
      models.forEach(model -> known.add(ModelNames.plain(model)));
      return this;
    }

    /** Who hears of it; nobody unless set. */
    public Builder listener(LimitListener value) {
      listener = Objects.requireNonNull(value);
      return this;
    }

    /**
     * The stage.
     *
     * @throws IllegalArgumentException if a limit matches none of the known models
     */
    public ModelRateLimitStage build() {
      return new ModelRateLimitStage(this);
    }
  }
}
