package io.llmguard.key;

import java.time.Instant;
import java.util.concurrent.CompletionStage;

/**
 * Finds the record of a presented key, on the path of every request.
 *
 * <p>Implementations are thread-safe and do not block: what has to be fetched completes the answer
 * later. What a found record is worth is for the caller to ask, by {@link KeyRecord#standing}.
 */
@FunctionalInterface
public interface KeyLookup {
  /** The record whose key, current or replaced, has that whole hash. */
  CompletionStage<Answer> find(KeyHash hash);

  /** Takes note that the key of a record let its holder in; does nothing unless overridden. */
  default void used(KeyRecord record, Instant at) {}

  /** What a look-up found. */
  sealed interface Answer {
    /** There is such a record, in whatever state. */
    record Found(KeyRecord record) implements Answer {}

    /** There is no such record. */
    record Unknown() implements Answer {}

    /** Nobody can tell at the moment. */
    record Unavailable() implements Answer {}
  }
}
