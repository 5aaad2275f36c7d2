package io.llmguard.assembly;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.assembly.GuardSettings.RequestLimit;
import io.llmguard.assembly.GuardSettings.TokenLimit;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.Authenticator;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.KnownCallerStage;
import io.llmguard.inspect.InspectionListener;
import io.llmguard.inspect.InspectionStage;
import io.llmguard.inspect.PromptInspector;
import io.llmguard.inspect.ResponseInspector;
import io.llmguard.key.KeyLookup;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.limit.LimitListener;
import io.llmguard.limit.LimitMode;
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
import io.llmguard.policy.EndpointStage;
import io.llmguard.wire.PromptHasher;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes guards from settings.
 *
 * <p>Each stage is made once and stands in every guard that needs it, so that all share one set of
 * counters. Whoever gave the stores, observers and authenticators closes them, but for what a guard
 * closes with itself. Immutable.
 */
public final class GuardAssembly {
  private final GuardSettings settings;
  private final RateLimitStore counters;
  private final LimitListener limits;
  private final List<Customizer> customizers;
  private final Collection<String> knownModels;
  private final ClientAddressResolver addresses;
  private final AuthenticationStage authentication;
  private final ConcurrencyStage concurrency;
  private final StageList stages;

  private GuardAssembly(Builder builder) {
    settings = builder.settings;
    counters = builder.counters;
    limits = builder.limits;
    customizers = List.copyOf(builder.customizers);
    knownModels = List.copyOf(builder.knownModels);
    CidrSet proxies = blocks("trusted-proxies", settings.trustedProxies());
    addresses = ClientAddressResolver.behind(proxies);
    GuardAssembly before = builder.before;
    authentication =
        before != null && before.takesTheSameCredentials(settings)
            ? before.authentication
            : Credentials.stage(settings, proxies, builder);
    concurrency = concurrency(before);
    RequestLimit perIp = settings.rateLimits().perIp();
    stages =
        new StageList(
            builder.observers,
            new ClientAddressStage(addresses),
            transport(builder.host),
            network(),
            new AddressRateLimitStage(
                counters, rate("rate-limits.per-ip", perIp::limit), perIp.mode(), limits),
            authentication,
            callerLimits(),
            bodies(),
            inspection(builder),
            List.of(modelLimits(), tokenLimits()),
            builder.budgets);
  }

  /** Adds to a guard what its settings cannot say. */
  @FunctionalInterface
  public interface Customizer {
    /** Adds stages to a guard that has all of its own. */
    void customize(StandardGuard.Builder guard);
  }

  /**
   * A builder.
   *
   * @param keys where keys are looked up
   * @param counters where limits are counted
   */
  public static Builder builder(GuardSettings settings, KeyLookup keys, RateLimitStore counters) {
    return new Builder(settings, keys, counters);
  }

  /** Who stands between the guard and its callers. */
  public ClientAddressResolver addresses() {
    return addresses;
  }

  /** The guard of LLM servers' APIs, and of what else the catalogue holds. */
  public Guard forCalls(EndpointCatalogue catalogue) {
    StandardGuard.Builder guard = stages.forCalls(catalogue);
    customizers.forEach(customizer -> customizer.customize(guard));
    return guard.build();
  }

  /**
   * A guard of {@code /validate}: it sees no body, so it judges what stands before one.
   *
   * @param endpoints true to judge the path of the call in question, false for its caller only
   */
  public Guard forValidation(boolean endpoints) {
    StandardGuard.Builder guard = stages.forCallers();
    if (endpoints) {
      guard.stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()));
    }
    stages.addCallerLimits(guard);
    return guard.build();
  }

  /** A guard of a program's own pages; they are counted like any other call. */
  public Guard forAdministration(EndpointCatalogue pages) {
    StandardGuard.Builder guard = stages.forCallers();
    guard.stage(Place.ENDPOINT, new EndpointStage(pages));
    stages.addCallerLimits(guard);
    customizers.forEach(customizer -> customizer.customize(guard));
    return guard.build();
  }

  /**
   * The guard of calls that an application makes to LLM servers itself, for callers whom it knows:
   * models, ceilings and what a call may use are judged as in {@link #forCalls}, with the same
   * counters; requests are not counted here, because they are at the door.
   */
  public InProcessGuard forOwnCalls() {
    StandardGuard.Builder guard = StandardGuard.builder();
    stages.addObservers(guard);
    guard.stage(Place.AUTHENTICATION, new KnownCallerStage());
    guard.stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()));
    stages.addBodies(guard);
    return new InProcessGuard(guard.build());
  }

  /**
   * Closes what this assembly has made and the one that came {@linkplain Builder#after after} it
   * has not taken over; to be called once no call of its guards is under way any more. The guards
   * themselves are then not to be closed: their stages are shared.
   *
   * @param successor the one that came after it, or null for none
   */
  public void retire(@Nullable GuardAssembly successor) {
    if (successor == null || authentication != successor.authentication) {
      authentication.close();
    }
  }

  private boolean takesTheSameCredentials(GuardSettings other) {
    return Objects.equals(settings.masterKey(), other.masterKey())
        && settings.keyHeaders().equals(other.keyHeaders())
        && settings.jwt().equals(other.jwt())
        && Objects.equals(settings.clientCertificates(), other.clientCertificates())
        && settings.trustedProxies().equals(other.trustedProxies());
  }

  private BodyPolicy bodies() {
    BodyPolicy.Builder policy =
        BodyPolicy.builder()
            .hasher(hasher())
            .maxBody(maxBody())
            .maxForm(settings.limits().upload().bytes())
            .formDirectory(settings.dataDir())
            .ceilings(ceilings())
            .ceilingsInShadow(settings.ceilings().shadow())
            .listener(limits);
    return named("limits.upload", policy::build);
  }

  private Stage tokenLimits() {
    TokenLimit tokens = settings.rateLimits().tokens();
    return TokenRateLimitStage.builder(counters)
        .limit(rate(tokens))
        .mode(tokens == null ? LimitMode.ENFORCE : tokens.mode())
        .listener(limits)
        .build();
  }

  private PromptHasher hasher() {
    Secret secret = settings.audit().hmacSecret();
    return secret == null
        ? PromptHasher.sha256()
        : PromptHasher.hmacSha256(secret.value().getBytes(StandardCharsets.UTF_8));
  }

  private int maxBody() {
    long bytes = settings.limits().body().bytes();
    if (bytes < 1 || bytes > Integer.MAX_VALUE - 16) {
      throw new SettingException("limits.body", "must be 1 byte to 2 GiB, not " + bytes);
    }
    return (int) bytes;
  }

  private Stage transport(@Nullable String host) {
    TransportStage.Builder builder = TransportStage.builder().plainHttp(settings.plainHttp());
    List<String> hosts = new ArrayList<>(settings.hosts());
    if (host != null) {
      hosts.add(host);
    }
    if (settings.hsts() != null) {
      builder.hsts(settings.hsts(), false);
    }
    return named("hosts", () -> (hosts.isEmpty() ? builder : builder.hosts(hosts)).build());
  }

  private Stage network() {
    CidrSet allowed = blocks("allow-networks", settings.allowNetworks());
    return new NetworkStage(
        settings.allowNetworks().isEmpty() ? CidrSet.ALL : allowed,
        blocks("deny-networks", settings.denyNetworks()));
  }

  private List<Stage> callerLimits() {
    RequestLimit perKey = settings.rateLimits().perKey();
    TokenLimit tokens = settings.rateLimits().tokens();
    LimitSet configured =
        new LimitSet(rate("rate-limits.per-key", perKey::limit), rate(tokens), null, Map.of());
    LimitMode tokenMode = tokens == null ? LimitMode.ENFORCE : tokens.mode();
    return List.of(
        new CallerRateLimitStage(counters, configured, perKey.mode(), tokenMode, limits),
        concurrency);
  }

  private ConcurrencyStage concurrency(@Nullable GuardAssembly before) {
    int perCaller = Objects.requireNonNullElse(settings.concurrency().perKey(), 0);
    int total = Objects.requireNonNullElse(settings.concurrency().total(), 0);
    boolean shadow = settings.concurrency().shadow();
    return named(
        "concurrency",
        () ->
            before == null
                ? new ConcurrencyStage(perCaller, total, shadow, limits)
                : before.concurrency.withLimits(perCaller, total, shadow));
  }

  private Stage modelLimits() {
    ModelRateLimitStage.Builder stage = ModelRateLimitStage.builder(counters).listener(limits);
    settings
        .rateLimits()
        .perModel()
        .forEach(
            (pattern, limit) ->
                stage.limit(
                    new ModelLimit(
                        pattern,
                        rate("rate-limits.per-model", limit::limit),
                        false,
                        limit.mode())));
    stage.knownModels(knownModels);
    return named("rate-limits.per-model", stage::build);
  }

  private @Nullable Stage inspection(Builder builder) {
    InspectionStage.Builder stage = InspectionStage.builder().listener(builder.inspections);
    Inspections.add(settings.contentGuards(), stage);
    builder.promptInspectors.forEach(stage::prompts);
    builder.responseInspectors.forEach(stage::answers);
    return stage.isEmpty() ? null : stage.build();
  }

  private io.llmguard.wire.Ceilings ceilings() {
    GuardSettings.Ceilings set = settings.ceilings();
    io.llmguard.wire.Ceilings.Builder ceilings =
        io.llmguard.wire.Ceilings.builder()
            .mode(
                set.mode() == GuardSettings.CeilingMode.REFUSE
                    ? io.llmguard.wire.Ceilings.Mode.REFUSE
                    : io.llmguard.wire.Ceilings.Mode.CLAMP)
            .loadOptions(set.loadOptions())
            .loadOnly(set.loadOnly())
            .remoteMedia(set.remoteImages())
            .serverTools(set.serverTools());
    if (set.outputTokens() != null) {
      ceilings.maxOutputTokens(set.outputTokens());
    }
    if (set.context() != null) {
      ceilings.maxContextTokens(set.context());
    }
    if (set.keepAlive() != null) {
      ceilings.maxKeepAlive(set.keepAlive());
    }
    if (set.minKeepAlive() != null) {
      ceilings.minKeepAlive(set.minKeepAlive());
    }
    if (set.logprobs() != null) {
      ceilings.maxLogprobs(set.logprobs());
    }
    if (set.choices() != null) {
      ceilings.maxChoices(set.choices());
    }
    return named("ceilings", ceilings::build);
  }

  private static @Nullable RateLimit rate(@Nullable TokenLimit limit) {
    return limit == null ? null : rate("rate-limits.tokens", limit::limit);
  }

  private static RateLimit rate(String setting, Supplier<RateLimit> limit) {
    return named(setting, limit);
  }

  private static CidrSet blocks(String setting, List<String> blocks) {
    return named(setting, () -> CidrSet.parse(blocks));
  }

  /** What a setting makes; where it makes nothing, the error names it. */
  private static <T> T named(String setting, Supplier<T> made) {
    try {
      return made.get();
    } catch (SettingException e) {
      throw e;
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new SettingException(setting, String.valueOf(e.getMessage()), e);
    }
  }

  /** Collects what guards are made of. Not thread-safe. */
  public static final class Builder {
    private final GuardSettings settings;
    final KeyLookup keys;
    private final RateLimitStore counters;
    private final List<Stage> observers = new ArrayList<>();
    final List<Authenticator> authenticators = new ArrayList<>();
    private final List<Customizer> customizers = new ArrayList<>();
    private final List<PromptInspector> promptInspectors = new ArrayList<>();
    private final List<ResponseInspector> responseInspectors = new ArrayList<>();
    private InspectionListener inspections = InspectionListener.NONE;
    private LimitListener limits = LimitListener.NONE;
    private Collection<String> knownModels = List.of();
    private @Nullable String host;
    private @Nullable Stage budgets;
    private @Nullable GuardAssembly before;
    ZoneId budgetZone = ZoneOffset.UTC;

    final Set<String> keysInQuery = new HashSet<>();

    private Builder(GuardSettings settings, KeyLookup keys, RateLimitStore counters) {
      this.settings = Objects.requireNonNull(settings);
      this.keys = Objects.requireNonNull(keys);
      this.counters = Objects.requireNonNull(counters);
    }

    /** A stage that sees every call to its end: audit, metrics. */
    public Builder observer(Stage value) {
      observers.add(Objects.requireNonNull(value));
      return this;
    }

    /** An authenticator beside the configured ones; asked before that of API keys. */
    public Builder authenticator(Authenticator value) {
      authenticators.add(Objects.requireNonNull(value));
      return this;
    }

    /** Paths whose query names keys that are managed, and not the caller's; none unless set. */
    public Builder queryNamesKeysAt(Collection<String> paths) {
      keysInQuery.addAll(paths);
      return this;
    }

    /** Adds to the guards of calls and of administration what settings cannot say. */
    public Builder customizer(Customizer value) {
      customizers.add(Objects.requireNonNull(value));
      return this;
    }

    /** Hears what each limit says; nobody unless set. */
    public Builder limitListener(LimitListener value) {
      limits = Objects.requireNonNull(value);
      return this;
    }

    /** Judges prompts, after the configured content guards. */
    public Builder promptInspector(PromptInspector value) {
      promptInspectors.add(Objects.requireNonNull(value));
      return this;
    }

    /** Judges answers, after the configured content guards. */
    public Builder responseInspector(ResponseInspector value) {
      responseInspectors.add(Objects.requireNonNull(value));
      return this;
    }

    /** Hears what content guards find; nobody unless set. */
    public Builder inspectionListener(InspectionListener value) {
      inspections = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Holds what calls may cost against budgets, best a {@link io.llmguard.budget.BudgetStage};
     * unless set nothing does, and keys' own budgets have no effect.
     */
    public Builder budgets(Stage value) {
      budgets = Objects.requireNonNull(value);
      return this;
    }

    /** In which zone the windows of keys' own budgets begin; UTC unless set. */
    public Builder budgetZone(ZoneId value) {
      budgetZone = Objects.requireNonNull(value);
      return this;
    }

    /** The models that clients may name, where they are known: limits must match one of them. */
    public Builder knownModels(Collection<String> value) {
      knownModels = value;
      return this;
    }

    /**
     * A name or address under which calls come beside the configured hosts, as that of a listener
     * on loopback; unless there is one or the other, any {@code Host} is taken.
     */
    public Builder host(String value) {
      host = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Goes on where an assembly of other settings stands, over the same keys, counters and
     * listeners: calls under way keep their places, and credentials that are judged as before stay
     * with the authenticators that know them. Nothing is taken over unless set.
     *
     * @see GuardAssembly#retire
     */
    public Builder after(GuardAssembly value) {
      before = Objects.requireNonNull(value);
      return this;
    }

    /**
     * The assembly.
     *
     * @throws SettingException if a setting cannot be used
     */
    public GuardAssembly build() {
      return new GuardAssembly(this);
    }
  }
}
