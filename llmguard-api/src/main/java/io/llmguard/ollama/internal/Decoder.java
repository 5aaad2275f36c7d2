package io.llmguard.ollama.internal;

import org.jspecify.annotations.Nullable;

/**
 * Makes an event of a line, or of a whole body. One for each call; not thread-safe.
 *
 * @param <E> the event
 */
public interface Decoder<E> {
  /**
   * The event; null where the line brings none.
   *
   * @throws io.llmguard.ollama.OllamaException where the line is an error of the server
   * @throws IllegalArgumentException where the line is not what the protocol says
   */
  @Nullable E decode(byte[] bytes, int from, int to);
}
