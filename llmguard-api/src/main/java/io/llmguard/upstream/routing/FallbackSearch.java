package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.upstream.FallbackGate;
import io.llmguard.upstream.FallbackGate.Entry;
import io.llmguard.upstream.Route;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Looks for the first of the models to which a call may fall back that lets it in and has a place
 * for it. Used for one search.
 */
final class FallbackSearch {
  private final Exchange exchange;
  private final @Nullable FallbackGate gate;
  private final Iterator<Fallback> left;
  private final Function<ModelGroups.Found, Route> place;
  private final Route none;

  // guarded by this
  private boolean cancelled;
  private @Nullable Runnable undo;

  /** A model to which a call may fall back, and the name by which it was configured as one. */
  record Fallback(String name, String model, ModelGroups.Found found) {}

  /**
   * A search among these, in order.
   *
   * @param place finds a place at a model's deployments
   * @param none where the call goes if there is none
   */
  FallbackSearch(
      Exchange exchange,
      List<Fallback> fallbacks,
      Function<ModelGroups.Found, Route> place,
      Route none) {
    this.exchange = exchange;
    this.gate = exchange.get(FallbackGate.KEY);
    this.left = fallbacks.iterator();
    this.place = place;
    this.none = none;
  }

  /** Where the call goes, perhaps later. */
  Route first() {
    while (left.hasNext()) {
      Fallback next = left.next();
      CompletableFuture<Entry> answer = ask(next).toCompletableFuture();
      if (!answer.isDone()) {
        return new Route.Later(
            answer.exceptionally(e -> Entry.REFUSED).thenCompose(entry -> later(at(next, entry))),
            this::cancel);
      }
      Route route = at(next, answer.isCompletedExceptionally() ? Entry.REFUSED : answer.join());
      if (route != null) {
        return route;
      }
    }
    return none;
  }

  private CompletionStage<Entry> ask(Fallback next) {
    return gate == null
        ? CompletableFuture.completedFuture(Entry.FREE)
        : gate.enter(exchange, next.model(), next.name());
  }

  /** Goes on with the answer that was waited for. */
  private CompletionStage<Route> later(@Nullable Route at) {
    Route route = at == null ? first() : at;
    return route instanceof Route.Later wait
        ? wait.route()
        : CompletableFuture.completedFuture(route);
  }

  /** A place at a model that has answered, or null if there is none. */
  private @Nullable Route at(Fallback next, Entry entry) {
    if (!entry.admitted()) {
      return null;
    }
    Route route = none;
    try {
      if (!isCancelled()) {
        route = place.apply(next.found());
      }
    } finally {
      if (!(route instanceof Route.To || route instanceof Route.Later)) {
        entry.giveBack().run();
      }
    }
    if (route instanceof Route.Later wait) {
      return waiting(wait, entry);
    }
    return route instanceof Route.Refused && route != none ? null : route;
  }

  /** A wait for a place, after which what was counted is given back unless there was one. */
  private Route waiting(Route.Later wait, Entry entry) {
    AtomicBoolean counted = new AtomicBoolean(true);
    Runnable giveBack =
        () -> {
          if (counted.getAndSet(false)) {
            entry.giveBack().run();
          }
        };
    undo(
        () -> {
          wait.cancel().run();
          giveBack.run();
        });
    return new Route.Later(
        wait.route()
            .whenComplete(
                (route, e) -> {
                  if (!(route instanceof Route.To)) {
                    giveBack.run();
                  }
                }),
        this::cancel);
  }

  private synchronized boolean isCancelled() {
    return cancelled;
  }

  private void undo(Runnable cancel) {
    synchronized (this) {
      undo = cancel;
      if (!cancelled) {
        return;
      }
    }
    cancel.run();
  }

  private void cancel() {
    Runnable wait;
    synchronized (this) {
      cancelled = true;
      wait = undo;
    }
    if (wait != null) {
      wait.run();
    }
  }
}
