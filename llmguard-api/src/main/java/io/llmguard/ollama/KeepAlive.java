package io.llmguard.ollama;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long the server keeps the model loaded after a call.
 *
 * @param time the time, not negative; null is forever, zero unloads at once
 */
public record KeepAlive(@Nullable Duration time) {
  /** Refuses a negative time: forever has a name of its own. */
  public KeepAlive {
    if (time != null && time.isNegative()) {
      throw new IllegalArgumentException("keep-alive is negative: " + time);
    }
  }

  /** Until the server stops. */
  public static KeepAlive forever() {
    return new KeepAlive(null);
  }

  /** Unloads the model with the end of the call. */
  public static KeepAlive unload() {
    return new KeepAlive(Duration.ZERO);
  }

  /** For this long. */
  public static KeepAlive of(Duration time) {
    return new KeepAlive(time);
  }
}
