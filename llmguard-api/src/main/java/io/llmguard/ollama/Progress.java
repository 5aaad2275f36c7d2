package io.llmguard.ollama;

/** How far a pull, a push or a creation is. The last one is {@link Success}. */
public sealed interface Progress {
  /** What the server is doing, in its words. */
  String status();

  /** A step without a measure: {@code pulling manifest}, {@code verifying sha256 digest}. */
  record Step(String status) implements Progress {}

  /**
   * A layer on its way.
   *
   * @param status what is being done with it
   * @param digest which layer
   * @param total its size in bytes; 0 where not known yet
   * @param completed how many bytes are done
   */
  record Transfer(String status, String digest, long total, long completed) implements Progress {
    /** Between 0 and 1. */
    public double fraction() {
      return total <= 0 ? 0 : Math.min(1, (double) completed / total);
    }
  }

  /** All is done. */
  record Success(String status) implements Progress {}
}
