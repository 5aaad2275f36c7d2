package io.llmguard.ollama.internal;

import io.llmguard.ollama.Metrics;
import org.jspecify.annotations.Nullable;

/**
 * Puts the events of one call together. Not thread-safe.
 *
 * @param <E> the event
 * @param <R> what they make
 */
public interface Assembler<E, R> {
  /** Takes the next event; true where it is the last of the answer. */
  boolean add(E event);

  /** What they made; only after the last. */
  R result();

  /** The model's text so far; empty where the call has none. */
  default String text() {
    return "";
  }

  /** What the call used, once known. */
  default Metrics metrics() {
    return Metrics.NONE;
  }

  /** Which model answered, once known. */
  default @Nullable String model() {
    return null;
  }

  /** Why the answer ended, once known. */
  default @Nullable String finishReason() {
    return null;
  }

  /** An assembler for an answer that comes whole. */
  static <T> Assembler<T, T> whole() {
    return new Assembler<>() {
      private @Nullable T value;

      @Override
      public boolean add(T event) {
        value = event;
        return true;
      }

      @Override
      public T result() {
        if (value == null) {
          throw new IllegalStateException("no result yet");
        }
        return value;
      }
    };
  }
}
