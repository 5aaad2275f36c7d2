package io.llmguard.ollama.internal.http;

/** Where an answer's content goes. */
@FunctionalInterface
public interface Sink {
  /** Takes these bytes, which are no longer there afterwards. */
  void accept(byte[] bytes, int from, int count);
}
