package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.TimeSource;
import io.llmguard.auth.Caller;
import io.llmguard.upstream.AttemptResult;
import io.llmguard.upstream.Route;
import io.llmguard.upstream.UpstreamFailure;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.wire.Call;
import io.llmguard.wire.Dialect;
import io.llmguard.wire.Operation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Chooses among the deployments of a model and takes the place in one step, so that calls at the
 * same time cannot all take the last one. Thread-safe.
 */
final class Balancer {

  private final RoutingStrategy strategy;
  private final Cooldown cooldown;
  private final Queueing queueing;
  private final Availability availability;
  private final boolean preferLoaded;
  private final @Nullable Affinity affinity;
  private final TimeSource time;
  private final RandomGenerator random;
  private final Map<String, Breaker> servers;

  Balancer(DeploymentRouter.Builder settings, Map<String, Breaker> servers) {
    this.strategy = settings.strategy;
    this.cooldown = settings.cooldown;
    this.queueing = settings.queueing;
    this.availability = settings.availability;
    this.preferLoaded = settings.preferLoaded;
    this.affinity = settings.affinity == null ? null : new Affinity(settings.affinity);
    this.time = settings.time;
    this.random = settings.random;
    this.servers = servers;
  }

  /** A call that wants a place. */
  record Want(
      Exchange exchange,
      ModelGroup group,
      String captured,
      Operation operation,
      Set<String> tried,
      Function<Lease, Route> route) {}

  /** A call that waits for a place. */
  record Waiter(Want want, int priority, String key, CompletableFuture<Route> turn) {}

  /** A route to a place, which is taken; or later; or why there is none. */
  Route route(Want want) {
    @Nullable Waiter waiter;
    @Nullable Object choice;
    synchronized (this) {
      choice = choose(want);
      if (choice == null && want.group().queue().size() >= queueing.size()) {
        choice =
            Refusal.of(503, "queue-full", "too many calls wait for this model: try again")
                .with("Retry-After", "1");
      }
      if (choice != null) {
        waiter = null;
      } else {
        waiter = waiter(want);
        want.group().queue().add(waiter.priority(), waiter.key(), waiter);
      }
    }
    if (waiter == null) {
      return known(want, choice);
    }
    CompletableFuture.delayedExecutor(queueing.longest().toNanos(), TimeUnit.NANOSECONDS)
        .execute(() -> expire(waiter));
    return new Route.Later(waiter.turn(), () -> leave(waiter));
  }

  private Waiter waiter(Want want) {
    Caller caller = want.exchange().caller();
    return new Waiter(
        want,
        queueing.priority().applyAsInt(want.exchange()),
        caller == null ? "" : caller.id(),
        new CompletableFuture<>());
  }

  /** What a choice means for the call; not under the lock, as it may copy a body. */
  private static Route known(Want want, @Nullable Object choice) {
    if (choice instanceof Refusal refusal) {
      return new Route.Refused(refusal);
    }
    if (!(choice instanceof Lease lease)) {
      throw new IllegalStateException("no choice");
    }
    try {
      return want.route().apply(lease);
    } catch (RuntimeException e) {
      lease.ended(
          new AttemptResult(new UpstreamFailure(Kind.CANCELLED, "not sent"), 0, -1, 0, null));
      throw e;
    }
  }

  private synchronized boolean leave(Waiter waiter) {
    return waiter.want().group().queue().remove(waiter.priority(), waiter.key(), waiter);
  }

  private void expire(Waiter waiter) {
    if (leave(waiter)) {
      waiter
          .turn()
          .complete(
              new Route.Refused(
                  Refusal.of(503, "queue-timeout", "no server was free in time: try again")
                      .with("Retry-After", "1")));
    }
  }

  /** A place was given back: who waits for one goes on. */
  void ended(Lease lease, AttemptResult result, DeploymentState.Used used) {
    List<Runnable> going = new ArrayList<>(1);
    synchronized (this) {
      lease.state().end(lease.taken(), result, used, minute(), time.nanos());
      FairQueue<Waiter> queue = lease.group().queue();
      while (queue.size() > 0) {
        Runnable goes = queue.poll(this::turn);
        if (goes == null) {
          break;
        }
        going.add(goes);
      }
    }
    going.forEach(Runnable::run);
  }

  private @Nullable Runnable turn(Waiter waiter) {
    Object choice = choose(waiter.want());
    return choice == null ? null : () -> go(waiter, choice);
  }

  private static void go(Waiter waiter, Object choice) {
    Route route;
    try {
      route = known(waiter.want(), choice);
    } catch (RuntimeException e) {
      waiter.turn().completeExceptionally(e);
      return;
    }
    waiter.turn().complete(route);
  }

  /** What somebody has found out about a server apart from calls. */
  synchronized void probed(String upstream, boolean well) {
    Breaker breaker = servers.get(upstream);
    if (breaker == null) {
      return;
    }
    if (well) {
      breaker.success();
    } else {
      breaker.failure(time.nanos(), true, null);
    }
  }

  private long minute() {
    return Math.floorDiv(time.now().getEpochSecond(), 60L);
  }

  /** A lease, a refusal, or null where every place is taken. */
  private @Nullable Object choose(Want want) {
    long minute = minute();
    long nanos = time.nanos();
    Call call = want.exchange().call();
    long prompt = call == null ? 0 : call.details().promptTokens();
    List<DeploymentState> left = new ArrayList<>(want.group().deployments());
    left.forEach(state -> state.at(minute));
    if (!keep(left, state -> speaks(state, want.operation()))) {
      return Refusal.of(
          400, "openai-only", "the server of this model has only OpenAI's API: call it under /v1/");
    }
    if (!keep(left, state -> prompt <= state.deployment().maxInputTokens())) {
      return Refusal.of(400, "prompt-too-long", "the prompt is longer than this model takes");
    }
    prefer(left, state -> has(state, want.captured()));
    if (!keep(left, state -> state.withinLimits(prompt))) {
      return Refusal.of(429, "deployments-limited", "the servers of this model are at their limits")
          .with("Retry-After", Long.toString(60 - Math.floorMod(time.now().getEpochSecond(), 60L)));
    }
    prefer(left, state -> !want.tried().contains(state.deployment().id()));
    if (left.stream().anyMatch(state -> state.well(nanos))) {
      left.removeIf(state -> !state.well(nanos));
    } else if (cooldown.refuse()) {
      return coolingDown(left, nanos);
    } else {
      long soonest = soonest(left, nanos);
      left.removeIf(state -> state.wellAt(nanos) - soonest > 0);
    }
    if (!keep(left, DeploymentState::hasRoom)) {
      return null;
    }
    DeploymentState chosen = among(left, want);
    Long most = call == null ? null : call.maxOutputTokens();
    return new Lease(
        this, want.group(), chosen, chosen.begin(chosen.estimate(prompt, most)), want.exchange());
  }

  private DeploymentState among(List<DeploymentState> left, Want want) {
    if (left.size() > 1) {
      int first = left.stream().mapToInt(state -> state.deployment().order()).min().orElse(0);
      left.removeIf(state -> state.deployment().order() > first);
    }
    if (left.size() == 1) {
      return left.get(0);
    }
    Affinity kept = affinity;
    String conversation = kept == null ? null : kept.conversation(want.exchange());
    if (kept != null && conversation != null) {
      String before = kept.deploymentOf(conversation);
      for (DeploymentState state : left) {
        if (state.deployment().id().equals(before)) {
          return state;
        }
      }
    }
    if (preferLoaded) {
      prefer(left, state -> loaded(state, want.captured()));
    }
    DeploymentState chosen = left.get(0);
    if (left.size() > 1) {
      Candidate choice = strategy.choose(List.copyOf(left), random);
      if (!(choice instanceof DeploymentState state) || !left.contains(state)) {
        throw new IllegalStateException("the strategy chose what was not there to be chosen");
      }
      chosen = state;
    }
    if (kept != null && conversation != null) {
      kept.keep(conversation, chosen.deployment().id());
    }
    return chosen;
  }

  private static Refusal coolingDown(List<DeploymentState> left, long nanos) {
    long wait = Math.max(0, soonest(left, nanos) - nanos);
    long seconds = Math.max(1, Duration.ofNanos(wait + 999_999_999L).toSeconds());
    return Refusal.of(503, "no-upstream", "no server of this model is well: try again later")
        .with("Retry-After", Long.toString(seconds));
  }

  private static long soonest(List<DeploymentState> left, long nanos) {
    long soonest = left.get(0).wellAt(nanos);
    for (DeploymentState state : left) {
      soonest = state.wellAt(nanos) - soonest < 0 ? state.wellAt(nanos) : soonest;
    }
    return soonest;
  }

  static boolean speaks(DeploymentState state, Operation operation) {
    return operation.dialect() != Dialect.OLLAMA || state.deployment().upstream().nativeApi();
  }

  private boolean has(DeploymentState state, String captured) {
    return state(state, captured) != Availability.State.ABSENT;
  }

  private boolean loaded(DeploymentState state, String captured) {
    return state(state, captured) == Availability.State.LOADED;
  }

  private Availability.State state(DeploymentState state, String captured) {
    Deployment deployment = state.deployment();
    return availability.of(deployment.upstream(), ModelGroup.modelAt(deployment, captured));
  }

  /** Leaves only what fits; false if nothing does. */
  private static boolean keep(List<DeploymentState> left, Predicate<DeploymentState> fits) {
    left.removeIf(fits.negate());
    return !left.isEmpty();
  }

  /** Leaves only what fits, unless nothing does. */
  private static void prefer(List<DeploymentState> left, Predicate<DeploymentState> fits) {
    if (left.size() > 1 && left.stream().anyMatch(fits)) {
      left.removeIf(fits.negate());
    }
  }
}
