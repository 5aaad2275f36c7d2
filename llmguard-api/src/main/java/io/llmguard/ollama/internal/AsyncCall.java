package io.llmguard.ollama.internal;

import io.llmguard.ollama.OllamaException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** A call's whole answer as a future; ending the future in any way ends the call. */
final class AsyncCall<E, R> {
  private final LiveCall<E, R> call;
  private final AtomicInteger work = new AtomicInteger();
  private final CompletableFuture<R> result = new CompletableFuture<>();

  AsyncCall(LiveCall<E, R> call) {
    this.call = call;
  }

  CompletableFuture<R> start() {
    call.onSignal(this::drain);
    // whatever ends the future ends the call, which does not mind where it is over
    CompletableFuture<R> unused =
        result.whenComplete((value, e) -> call.cancelElsewhere("the future was ended"));
    call.start();
    call.transport().dispatch(this::drain);
    return result;
  }

  private void drain() {
    if (work.getAndIncrement() != 0) {
      return;
    }
    int seen = 1;
    while (seen != 0) {
      while (call.poll() != null) {
        // the assembler has seen it
      }
      seen = work.addAndGet(-seen);
    }
    if (call.finished() && !result.isDone()) {
      OllamaException failure = call.failure();
      if (failure != null) {
        result.completeExceptionally(failure);
      } else {
        result.complete(call.result());
      }
    }
  }
}
