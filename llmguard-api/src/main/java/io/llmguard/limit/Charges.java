package io.llmguard.limit;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.HeaderMap;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.limit.RateLimitStore.Probe;
import io.llmguard.upstream.FallbackGate;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The limits that one stage holds a call against: all are checked before any is charged, and if one
 * runs out between the two, what was charged is given back. Used by one call, by one thread at a
 * time.
 */
final class Charges {
  private final Exchange exchange;
  private final HeaderMap fields;
  private final Charge[] charges;
  private final boolean[] taken;
  private int at;
  private boolean consuming;

  private Charges(Exchange exchange, HeaderMap fields, Charge[] charges) {
    this.exchange = exchange;
    this.fields = fields;
    this.charges = charges;
    this.taken = new boolean[charges.length];
    // a single limit needs no check before its charge
    this.consuming = charges.length == 1 && !charges[0].checkOnly();
  }

  /**
   * Holds the call against the limits.
   *
   * @param key where to keep what was taken, or null if it is never given back
   */
  static CompletionStage<Decision> hold(
      Exchange exchange, Exchange.@Nullable Key<Charges> key, Charge... charges) {
    Charges run = new Charges(exchange, exchange.responseHeaders(), charges);
    if (key != null) {
      exchange.put(key, run);
    }
    return run.run();
  }

  /**
   * Holds a call that was admitted against the limits of another model; its client is told nothing
   * of these.
   */
  static CompletionStage<FallbackGate.Entry> enter(Exchange exchange, Charge... charges) {
    Charges run = new Charges(exchange, new HeaderMap(), charges);
    return run.run()
        .thenApply(
            decision ->
                decision instanceof Decision.Admit
                    ? new FallbackGate.Entry(true, run::giveBack)
                    : FallbackGate.Entry.REFUSED);
  }

  private CompletionStage<Decision> run() {
    while (true) {
      if (at == charges.length) {
        if (consuming) {
          return exchange.admit();
        }
        consuming = true;
        at = 0;
      }
      Charge charge = charges[at];
      if (consuming && charge.checkOnly()) {
        at++;
        continue;
      }
      CompletableFuture<Probe> answer =
          charge.limiter().ask(charge, consuming).toCompletableFuture();
      if (!answer.isDone()) {
        return answer.handle((probe, failure) -> step(probe)).thenCompose(this::proceed);
      }
      Refusal refusal = step(answer.isCompletedExceptionally() ? null : answer.join());
      if (refusal != null) {
        return exchange.refuse(refusal);
      }
    }
  }

  private CompletionStage<Decision> proceed(@Nullable Refusal refusal) {
    return refusal == null ? run() : exchange.refuse(refusal);
  }

  private @Nullable Refusal step(@Nullable Probe probe) {
    Charge charge = charges[at];
    boolean last = consuming || charge.checkOnly();
    Refusal refusal = charge.limiter().judge(charge, probe, last && !charge.checkOnly(), fields);
    if (refusal != null) {
      giveBack();
      return refusal;
    }
    taken[at] = consuming && probe != null && probe.admitted();
    at++;
    return null;
  }

  /** What was taken at this place, or null. */
  @Nullable Charge taken(int index) {
    return taken[index] ? charges[index] : null;
  }

  /** Gives back what a refused call has taken. */
  static void settle(Exchange exchange, Outcome outcome, Exchange.Key<Charges> key) {
    if (exchange.refusedUnanswered(outcome)) {
      Charges charges = exchange.get(key);
      if (charges != null) {
        charges.giveBack();
      }
    }
  }

  void giveBack() {
    for (int i = charges.length - 1; i >= 0; i--) {
      if (taken[i]) {
        taken[i] = false;
        charges[i].limiter().refund(charges[i]);
      }
    }
  }
}
