package io.llmguard.ollama.internal;

import io.llmguard.ollama.Metrics;
import java.time.Duration;

/** Collects the counts and times of a last line. */
final class MetricsReader {
  private long total;
  private long load;
  private int promptCount;
  private long prompt;
  private int count;
  private long eval;

  static boolean knows(String name) {
    return switch (name) {
      case "total_duration",
          "load_duration",
          "prompt_eval_count",
          "prompt_eval_duration",
          "eval_count",
          "eval_duration" ->
          true;
      default -> false;
    };
  }

  void set(String name, long value) {
    switch (name) {
      case "total_duration" -> total = value;
      case "load_duration" -> load = value;
      case "prompt_eval_count" -> promptCount = (int) value;
      case "prompt_eval_duration" -> prompt = value;
      case "eval_count" -> count = (int) value;
      case "eval_duration" -> eval = value;
      default -> throw new IllegalStateException("no metric: " + name);
    }
  }

  Metrics metrics() {
    return new Metrics(
        Duration.ofNanos(total),
        Duration.ofNanos(load),
        promptCount,
        Duration.ofNanos(prompt),
        count,
        Duration.ofNanos(eval));
  }
}
