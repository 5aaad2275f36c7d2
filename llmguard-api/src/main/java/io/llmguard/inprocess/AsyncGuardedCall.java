package io.llmguard.inprocess;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Has a call admitted, asks, and settles it, whichever of these is under way when it is cancelled.
 */
final class AsyncGuardedCall<A> {
  private final CompletableFuture<A> whole = new CompletableFuture<>();
  private final Function<GuardedCall, CompletableFuture<A>> ask;
  private final BiFunction<GuardedCall, A, A> settle;

  AsyncGuardedCall(
      Function<GuardedCall, CompletableFuture<A>> ask, BiFunction<GuardedCall, A, A> settle) {
    this.ask = ask;
    this.settle = settle;
  }

  /** The answer to come; cancelling it cancels what is under way. */
  CompletableFuture<A> begin(CompletableFuture<GuardedCall> begun) {
    cancelWith(begun);
    var unused =
        begun.whenComplete(
            (call, failure) -> {
              if (failure != null) {
                whole.completeExceptionally(failure);
              } else if (whole.isDone()) {
                call.abandoned(0);
              } else {
                answer(call);
              }
            });
    return whole;
  }

  private void cancelWith(CompletableFuture<?> step) {
    var unused =
        whole.whenComplete(
            (answer, failure) -> {
              if (failure instanceof CancellationException) {
                step.cancel(true);
              }
            });
  }

  private void answer(GuardedCall call) {
    CompletableFuture<A> answer;
    try {
      answer = ask.apply(call);
    } catch (RuntimeException e) {
      call.close();
      whole.completeExceptionally(e);
      return;
    }
    var unused = answer.whenComplete((value, failure) -> end(call, value, failure));
    cancelWith(answer);
  }

  private void end(GuardedCall call, A value, @Nullable Throwable failure) {
    if (failure == null) {
      settle(call, value);
    } else {
      if (whole.isCancelled()) {
        call.abandoned(0);
      } else {
        call.close();
      }
      whole.completeExceptionally(failure);
    }
  }

  private void settle(GuardedCall call, A value) {
    try {
      whole.complete(settle.apply(call, value));
    } catch (RuntimeException e) {
      whole.completeExceptionally(e);
    }
  }
}
