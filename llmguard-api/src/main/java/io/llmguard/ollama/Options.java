package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Options of a model's sampling and loading. The known ones have a method each; others go in by
 * name.
 *
 * @param values by the server's names
 */
public record Options(Map<String, @Nullable Object> values) {
  /** Copies the values. */
  public Options {
    values = Values.map(values);
  }

  /** Starts without any. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects options. Not thread-safe. */
  public static final class Builder {
    private final Map<String, @Nullable Object> values = new LinkedHashMap<>();

    private Builder() {}

    /** Sets any option by the server's name. */
    public Builder set(String name, @Nullable Object value) {
      values.put(name, value);
      return this;
    }

    /** Sets {@code stop}: texts at which the answer ends. */
    public Builder stop(String... texts) {
      return set("stop", List.of(texts));
    }

    /** Sets {@code use_mmap}: whether the model's file is mapped. */
    public Builder useMmap(boolean map) {
      return set("use_mmap", map);
    }

    /** Sets {@code num_keep}. */
    public Builder numKeep(int value) {
      return set("num_keep", value);
    }

    /** Sets {@code seed}. */
    public Builder seed(int value) {
      return set("seed", value);
    }

    /** Sets {@code num_predict}. */
    public Builder numPredict(int value) {
      return set("num_predict", value);
    }

    /** Sets {@code top_k}. */
    public Builder topK(int value) {
      return set("top_k", value);
    }

    /** Sets {@code repeat_last_n}. */
    public Builder repeatLastN(int value) {
      return set("repeat_last_n", value);
    }

    /** Sets {@code num_ctx}. */
    public Builder numCtx(int value) {
      return set("num_ctx", value);
    }

    /** Sets {@code num_batch}. */
    public Builder numBatch(int value) {
      return set("num_batch", value);
    }

    /** Sets {@code num_gpu}. */
    public Builder numGpu(int value) {
      return set("num_gpu", value);
    }

    /** Sets {@code main_gpu}. */
    public Builder mainGpu(int value) {
      return set("main_gpu", value);
    }

    /** Sets {@code num_thread}. */
    public Builder numThread(int value) {
      return set("num_thread", value);
    }

    /** Sets {@code draft_num_predict}. */
    public Builder draftNumPredict(int value) {
      return set("draft_num_predict", value);
    }

    /** Sets {@code top_p}. */
    public Builder topP(double value) {
      return set("top_p", value);
    }

    /** Sets {@code min_p}. */
    public Builder minP(double value) {
      return set("min_p", value);
    }

    /** Sets {@code typical_p}. */
    public Builder typicalP(double value) {
      return set("typical_p", value);
    }

    /** Sets {@code temperature}. */
    public Builder temperature(double value) {
      return set("temperature", value);
    }

    /** Sets {@code repeat_penalty}. */
    public Builder repeatPenalty(double value) {
      return set("repeat_penalty", value);
    }

    /** Sets {@code presence_penalty}. */
    public Builder presencePenalty(double value) {
      return set("presence_penalty", value);
    }

    /** Sets {@code frequency_penalty}. */
    public Builder frequencyPenalty(double value) {
      return set("frequency_penalty", value);
    }

    /** The options. */
    public Options build() {
      return new Options(values);
    }
  }
}
