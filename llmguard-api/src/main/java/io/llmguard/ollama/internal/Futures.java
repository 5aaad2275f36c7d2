package io.llmguard.ollama.internal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Function;

/** Futures made of futures, where cancelling the whole cancels the step under way. */
public final class Futures {
  private Futures() {}

  /**
   * What a step makes of the value of the one before; a failure of the first, or what the step
   * throws, is the failure of the whole.
   */
  public static <A, B> CompletableFuture<B> then(
      CompletableFuture<A> first, Function<A, CompletableFuture<B>> next) {
    Steps<B> whole = new Steps<>(first);
    CompletableFuture<?> unused =
        first.whenComplete(
            (value, failure) -> {
              if (whole.isDone()) {
                return;
              }
              if (failure != null) {
                whole.completeExceptionally(failure);
                return;
              }
              CompletableFuture<B> step;
              try {
                step = next.apply(value);
              } catch (RuntimeException e) {
                whole.completeExceptionally(e);
                return;
              }
              whole.follow(step);
            });
    return whole;
  }

  /** What a function makes of the value; a failure, also of the function, is the failure. */
  public static <A, B> CompletableFuture<B> map(
      CompletableFuture<A> first, Function<? super A, ? extends B> read) {
    return then(first, value -> CompletableFuture.completedFuture(read.apply(value)));
  }

  private static final class Steps<T> extends CompletableFuture<T> {
    private volatile Future<?> step;

    Steps(Future<?> first) {
      step = first;
    }

    void follow(CompletableFuture<T> last) {
      step = last;
      if (isCancelled()) {
        last.cancel(true);
      }
      CompletableFuture<?> unused =
          last.whenComplete(
              (value, failure) -> {
                if (failure == null) {
                  complete(value);
                } else {
                  completeExceptionally(failure);
                }
              });
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      boolean done = super.cancel(mayInterruptIfRunning);
      step.cancel(mayInterruptIfRunning);
      return done;
    }
  }
}
