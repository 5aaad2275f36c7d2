package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/push}.
 *
 * @param model the model's name
 * @param insecure whether a registry without TLS will do
 * @param extra fields that this version does not know, sent as they are
 */
public record PushRequest(
    String model, @Nullable Boolean insecure, Map<String, @Nullable Object> extra) {
  /** Copies what can change. */
  public PushRequest {
    extra = Values.map(extra);
  }

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model) {
    return new Builder(model);
  }

  /** A model by its name. */
  public static PushRequest of(String model) {
    return builder(model).build();
  }

  /** Without the values of further fields, which may be secrets. */
  @Override
  public String toString() {
    return "PushRequest[model=" + model + ", insecure=" + insecure + "]";
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private @Nullable Boolean insecure;
    private Map<String, @Nullable Object> extra = Map.of();

    private Builder(String model) {
      this.model = model;
    }

    /** Sets insecure: whether a registry without TLS will do. */
    public Builder insecure(boolean insecure) {
      this.insecure = insecure;
      return this;
    }

    /** Sets extra: fields that this version does not know, sent as they are. */
    public Builder extra(Map<String, @Nullable Object> extra) {
      this.extra = extra;
      return this;
    }

    /** The request. */
    public PushRequest build() {
      return new PushRequest(model, insecure, extra);
    }
  }
}
