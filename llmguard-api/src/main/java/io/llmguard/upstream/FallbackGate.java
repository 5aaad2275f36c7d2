package io.llmguard.upstream;

import io.llmguard.Exchange;
import java.util.concurrent.CompletionStage;

/**
 * Judges whether a call may go to another model than the one that it asks for. A stage that limits
 * models keeps one with the calls that it admits; a router asks it. Thread-safe; must not block.
 */
@FunctionalInterface
public interface FallbackGate {
  /** Where it is kept. */
  Exchange.Key<FallbackGate> KEY = new Exchange.Key<>("fallback-gate", FallbackGate.class);

  /**
   * Whether the call may go to a model, of which it counts as a call from then on.
   *
   * @param model the model's one name, whatever further names clients use
   * @param named the name by which it is a fallback
   */
  CompletionStage<Entry> enter(Exchange exchange, String model, String named);

  /**
   * An answer.
   *
   * @param admitted true if the call may go there
   * @param giveBack takes back what was counted, because the call does not go there after all; run
   *     at most once
   */
  record Entry(boolean admitted, Runnable giveBack) {
    /** The call may go there, and nothing was counted. */
    public static final Entry FREE = new Entry(true, () -> {});

    /** The call may not go there. */
    public static final Entry REFUSED = new Entry(false, () -> {});
  }
}
