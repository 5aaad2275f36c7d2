package io.llmguard.reactive.ollama;

import io.llmguard.inprocess.GuardedCall;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An admitted call on its way to who makes it: it is taken over, or the subscription is cancelled
 * before and it is given up, but never lost. Operators between the two drop what a cancelling
 * overtakes, and not each of them says so. Thread-safe.
 */
final class Handover {
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile @Nullable CompletableFuture<GuardedCall> admitted;

  /** The guard was asked. */
  CompletableFuture<GuardedCall> asked(CompletableFuture<GuardedCall> call) {
    admitted = call;
    if (over.get()) {
      giveUp(call);
    }
    return call;
  }

  /** Takes the call over; false if it was given up. */
  boolean take() {
    return over.compareAndSet(false, true);
  }

  /** The subscription is cancelled. */
  void cancelled() {
    if (take()) {
      CompletableFuture<GuardedCall> asked = admitted;
      if (asked != null) {
        giveUp(asked);
      }
    }
  }

  private static void giveUp(CompletableFuture<GuardedCall> call) {
    var unused = call.thenAccept(admitted -> admitted.abandoned(0));
  }
}
