package io.llmguard.upstream.routing;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import io.llmguard.testkit.ManualTime;
import io.llmguard.upstream.Route;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Who goes first where callers wait for the one place that there is. */
class FairShareTest {
  private static final Duration HALF_LIFE = Duration.ofSeconds(30);

  private final ManualTime time = new ManualTime();
  private final Calls calls = new Calls(time);
  private final DeploymentRouter router =
      DeploymentRouter.builder(
              List.of(Deployment.builder("m", Calls.upstream("one"), "m").maxParallel(1).build()))
          .queueing(new Queueing(100, Duration.ofHours(1), exchange -> 0, HALF_LIFE))
          .time(time)
          .build();

  FairShareTest() {}

  private record Waiting(String caller, Exchange exchange, CompletableFuture<Route> turn) {}

  private Waiting waiting(String caller) {
    Exchange exchange = calls.chatOf(caller, "m");
    Route route = router.route(exchange);
    return new Waiting(
        caller,
        exchange,
        route instanceof Route.Later later
            ? later.route().toCompletableFuture()
            : CompletableFuture.completedFuture(route));
  }

  private void run(Waiting call, Duration takes) {
    time.advance(takes);
    Calls.ended(call.exchange(), call.turn().join(), 10, 10, takes.toNanos());
  }

  private static Waiting running(Deque<Waiting> all) {
    for (Waiting call : all) {
      if (call.turn().isDone()) {
        return call;
      }
    }
    throw new AssertionError("nobody has the place");
  }

  @Test
  void timeIsSharedEvenlyHoweverLongAndHoweverManyTheCallsOfEachAre() {
    Map<String, Duration> length =
        Map.of("long", Duration.ofSeconds(9), "short", Duration.ofSeconds(1), "tiny", millis(200));
    Map<String, Duration> used = new HashMap<>();
    Deque<Waiting> all = new ArrayDeque<>();
    for (int i = 0; i < 20; i++) {
      all.add(waiting("long"));
    }
    for (int i = 0; i < 3; i++) {
      all.add(waiting("short"));
      all.add(waiting("tiny"));
    }
    Duration end = Duration.ofMinutes(30);
    for (Duration past = Duration.ZERO; past.compareTo(end) < 0; ) {
      Waiting call = running(all);
      Duration takes = length.getOrDefault(call.caller(), Duration.ZERO);
      all.remove(call);
      all.add(waiting(call.caller())); // comes again at once
      run(call, takes);
      used.merge(call.caller(), takes, Duration::plus);
      past = past.plus(takes);
    }
    Duration fair = end.dividedBy(3);
    // the call that ends a turn may be a long one: not the same to a second
    used.forEach(
        (caller, time) ->
            assertThat(time)
                .as(caller)
                .isBetween(fair.multipliedBy(4).dividedBy(5), fair.multipliedBy(6).dividedBy(5)));
  }

  private static Duration millis(long value) {
    return Duration.ofMillis(value);
  }

  @Test
  void whatACallerUsedWhileNobodyWaitedCountsToo() {
    for (int i = 0; i < 6; i++) {
      run(waiting("heavy"), Duration.ofSeconds(10));
    }
    Waiting other = waiting("other");
    Waiting heavy = waiting("heavy");
    Waiting light = waiting("light");
    run(other, Duration.ofSeconds(1));
    assertThat(light.turn()).isCompleted();
    assertThat(heavy.turn()).isNotDone();
  }

  @Test
  void whatACallerUsedLongAgoIsForgiven() {
    for (int i = 0; i < 6; i++) {
      run(waiting("heavy"), Duration.ofSeconds(10));
    }
    time.advance(HALF_LIFE.multipliedBy(20));
    run(waiting("light"), Duration.ofSeconds(1));
    Waiting other = waiting("other");
    Waiting light = waiting("light");
    Waiting heavy = waiting("heavy");
    run(other, Duration.ofSeconds(1));
    assertThat(heavy.turn()).isCompleted();
    assertThat(light.turn()).isNotDone();
  }

  @Test
  void callsUnderWayCountBeforeTheyEnd() {
    DeploymentRouter two =
        DeploymentRouter.builder(
                List.of(Deployment.builder("m", Calls.upstream("one"), "m").maxParallel(3).build()))
            .time(time)
            .build();
    Route first = two.route(calls.chatOf("busy", "m"));
    Exchange short1 = calls.chatOf("x", "m");
    Route other = two.route(short1);
    two.route(calls.chatOf("busy", "m"));
    CompletableFuture<Route> busy = later(two.route(calls.chatOf("busy", "m")));
    CompletableFuture<Route> idle = later(two.route(calls.chatOf("idle", "m")));
    Calls.ended(short1, other, 1, 1);
    assertThat(idle).isCompleted();
    assertThat(busy).isNotDone();
    Calls.answered(first, 200);
    assertThat(busy).isCompleted();
  }

  private static CompletableFuture<Route> later(Route route) {
    return ((Route.Later) route).route().toCompletableFuture();
  }
}
