package io.llmguard.ollama.internal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Futures made of futures, where cancelling the whole cancels the step under way. */
public final class Futures {
  private Futures() {}

  /** What a step makes of the value or the failure of the one before. */
  public static <A, B> CompletableFuture<B> after(
      CompletableFuture<A> first,
      BiFunction<? super A, @Nullable Throwable, CompletableFuture<B>> next) {
    Steps<B> whole = new Steps<>(first);
    CompletableFuture<?> unused =
        first.whenComplete(
            (value, failure) -> {
              if (!whole.isDone()) {
                whole.follow(next.apply(value, failure));
              }
            });
    return whole;
  }

  /** What a step makes of the value of the one before; a failure is the failure of both. */
  public static <A, B> CompletableFuture<B> then(
      CompletableFuture<A> first, Function<A, CompletableFuture<B>> next) {
    return after(
        first,
        (value, failure) ->
            failure == null ? next.apply(value) : CompletableFuture.failedFuture(failure));
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
