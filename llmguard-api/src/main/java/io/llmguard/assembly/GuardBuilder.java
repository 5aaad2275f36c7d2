package io.llmguard.assembly;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.assembly.GuardSettings.RateLimits;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.Authenticator;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.ModelLimit;
import io.llmguard.limit.ModelRateLimitStage;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.limit.TokenRateLimitStage;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.network.NetworkStage;
import io.llmguard.network.TransportStage;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Collects what a whole guard guards with, as objects; {@link GuardAssembly} takes settings
 * instead. Not thread-safe.
 *
 * <p>What is given here and can be closed stays the caller's, but for stages, authenticators and
 * the audit queue: these are closed with what is built.
 *
 * @param <T> what is built: an adapter's filter
 */
public final class GuardBuilder<T> {
  private final BiFunction<Guard, AutoCloseable, T> made;
  private final AuthenticationStage.Builder authentication = AuthenticationStage.builder();
  private final List<Stage> observers = new ArrayList<>();
  private final List<GuardAssembly.Customizer> others = new ArrayList<>();
  private final List<ModelLimit> perModel = new ArrayList<>();
  private BodyPolicy bodies = BodyPolicy.builder().build();
  private boolean authenticated;
  private CidrSet trustedProxies = CidrSet.NONE;
  private TransportStage transport = TransportStage.builder().build();
  private NetworkStage network = new NetworkStage(CidrSet.ALL, CidrSet.NONE);
  private @Nullable RateLimitStore counters;
  private RateLimit perAddress = RateLimits.DEFAULTS.perIp().limit();
  private RateLimit perCaller = RateLimits.DEFAULTS.perKey().limit();
  private @Nullable RateLimit tokens;
  private ConcurrencyStage concurrency = new ConcurrencyStage(0, 0);
  private EndpointCatalogue endpoints = EndpointCatalogue.standard();

  /**
   * A builder with every default, and without an authenticator.
   *
   * @param made makes what is built of the guard and of what is to be closed with it, which closes
   *     the guard too
   */
  public GuardBuilder(BiFunction<Guard, AutoCloseable, T> made) {
    this.made = Objects.requireNonNull(made);
  }

  /** Adds a kind of credential; at least one is needed. */
  public GuardBuilder<T> authenticator(Authenticator value) {
    authentication.authenticator(value);
    authenticated = true;
    return this;
  }

  /** What a 401's challenge calls the protected space; {@code llmguard} unless set. */
  public GuardBuilder<T> realm(String value) {
    authentication.realm(value);
    return this;
  }

  /**
   * Whose {@code Forwarded} and {@code X-Forwarded-For} are believed; nobody's unless set. Without
   * any, what a guard before this one has found out stands.
   */
  public GuardBuilder<T> trustedProxies(CidrSet value) {
    trustedProxies = Objects.requireNonNull(value);
    return this;
  }

  /** What becomes of plain HTTP and foreign hosts; plain HTTP from elsewhere is refused. */
  public GuardBuilder<T> transport(TransportStage value) {
    transport = Objects.requireNonNull(value);
    return this;
  }

  /** Which addresses may call; all unless set. */
  public GuardBuilder<T> network(CidrSet allowed, CidrSet denied) {
    network = new NetworkStage(allowed, denied);
    return this;
  }

  /** Where rates are counted; in the memory of what is built unless set. */
  public GuardBuilder<T> counters(RateLimitStore value) {
    counters = Objects.requireNonNull(value);
    return this;
  }

  /** What an address may call; 30 a minute with a burst of 10 unless set. */
  public GuardBuilder<T> perAddress(RateLimit value) {
    perAddress = Objects.requireNonNull(value);
    return this;
  }

  /** What a caller without a limit of its own may call; 10 a minute, burst 5 unless set. */
  public GuardBuilder<T> perCaller(RateLimit value) {
    perCaller = Objects.requireNonNull(value);
    return this;
  }

  /** How many tokens a caller without a limit of its own may use; no limit unless set. */
  public GuardBuilder<T> tokens(RateLimit value) {
    tokens = Objects.requireNonNull(value);
    return this;
  }

  /** Adds a limit on the calls of models; none unless set. */
  public GuardBuilder<T> perModel(ModelLimit value) {
    perModel.add(Objects.requireNonNull(value));
    return this;
  }

  /** How many calls may be under way at once; 0 for no limit, which is so unless set. */
  public GuardBuilder<T> concurrency(int perCallerAtOnce, int inAll) {
    concurrency = new ConcurrencyStage(perCallerAtOnce, inAll);
    return this;
  }

  /** Which endpoints there are; {@link EndpointCatalogue#standard()} unless set. */
  public GuardBuilder<T> endpoints(EndpointCatalogue value) {
    endpoints = Objects.requireNonNull(value);
    return this;
  }

  /** What bodies are held to; the defaults of {@link BodyPolicy} unless set. */
  public GuardBuilder<T> bodies(BodyPolicy value) {
    bodies = Objects.requireNonNull(value);
    return this;
  }

  /** Where the audit lines go; nowhere unless set. */
  public GuardBuilder<T> audit(AuditQueue value) {
    observers.add(new AuditStage(value));
    return this;
  }

  /** Adds a stage of any other kind at its place, behind those that stand there: metrics. */
  public GuardBuilder<T> stage(Place place, Stage stage) {
    Objects.requireNonNull(place);
    Objects.requireNonNull(stage);
    others.add(guard -> guard.stage(place, stage));
    return this;
  }

  /**
   * What is built.
   *
   * @throws IllegalStateException if there is no authenticator: nobody could call
   * @throws IllegalArgumentException if a value is out of its range
   */
  public T build() {
    if (!authenticated) {
      throw new IllegalStateException("nobody could call: there is no authenticator");
    }
    RateLimitStore given = counters;
    RateLimitStore store = given != null ? given : new InMemoryRateLimitStore(TimeSource.system());
    StandardGuard.Builder stages = stages(store).forCalls(endpoints);
    others.forEach(other -> other.customize(stages));
    Guard guard = stages.build();
    return made.apply(guard, new Owned(guard, given == null ? store : null));
  }

  private StageList stages(RateLimitStore store) {
    LimitSet limits = new LimitSet(perCaller, tokens, null, Map.of());
    ModelRateLimitStage.Builder models = ModelRateLimitStage.builder(store);
    perModel.forEach(models::limit);
    return new StageList(
        observers,
        trustedProxies.isEmpty()
            ? null
            : new ClientAddressStage(ClientAddressResolver.behind(trustedProxies)),
        transport,
        network,
        new AddressRateLimitStage(store, perAddress),
        authentication.build(),
        List.of(new CallerRateLimitStage(store, limits), concurrency),
        bodies,
        null,
        List.of(models.build(), TokenRateLimitStage.builder(store).limit(tokens).build()),
        null);
  }

  /** What is closed with what was built. */
  private record Owned(Guard guard, @Nullable RateLimitStore counters) implements AutoCloseable {
    @Override
    public void close() {
      guard.close();
      if (counters != null) {
        counters.close();
      }
    }
  }
}
