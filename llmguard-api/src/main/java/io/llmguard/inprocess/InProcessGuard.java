package io.llmguard.inprocess;

import io.llmguard.Decision;
import io.llmguard.Guard;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/**
 * Leads calls that an application makes to LLM servers itself through a guard.
 *
 * <pre>{@code
 * try (GuardedCall call = guard.begin(InProcessRequest.of(caller, request))) {
 *   ChatResponse answer = client.chat(request);
 *   call.answered(answer.metrics().promptEvalCount(), answer.metrics().evalCount());
 *   return answer.text();
 * }
 * }</pre>
 *
 * <p>Its guard begins with a {@link KnownCallerStage}, and has no stage that looks at connections;
 * {@link io.llmguard.assembly.GuardAssembly#forOwnCalls} makes such a one. Thread-safe. Closing it
 * closes the guard.
 */
public final class InProcessGuard implements AutoCloseable {
  private final Guard guard;

  /** Over this guard. */
  public InProcessGuard(Guard guard) {
    this.guard = Objects.requireNonNull(guard);
  }

  /** The guard itself. */
  public Guard guard() {
    return guard;
  }

  /** Leads a call through the guard; the answer may come later, and never fails. */
  public CompletionStage<Decision> admit(InProcessRequest request) {
    return guard.admit(request);
  }

  /**
   * The admitted call; fails with {@link CallRefusedException} if it is refused. A future that is
   * cancelled gives the call up, also where it is admitted later.
   */
  public CompletableFuture<GuardedCall> beginAsync(InProcessRequest request) {
    CompletableFuture<GuardedCall> begun = new CompletableFuture<>();
    var unused =
        admit(request)
            .whenComplete(
                (decision, failure) -> {
                  if (decision instanceof Decision.Admit admit) {
                    GuardedCall call = new GuardedCall(admit.exchange());
                    if (!begun.complete(call)) {
                      call.abandoned(0);
                    }
                  } else if (decision instanceof Decision.Refuse refuse) {
                    begun.completeExceptionally(new CallRefusedException(refuse.refusal()));
                  } else {
                    begun.completeExceptionally(failure);
                  }
                });
    return begun;
  }

  /**
   * The admitted call; waits for the decision.
   *
   * @throws CallRefusedException if it is refused
   */
  public GuardedCall begin(InProcessRequest request) {
    try {
      return beginAsync(request).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof CallRefusedException refused) {
        throw refused;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    guard.close();
  }
}
