package io.llmguard.benchmark.client;

import java.util.function.Consumer;

/** One client, used the way its own documentation streams a chat. Used by one thread. */
interface Reader extends AutoCloseable {
  /** Asks the question and gives the text of each piece as it comes; returns after the last. */
  void read(Consumer<String> piece) throws Exception;

  @Override
  default void close() {}
}
