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

  /** The admitted call; fails with {@link CallRefusedException} if it is refused. */
  public CompletableFuture<GuardedCall> beginAsync(InProcessRequest request) {
    return admit(request).toCompletableFuture().thenApply(InProcessGuard::admitted);
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

  private static GuardedCall admitted(Decision decision) {
    if (decision instanceof Decision.Refuse refuse) {
      throw new CallRefusedException(refuse.refusal());
    }
    return new GuardedCall(((Decision.Admit) decision).exchange());
  }

  @Override
  public void close() {
    guard.close();
  }
}
