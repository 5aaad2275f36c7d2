package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/embed}.
 *
 * @param model the model's name
 * @param input the texts
 * @param truncate whether a text beyond the context is cut (else it is an error)
 * @param dimensions how many dimensions the vectors have
 * @param keepAlive how long the model stays loaded; null leaves it to the server
 * @param options sampling and loading options
 * @param extra fields that this version does not know, sent as they are
 */
public record EmbedRequest(
    String model,
    List<String> input,
    @Nullable Boolean truncate,
    @Nullable Integer dimensions,
    @Nullable KeepAlive keepAlive,
    @Nullable Options options,
    Map<String, @Nullable Object> extra) {
  /** Copies what can change. */
  public EmbedRequest {
    input = List.copyOf(input);
    extra = Values.map(extra);
  }

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model, List<String> input) {
    return new Builder(model, input);
  }

  /** One text or several. */
  public static EmbedRequest of(String model, String... input) {
    return builder(model, List.of(input)).build();
  }

  /** Without any text of the prompt. */
  @Override
  public String toString() {
    return "EmbedRequest[model=" + model + ", input=" + input.size() + " texts]";
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private final List<String> input;
    private @Nullable Boolean truncate;
    private @Nullable Integer dimensions;
    private @Nullable KeepAlive keepAlive;
    private @Nullable Options options;
    private Map<String, @Nullable Object> extra = Map.of();

    private Builder(String model, List<String> input) {
      this.model = model;
      this.input = input;
    }

    /** Sets truncate: whether a text beyond the context is cut (else it is an error). */
    public Builder truncate(boolean truncate) {
      this.truncate = truncate;
      return this;
    }

    /** Sets dimensions: how many dimensions the vectors have. */
    public Builder dimensions(int dimensions) {
      this.dimensions = dimensions;
      return this;
    }

    /** Sets keepAlive: how long the model stays loaded; null leaves it to the server. */
    public Builder keepAlive(KeepAlive keepAlive) {
      this.keepAlive = keepAlive;
      return this;
    }

    /** Sets options: sampling and loading options. */
    public Builder options(Options options) {
      this.options = options;
      return this;
    }

    /** Sets extra: fields that this version does not know, sent as they are. */
    public Builder extra(Map<String, @Nullable Object> extra) {
      this.extra = extra;
      return this;
    }

    /** The request. */
    public EmbedRequest build() {
      return new EmbedRequest(model, input, truncate, dimensions, keepAlive, options, extra);
    }
  }
}
