package io.llmguard.ollama;

import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/show}.
 *
 * @param model the model's name
 * @param verbose whether tensors and tokens come too
 * @param system shown in place of the model's own system text
 * @param options sampling and loading options
 */
public record ShowRequest(
    String model, @Nullable Boolean verbose, @Nullable String system, @Nullable Options options) {
  /** Copies what can change. */
  public ShowRequest {}

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model) {
    return new Builder(model);
  }

  /** A model by its name. */
  public static ShowRequest of(String model) {
    return builder(model).build();
  }

  /** Without any text of the prompt. */
  @Override
  public String toString() {
    return "ShowRequest[model=" + model + "]";
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private @Nullable Boolean verbose;
    private @Nullable String system;
    private @Nullable Options options;

    private Builder(String model) {
      this.model = model;
    }

    /** Sets verbose: whether tensors and tokens come too. */
    public Builder verbose(boolean verbose) {
      this.verbose = verbose;
      return this;
    }

    /** Sets system: shown in place of the model's own system text. */
    public Builder system(String system) {
      this.system = system;
      return this;
    }

    /** Sets options: sampling and loading options. */
    public Builder options(Options options) {
      this.options = options;
      return this;
    }

    /** The request. */
    public ShowRequest build() {
      return new ShowRequest(model, verbose, system, options);
    }
  }
}
