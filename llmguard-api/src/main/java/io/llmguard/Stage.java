package io.llmguard;

import java.util.concurrent.CompletionStage;

/**
 * One step of a {@link Guard}: looks at a call and lets it pass or refuses it, for one subject.
 *
 * <p>A local stage answers an already completed {@link CompletionStage}, best by {@link
 * Exchange#admit()} or {@link Exchange#refuse(Refusal)}; a distributed one completes its answer
 * later, on any thread. A stage whose {@link #decide} may wait for I/O on the calling thread says
 * so by {@link #blocking()}. Stages are shared by all calls and are thread-safe.
 */
public interface Stage {
  /** A short name in lower case, for logs and metrics. */
  String name();

  /**
   * Decides about the call. Throwing, or failing the answer, refuses the call with 500: a guard
   * that breaks does not open.
   */
  CompletionStage<Decision> decide(Exchange exchange);

  /**
   * Called once when a call ends, whatever its outcome, if this stage's {@link #decide} was called
   * for it and answered Admit, or if this is the stage that refused it. Never while a guard decides
   * about the call: one that ends in the middle of that is settled by the thread that decides, when
   * it has. Stages settle in the reverse of their order. What it throws is logged and hinders no
   * other stage.
   */
  default void settle(Exchange exchange, Outcome outcome) {}

  /** True if {@link #decide} may block its thread; such a stage must not run on an event loop. */
  default boolean blocking() {
    return false;
  }
}
