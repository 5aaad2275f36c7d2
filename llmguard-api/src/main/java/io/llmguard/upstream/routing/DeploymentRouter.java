package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.TimeSource;
import io.llmguard.auth.Caller;
import io.llmguard.policy.Endpoint;
import io.llmguard.policy.ModelAccess;
import io.llmguard.upstream.FallbackGate;
import io.llmguard.upstream.ModelReach;
import io.llmguard.upstream.Placement;
import io.llmguard.upstream.Route;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamRouter;
import io.llmguard.wire.Call;
import io.llmguard.wire.Dialect;
import io.llmguard.wire.ModelListFilter;
import io.llmguard.wire.ModelLists;
import io.llmguard.wire.Operation;
import io.llmguard.wire.Parameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Sends a call to one of the deployments of its model, under the upstream's own name for it, and
 * shows clients the names that they use.
 *
 * <p>Without deployments there is one upstream, which takes every call under the model's own name.
 * With them, a call whose model has no deployment is refused with 404 {@code model-not-found}; one
 * in Ollama's dialect, where every deployment has only OpenAI's API, with 400 {@code openai-only}.
 * Of the deployments of a name those are left out that are over their limits (429 {@code
 * deployments-limited} where that is all of them), cooling down, or full (then the call waits, see
 * {@link Queueing}); of the rest, a conversation's own comes first where that is asked for, then
 * those that have the model loaded, then the strategy decides. A call that fails may go to another
 * deployment, then to another model that was named as a fallback, that its caller may use and whose
 * {@linkplain FallbackGate limits} let it in.
 *
 * <p>Lists of models show a caller only those that it may use. Where an alias and the upstream's
 * name are the same, the answer reaches the client byte for byte. A call that names no model, or
 * changes the server, names its upstream in {@link #UPSTREAM_HEADER} where several stand behind the
 * guard, else 400 {@code upstream-not-named}. Thread-safe.
 */
public final class DeploymentRouter implements UpstreamRouter, ModelReach.Source {
  /** The field in which a call names its upstream. */
  public static final String UPSTREAM_HEADER = "X-Llmguard-Upstream";

  private static final String MODEL_PATH = "/v1/models/";

  private final ModelGroups groups;
  private final boolean anyModel;
  private final List<Upstream> upstreams;
  private final Availability availability;
  private final Map<String, List<String>> fallbacks;
  private final List<String> defaultFallbacks;
  private final Parameters parameters;
  private final Balancer balancer;

  private DeploymentRouter(Builder builder) {
    availability = builder.availability;
    anyModel = builder.deployments.isEmpty();
    Map<String, Breaker> servers = new HashMap<>();
    Map<String, List<DeploymentState>> states = new LinkedHashMap<>();
    for (Deployment deployment : builder.deployments) {
      Upstream upstream = deployment.upstream();
      Breaker server =
          servers.computeIfAbsent(upstream.name(), name -> new Breaker(builder.cooldown));
      states
          .computeIfAbsent(ModelAccess.canonical(deployment.alias()), alias -> new ArrayList<>())
          .add(
              new DeploymentState(
                  deployment, new Breaker(builder.cooldown), server, builder.parameters));
    }
    upstreams =
        anyModel ? List.copyOf(builder.upstreams) : Deployment.upstreams(builder.deployments);
    List<ModelGroup> all = new ArrayList<>();
    for (List<DeploymentState> list : states.values()) {
      all.add(new ModelGroup(list.get(0).deployment().alias(), list));
    }
    groups = new ModelGroups(all, builder.aliases);
    Map<String, List<String>> canonical = new HashMap<>();
    builder.fallbacks.forEach((name, list) -> canonical.put(ModelAccess.canonical(name), list));
    fallbacks = Map.copyOf(canonical);
    defaultFallbacks = List.copyOf(builder.defaultFallbacks);
    parameters = builder.parameters;
    balancer = new Balancer(builder, servers);
  }

  /** A router to one upstream, for every model that it has. */
  public static DeploymentRouter to(Upstream upstream) {
    return to(upstream, Parameters.NONE);
  }

  /**
   * A router to one upstream, for every model that it has.
   *
   * @param parameters what is decided in place of callers
   */
  public static DeploymentRouter to(Upstream upstream, Parameters parameters) {
    Builder builder = new Builder(List.of()).parameters(parameters);
    builder.upstreams.add(upstream);
    return new DeploymentRouter(builder);
  }

  /**
   * A router to these deployments, by {@link RoutingStrategy#simpleShuffle}.
   *
   * @throws IllegalArgumentException if there are none
   */
  public static DeploymentRouter to(List<Deployment> deployments) {
    return builder(deployments).build();
  }

  /**
   * A builder of a router to these deployments.
   *
   * @throws IllegalArgumentException if there are none
   */
  public static Builder builder(List<Deployment> deployments) {
    if (deployments.isEmpty()) {
      throw new IllegalArgumentException("a router needs a deployment");
    }
    return new Builder(deployments);
  }

  /** The upstreams, each name once. */
  public List<Upstream> upstreams() {
    return upstreams;
  }

  /** Takes notice of what somebody found out about an upstream apart from calls. */
  public void probed(Upstream upstream, boolean well) {
    balancer.probed(upstream.name(), well);
  }

  /** True while every upstream of its deployments is left alone after failures. */
  public boolean coolingDown() {
    return balancer.coolingDown();
  }

  @Override
  public Route route(Exchange exchange) {
    Operation operation = operation(exchange);
    return switch (operation.kind()) {
      case MODEL_LIST -> list(exchange, operation);
      case MANAGEMENT -> named(exchange);
      case INFO -> info(exchange, operation);
      default -> model(exchange, operation);
    };
  }

  private static Operation operation(Exchange exchange) {
    Endpoint endpoint = exchange.endpoint();
    return endpoint == null ? Operation.OTHER : endpoint.operation();
  }

  // ---- calls of a model

  private Route model(Exchange exchange, Operation operation) {
    String alias = alias(exchange, operation);
    if (anyModel || alias == null) {
      Refusal refusal = ParameterRules.refusal(exchange, parameters);
      return refusal == null ? named(exchange) : new Route.Refused(refusal);
    }
    ModelGroups.Found found = groups.find(alias);
    if (found == null) {
      return new Route.Refused(
          Refusal.of(404, "model-not-found", "there is no model of that name here"));
    }
    Refusal refusal = found.group().refusal(exchange);
    if (refusal != null) {
      return new Route.Refused(refusal);
    }
    Route route = place(exchange, alias, operation, found, Set.of());
    if (route instanceof Route.Refused refused && refused.refusal().status() != 400) {
      return fallback(exchange, alias, operation, Set.of(found.group().name()), route);
    }
    return route;
  }

  /** The client's name for the model, or null where the call names none. */
  private static @Nullable String alias(Exchange exchange, Operation operation) {
    if (operation == Operation.OPENAI_MODEL) {
      return exchange.path().substring(MODEL_PATH.length());
    }
    Call call = exchange.call();
    return call == null ? null : call.model();
  }

  private Route place(
      Exchange exchange,
      String alias,
      Operation operation,
      ModelGroups.Found found,
      Set<String> tried) {
    return balancer.route(
        new Balancer.Want(
            exchange,
            found.group(),
            found.captured(),
            operation,
            tried,
            lease -> to(exchange, lease, alias, operation, found.captured())));
  }

  private static Route to(
      Exchange exchange, Lease lease, String alias, Operation operation, String captured) {
    Deployment deployment = lease.state().deployment();
    Parameters parameters = lease.state().parameters();
    String model = ModelGroup.modelAt(deployment, captured);
    if (model.equals(alias)) {
      RequestBody body = ParameterRules.body(exchange, parameters);
      return new Route.To(deployment.upstream(), body, null, null, lease);
    }
    return new Route.To(
        deployment.upstream(),
        ModelNameEdits.body(exchange, model, parameters),
        ModelNameEdits.answers(exchange, operation, model, alias),
        operation == Operation.OPENAI_MODEL ? MODEL_PATH + model : null,
        lease);
  }

  @Override
  public Route again(Exchange exchange, List<Route.To> tried, boolean retriesLeft) {
    Placement last = tried.get(tried.size() - 1).placement();
    Operation operation = operation(exchange);
    String alias = alias(exchange, operation);
    if (last == null || alias == null) {
      return retriesLeft ? route(exchange) : new Route.Nowhere();
    }
    ModelGroup group = groups.named(last.model());
    if (retriesLeft && group != null) {
      ModelGroups.Found found = found(group, alias);
      Route route = place(exchange, alias, operation, found, deployments(tried));
      if (!(route instanceof Route.Refused)) {
        return route;
      }
    }
    return fallback(exchange, alias, operation, models(tried), new Route.Nowhere());
  }

  /** The group again, which may be another one than the client asked for. */
  private ModelGroups.Found found(ModelGroup group, String alias) {
    ModelGroups.Found asked = groups.find(alias);
    if (asked != null && asked.group() == group) {
      return asked;
    }
    for (String name : fallbacksOf(alias)) {
      ModelGroups.Found other = groups.find(name);
      if (other != null && other.group() == group) {
        return other;
      }
    }
    return new ModelGroups.Found(group, "");
  }

  private static Set<String> deployments(List<Route.To> tried) {
    Set<String> ids = new HashSet<>();
    for (Route.To to : tried) {
      if (to.placement() != null) {
        ids.add(to.placement().deployment());
      }
    }
    return ids;
  }

  private static Set<String> models(List<Route.To> tried) {
    Set<String> names = new HashSet<>();
    for (Route.To to : tried) {
      if (to.placement() != null) {
        names.add(to.placement().model());
      }
    }
    return names;
  }

  @Override
  public boolean hasFallback(Exchange exchange, List<Route.To> tried) {
    if (fallbacks.isEmpty() && defaultFallbacks.isEmpty()) {
      return false;
    }
    String alias = alias(exchange, operation(exchange));
    return alias != null && !fallbacks(exchange, alias, models(tried)).isEmpty();
  }

  /**
   * A place at another model.
   *
   * @param none where the call goes if there is none
   */
  private Route fallback(
      Exchange exchange, String alias, Operation operation, Set<String> tried, Route none) {
    return new FallbackSearch(
            exchange,
            fallbacks(exchange, alias, tried),
            found -> place(exchange, alias, operation, found, Set.of()),
            none)
        .first();
  }

  @Override
  public @Nullable ModelReach of(Exchange exchange) {
    String alias = anyModel ? null : alias(exchange, operation(exchange));
    ModelGroups.Found asked = alias == null ? null : groups.find(alias);
    if (alias == null || asked == null) {
      return null;
    }
    List<ModelReach.Model> models = new ArrayList<>();
    models.add(groups.reached(alias, asked));
    for (String name : fallbacksOf(alias)) {
      ModelGroups.Found found = groups.find(name);
      if (found != null && found.group() != asked.group() && access(exchange).allows(name)) {
        models.add(groups.reached(name, found));
      }
    }
    return new ModelReach(models);
  }

  /** Only models that the caller may use itself: making a model fail opens no other one. */
  private List<FallbackSearch.Fallback> fallbacks(
      Exchange exchange, String alias, Set<String> tried) {
    if (Boolean.TRUE.equals(exchange.get(NO_FALLBACK))) {
      return List.of();
    }
    ModelAccess access = access(exchange);
    List<FallbackSearch.Fallback> left = new ArrayList<>();
    for (String name : fallbacksOf(alias)) {
      ModelGroups.Found found = groups.find(name);
      if (found != null
          && access.allows(name)
          && !tried.contains(found.group().name())
          && found.group().refusal(exchange) == null) {
        String model = groups.reached(name, found).name();
        left.add(new FallbackSearch.Fallback(name, model, found));
      }
    }
    return left;
  }

  private List<String> fallbacksOf(String alias) {
    List<String> own = fallbacks.get(ModelAccess.canonical(alias));
    if (own == null) {
      ModelGroups.Found found = groups.find(alias);
      own = found == null ? null : fallbacks.get(ModelAccess.canonical(found.group().name()));
    }
    return own == null ? defaultFallbacks : own;
  }

  private static ModelAccess access(Exchange exchange) {
    Caller caller = exchange.caller();
    return caller == null ? ModelAccess.ALL : caller.models();
  }

  // ---- calls of a server

  private Route list(Exchange exchange, Operation operation) {
    ModelAccess access = access(exchange);
    boolean head = exchange.method().equals("HEAD");
    boolean none = operation.dialect() == Dialect.OLLAMA && !upstreams.get(0).nativeApi();
    if ((upstreams.size() > 1 || (none && !anyModel)) && operation != Operation.OLLAMA_PS) {
      List<String> names = groups.names(availability).stream().filter(access::allows).toList();
      return new Route.Answered("application/json", ModelLists.of(operation, names));
    }
    Route route = named(exchange);
    return route instanceof Route.To to && !head
        ? new Route.To(
            to.upstream(),
            to.body(),
            (status, headers) ->
                status == 200
                    ? new ModelListFilter(operation, name -> namesFor(access, name))
                    : null)
        : route;
  }

  private List<String> namesFor(ModelAccess access, String name) {
    List<String> names = anyModel ? List.of(name) : groups.namesFor(name);
    return names.stream().filter(access::allows).toList();
  }

  private Route info(Exchange exchange, Operation operation) {
    for (Upstream upstream : upstreams) {
      if (operation.dialect() != Dialect.OLLAMA || upstream.nativeApi()) {
        return new Route.To(upstream, exchange.body());
      }
    }
    return openAiOnly();
  }

  private Route named(Exchange exchange) {
    if (upstreams.size() == 1) {
      return to(exchange, upstreams.get(0));
    }
    List<String> names = exchange.request().headers().all(UPSTREAM_HEADER);
    for (Upstream upstream : upstreams) {
      if (names.size() == 1 && upstream.name().equals(names.get(0))) {
        return to(exchange, upstream);
      }
    }
    return new Route.Refused(
        Refusal.of(
            400,
            "upstream-not-named",
            "several servers stand here: name one in the header " + UPSTREAM_HEADER));
  }

  private Route to(Exchange exchange, Upstream upstream) {
    return operation(exchange).dialect() == Dialect.OLLAMA && !upstream.nativeApi()
        ? openAiOnly()
        : new Route.To(upstream, ParameterRules.body(exchange, parameters));
  }

  private static Route openAiOnly() {
    return new Route.Refused(
        Refusal.of(
            400, "openai-only", "the server has only OpenAI's API, which is called under /v1/"));
  }

  /** Collects the settings of a router. Not thread-safe. */
  public static final class Builder {
    final List<Deployment> deployments;
    final List<Upstream> upstreams = new ArrayList<>(1);
    final Map<String, List<String>> fallbacks = new HashMap<>();
    final Map<String, String> aliases = new HashMap<>();
    List<String> defaultFallbacks = List.of();
    RoutingStrategy strategy = RoutingStrategy.simpleShuffle();
    Cooldown cooldown = Cooldown.DEFAULT;
    Queueing queueing = Queueing.DEFAULT;
    Availability availability = Availability.unknown();
    boolean preferLoaded = true;
    @Nullable Duration affinity;
    AffinityKey affinityKey = AffinityKey.CONVERSATION;
    Parameters parameters = Parameters.NONE;
    TimeSource time = TimeSource.system();
    RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();

    private Builder(List<Deployment> deployments) {
      this.deployments = List.copyOf(deployments);
    }

    /** What chooses among deployments; {@link RoutingStrategy#simpleShuffle} unless set. */
    public Builder strategy(RoutingStrategy value) {
      strategy = Objects.requireNonNull(value);
      return this;
    }

    /** When servers are left alone; {@link Cooldown#DEFAULT} unless set. */
    public Builder cooldown(Cooldown value) {
      cooldown = Objects.requireNonNull(value);
      return this;
    }

    /** How calls wait; {@link Queueing#DEFAULT} unless set. */
    public Builder queueing(Queueing value) {
      queueing = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Keeps a conversation at its deployment, in whose cache its prompt is, until it was silent for
     * so long; not unless set. See {@link #affinityBy}.
     */
    public Builder affinity(Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException("a conversation is kept for some time: " + value);
      }
      affinity = value;
      return this;
    }

    /** By what calls are kept there; {@link AffinityKey#CONVERSATION} unless set. */
    public Builder affinityBy(AffinityKey value) {
      affinityKey = Objects.requireNonNull(value);
      return this;
    }

    /** What knows which models the upstreams have; nothing unless set. */
    public Builder availability(Availability value) {
      availability = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Whether a server goes first that has the model loaded, where it has room; true unless set.
     */
    public Builder preferLoaded(boolean value) {
      preferLoaded = value;
      return this;
    }

    /** Models to go to, in this order, once every attempt at this one has failed. */
    public Builder fallbacks(String alias, List<String> others) {
      fallbacks.put(alias, List.copyOf(others));
      return this;
    }

    /** The same for models that have no fallbacks of their own. */
    public Builder defaultFallbacks(List<String> others) {
      defaultFallbacks = List.copyOf(others);
      return this;
    }

    /** A further name of a model, which lists do not show. */
    public Builder alias(String name, String alias) {
      aliases.put(name, alias);
      return this;
    }

    /** What is decided in place of callers for every deployment; nothing unless set. */
    public Builder parameters(Parameters value) {
      parameters = Objects.requireNonNull(value);
      return this;
    }

    /** Where the time is taken from; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = Objects.requireNonNull(value);
      return this;
    }

    /** What chance is taken from; used by one thread at a time. */
    public Builder random(RandomGenerator value) {
      random = Objects.requireNonNull(value);
      return this;
    }

    /**
     * The router.
     *
     * @throws IllegalArgumentException if a fallback or a further name leads to no deployment
     */
    public DeploymentRouter build() {
      DeploymentRouter router = new DeploymentRouter(this);
      aliases.forEach((name, alias) -> known(router, alias));
      fallbacks.forEach(
          (name, others) -> {
            known(router, name);
            others.forEach(other -> known(router, other));
          });
      defaultFallbacks.forEach(other -> known(router, other));
      return router;
    }

    private static void known(DeploymentRouter router, String alias) {
      if (router.groups.find(alias) == null) {
        throw new IllegalArgumentException("there is no deployment of " + alias);
      }
    }
  }
}
