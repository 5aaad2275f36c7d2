package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How far a pull, a push or a creation is. The last one is {@link Success}. */
public sealed interface Progress {
  /** What the server is doing, in its words. */
  String status();

  /** Fields that this version does not know, as they came. */
  Map<String, @Nullable Object> extra();

  /**
   * A step without a measure: {@code pulling manifest}, {@code verifying sha256 digest}.
   *
   * @param status what is being done
   * @param extra fields that this version does not know, as they came
   */
  record Step(String status, Map<String, @Nullable Object> extra) implements Progress {
    /** Copies the fields. */
    public Step {
      extra = Values.map(extra);
    }

    /** A step by its words. */
    public Step(String status) {
      this(status, Map.of());
    }
  }

  /**
   * A layer on its way.
   *
   * @param status what is being done with it
   * @param digest which layer
   * @param total its size in bytes; 0 where not known yet
   * @param completed how many bytes are done
   * @param extra fields that this version does not know, as they came
   */
  record Transfer(
      String status, String digest, long total, long completed, Map<String, @Nullable Object> extra)
      implements Progress {
    /** Copies the fields. */
    public Transfer {
      extra = Values.map(extra);
    }

    /** A layer with fields that this version knows. */
    public Transfer(String status, String digest, long total, long completed) {
      this(status, digest, total, completed, Map.of());
    }

    /** Between 0 and 1. */
    public double fraction() {
      return total <= 0 ? 0 : Math.min(1, (double) completed / total);
    }
  }

  /**
   * All is done.
   *
   * @param status what is being done
   * @param extra fields that this version does not know, as they came
   */
  record Success(String status, Map<String, @Nullable Object> extra) implements Progress {
    /** Copies the fields. */
    public Success {
      extra = Values.map(extra);
    }

    /** The end by its words. */
    public Success(String status) {
      this(status, Map.of());
    }
  }
}
