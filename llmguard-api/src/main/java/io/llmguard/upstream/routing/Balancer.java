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
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
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
  private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);
  private static final long LEAST_WAKE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
  private static final Refusal QUEUE_FULL =
      Refusal.of(503, "queue-full", "too many calls wait for this model: try again")
          .with("Retry-After", "1");

  private final RoutingStrategy strategy;
  private final Cooldown cooldown;
  private final Queueing queueing;
  private final Availability availability;
  private final boolean preferLoaded;
  private final @Nullable Affinity affinity;
  private final TimeSource time;
  private final RandomGenerator random;
  private final Map<String, Breaker> servers;

  // guarded by this
  private final FairShares shares;
  private final Set<ModelGroup> waitedFor = new LinkedHashSet<>();
  private @Nullable CompletableFuture<Void> wake;
  private long wakeAt;

  Balancer(DeploymentRouter.Builder settings, Map<String, Breaker> servers) {
    this.strategy = settings.strategy;
    this.cooldown = settings.cooldown;
    this.queueing = settings.queueing;
    this.availability = settings.availability;
    this.preferLoaded = settings.preferLoaded;
    this.affinity =
        settings.affinity == null ? null : new Affinity(settings.affinity, settings.affinityKey);
    this.time = settings.time;
    this.random = settings.random;
    this.servers = servers;
    this.shares = new FairShares(settings.queueing.halfLife());
  }

  /** A call that wants a place. */
  record Want(
      Exchange exchange,
      ModelGroup group,
      String captured,
      Operation operation,
      Set<String> tried,
      Function<Lease, Route> route,
      Affinity.@Nullable Beginning beginning) {
    Want(
        Exchange exchange,
        ModelGroup group,
        String captured,
        Operation operation,
        Set<String> tried,
        Function<Lease, Route> route) {
      this(exchange, group, captured, operation, tried, route, null);
    }

    private Want with(Affinity.@Nullable Beginning known) {
      return new Want(exchange, group, captured, operation, tried, route, known);
    }
  }

  /** A call that waits for a place. */
  record Waiter(Want want, int priority, String key, CompletableFuture<Route> turn) {}

  /** A route to a place, which is taken; or later; or why there is none. */
  Route route(Want asked) {
    Want want = asked.with(beginning(asked)); // not under the lock, as it reads a body
    FairQueue<Waiter> queue = want.group().queue();
    List<Runnable> going = new ArrayList<>(0);
    @Nullable Waiter waiter = null;
    @Nullable Object choice = null;
    synchronized (this) {
      List<DeploymentState> places = new ArrayList<>(want.group().deployments());
      choice = refusal(want, places);
      if (choice == null && queue.size() == 0 && !places.isEmpty()) {
        choice = take(want, places);
      }
      if (choice == null) {
        waiter = waiter(want);
        queue.add(waiter.priority(), waiter.key(), waiter);
        waitedFor.add(want.group());
        if (!places.isEmpty()) {
          // who waits already and could go on is not overtaken
          advance(want.group(), going);
        }
        if (queue.size() > queueing.size()
            && queue.remove(waiter.priority(), waiter.key(), waiter)) {
          waiter = null;
          choice = QUEUE_FULL;
        }
        wakeInTime();
      }
    }
    going.forEach(Runnable::run);
    if (waiter == null) {
      return known(want, choice);
    }
    return waiter.turn().isDone() ? waiter.turn().join() : later(waiter);
  }

  private Affinity.@Nullable Beginning beginning(Want want) {
    return affinity == null || want.group().deployments().size() < 2
        ? null
        : affinity.of(want.exchange(), want.group().name() + '\n' + want.captured());
  }

  private Route later(Waiter waiter) {
    CompletableFuture<Void> timer = after(queueing.longest().toNanos(), () -> expire(waiter));
    var unused = waiter.turn().whenComplete((route, e) -> timer.cancel(false));
    return new Route.Later(
        waiter.turn(),
        () -> {
          timer.cancel(false);
          leave(waiter);
        });
  }

  /** Runs a task later, unless the answer is cancelled before, which then keeps nothing of it. */
  private static CompletableFuture<Void> after(long nanos, Runnable task) {
    CompletableFuture<Void> timer =
        new CompletableFuture<Void>().completeOnTimeout(null, nanos, TimeUnit.NANOSECONDS);
    var unused = timer.thenRunAsync(task);
    return timer;
  }

  private Waiter waiter(Want want) {
    return new Waiter(
        want,
        queueing.priorityOf(want.exchange()),
        key(want.exchange()),
        new CompletableFuture<>());
  }

  private static String key(Exchange exchange) {
    Caller caller = exchange.caller();
    return caller == null ? "" : caller.id();
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
      DeploymentState state = lease.state();
      boolean elsewhere = state.serverOpen();
      long now = time.nanos();
      Lease.Turn turn = lease.turn();
      state.end(lease.taken(), result, used, minute(), now);
      shares.end(turn.key(), turn.estimate(), turn.begun(), result.nanos(), now);
      elsewhere |= state.serverOpen();
      if (elsewhere) {
        // the server's other models may be asked again, or their calls have to look elsewhere
        advanceAll(going);
      } else {
        advance(lease.group(), going);
      }
      wakeInTime();
    }
    going.forEach(Runnable::run);
  }

  private void advanceAll(List<Runnable> going) {
    List.copyOf(waitedFor).forEach(group -> advance(group, going));
  }

  /** Gives those who wait their turn, for as long as one of them can go on. */
  private void advance(ModelGroup group, List<Runnable> going) {
    FairQueue<Waiter> queue = group.queue();
    long now = time.nanos();
    while (queue.size() > 0 && group.hasRoom()) {
      Runnable goes = queue.poll(key -> shares.of(key, now), this::turn);
      if (goes == null) {
        return;
      }
      going.add(goes);
    }
  }

  /**
   * Sees to it that those who wait are looked at when time alone lets one of them go on: at the end
   * of a cool-down, or of the minute for which a limit holds.
   */
  private void wakeInTime() {
    waitedFor.removeIf(group -> group.queue().size() == 0);
    if (waitedFor.isEmpty()) {
      return;
    }
    long now = time.nanos();
    Instant date = time.now();
    Instant minute = date.truncatedTo(ChronoUnit.MINUTES);
    long minuteLeft = MINUTE_NANOS - Duration.between(minute, date).toNanos();
    long wait = Long.MAX_VALUE;
    for (ModelGroup group : waitedFor) {
      for (DeploymentState state : group.deployments()) {
        wait = Math.min(wait, state.changesIn(now, minuteLeft));
      }
    }
    if (wait == Long.MAX_VALUE) {
      return;
    }
    long at = now + Math.max(wait, LEAST_WAKE_NANOS);
    CompletableFuture<Void> set = wake;
    if (set == null || at - wakeAt < 0) {
      if (set != null) {
        set.cancel(false);
      }
      wakeAt = at;
      wake = after(at - now, this::wakeUp);
    }
  }

  private void wakeUp() {
    List<Runnable> going = new ArrayList<>();
    synchronized (this) {
      wake = null;
      advanceAll(going);
      wakeInTime();
    }
    going.forEach(Runnable::run);
  }

  private @Nullable Runnable turn(Waiter waiter) {
    Object choice;
    try {
      choice = choose(waiter.want());
    } catch (RuntimeException e) {
      // a strategy's failure is of the call that it was to place, not of the one that ended
      return () -> waiter.turn().completeExceptionally(e);
    }
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

  /** True while every server is left alone; false where none is known. */
  synchronized boolean coolingDown() {
    long now = time.nanos();
    return !servers.isEmpty()
        && servers.values().stream().allMatch(server -> server.until(now) - now > 0);
  }

  /** What somebody has found out about a server apart from calls. */
  void probed(String upstream, boolean well) {
    List<Runnable> going = new ArrayList<>();
    synchronized (this) {
      Breaker breaker = servers.get(upstream);
      if (breaker == null) {
        return;
      }
      if (well) {
        breaker.success();
      } else {
        breaker.failure(time.nanos(), true, null);
      }
      advanceAll(going);
      wakeInTime();
    }
    going.forEach(Runnable::run);
  }

  private long minute() {
    return Math.floorDiv(time.now().getEpochSecond(), 60L);
  }

  /** A lease, a refusal, or null where every place is taken. */
  private @Nullable Object choose(Want want) {
    List<DeploymentState> places = new ArrayList<>(want.group().deployments());
    Refusal refusal = refusal(want, places);
    if (refusal != null) {
      return refusal;
    }
    return places.isEmpty() ? null : take(want, places);
  }

  /** Leaves only the places that a call could have now; or why it can have none at all. */
  private @Nullable Refusal refusal(Want want, List<DeploymentState> left) {
    long minute = minute();
    long nanos = time.nanos();
    Call call = want.exchange().call();
    long prompt = call == null ? 0 : call.details().promptTokens();
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
    left.removeIf(state -> !state.hasRoom());
    return null;
  }

  private Lease take(Want want, List<DeploymentState> left) {
    long nanos = time.nanos();
    Call call = want.exchange().call();
    long prompt = call == null ? 0 : call.details().promptTokens();
    DeploymentState chosen = among(left, want);
    Long most = call == null ? null : call.maxOutputTokens();
    Lease.Turn turn = new Lease.Turn(key(want.exchange()), chosen.callNanos(), nanos);
    shares.begin(turn.key(), turn.estimate(), nanos);
    return new Lease(
        this,
        want.group(),
        chosen,
        chosen.begin(chosen.estimate(prompt, most)),
        turn,
        want.exchange());
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
    Affinity.Beginning beginning = want.beginning();
    if (kept != null && beginning != null) {
      DeploymentState before = kept.choose(beginning, left);
      if (before != null) {
        return before;
      }
    }
    List<DeploymentState> all = List.copyOf(left);
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
    if (kept != null && beginning != null) {
      kept.keep(beginning, chosen, all);
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
