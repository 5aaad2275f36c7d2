package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows what the router says of a call: to an upstream, to a place in a queue, or to an answer
 * without any. Whoever waits here is told to the call, which ends the wait when its client leaves.
 */
final class Dispatch {
  private static final Logger log = LoggerFactory.getLogger(Dispatch.class);

  private final Forwarding call;

  Dispatch(Forwarding call) {
    this.call = call;
  }

  void begin(UpstreamRouter router, Exchange exchange) {
    Route route;
    try {
      route = router.route(exchange);
    } catch (RuntimeException | Error e) {
      route = notRouted(e);
    }
    follow(route);
  }

  private static Route notRouted(@Nullable Throwable e) {
    log.error("the router failed with {}", e == null ? "no route" : e.getClass().getName());
    log.debug("the router failed", e);
    return new Route.Refused(Refusal.of(503, "no-upstream", "no server could be chosen for this"));
  }

  void follow(Route route) {
    if (route instanceof Route.To to) {
      call.attempt(to);
    } else if (route instanceof Route.Later later) {
      await(later);
    } else if (route instanceof Route.Refused refused) {
      call.refuse(refused.refusal(), Outcome.refused(refused.refusal().reason()));
    } else if (route instanceof Route.Answered answered) {
      call.answer(answered);
    } else {
      call.endAsBefore();
    }
  }

  private void await(Route.Later later) {
    CompletableFuture<Route> turn = later.route().thenApply(route -> route).toCompletableFuture();
    if (!call.waits(() -> turn.cancel(false))) {
      drop(later);
      return;
    }
    long left = call.leftNanos();
    if (left != Long.MAX_VALUE) {
      var unused = turn.orTimeout(Math.max(0, left), TimeUnit.NANOSECONDS);
    }
    var unused = turn.handle((route, e) -> turn(later, route, e));
  }

  /** The call's turn has come, or will not be waited for any longer. */
  private @Nullable Void turn(Route.Later later, @Nullable Route route, @Nullable Throwable e) {
    call.waitsNoLonger();
    if (e instanceof CancellationException) {
      drop(later);
    } else if (e instanceof TimeoutException) {
      drop(later);
      ForkJoinPool.commonPool().execute(call::outOfTime); // not on the one thread of all timers
    } else {
      follow(route == null ? notRouted(e) : route);
    }
    return null;
  }

  /** Follows the route of another attempt, at once or after its wait. */
  void next(Retrying.Next next) {
    if (next.waitNanos() == 0) {
      follow(next.route());
      return;
    }
    CompletableFuture<Void> timer =
        new CompletableFuture<Void>()
            .completeOnTimeout(null, next.waitNanos(), TimeUnit.NANOSECONDS);
    // a client that leaves ends the wait, so that the place is free again
    if (!call.waits(() -> timer.complete(null))) {
      timer.cancel(false);
      drop(next.route());
      return;
    }
    var unused =
        timer.thenRunAsync(
            () -> {
              call.waitsNoLonger();
              follow(next.route());
            });
  }

  /** Gives back what a route holds that will not be followed. */
  static void drop(Route route) {
    if (route instanceof Route.To to) {
      Retrying.release(to);
    } else if (route instanceof Route.Later later) {
      later.cancel().run();
      var unused =
          later
              .route()
              .thenAccept(
                  known -> {
                    if (known instanceof Route.To to) {
                      Retrying.release(to);
                    }
                  });
    }
  }
}
