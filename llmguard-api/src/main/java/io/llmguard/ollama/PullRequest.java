package io.llmguard.ollama;

import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/pull}.
 *
 * @param model the model's name
 * @param insecure whether a registry without TLS will do
 */
public record PullRequest(String model, @Nullable Boolean insecure) {
  /** Copies what can change. */
  public PullRequest {}

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model) {
    return new Builder(model);
  }

  /** A model by its name. */
  public static PullRequest of(String model) {
    return builder(model).build();
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private @Nullable Boolean insecure;

    private Builder(String model) {
      this.model = model;
    }

    /** Sets insecure: whether a registry without TLS will do. */
    public Builder insecure(boolean insecure) {
      this.insecure = insecure;
      return this;
    }

    /** The request. */
    public PullRequest build() {
      return new PullRequest(model, insecure);
    }
  }
}
