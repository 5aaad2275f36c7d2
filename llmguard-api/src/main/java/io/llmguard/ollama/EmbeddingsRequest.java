package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of the older {@code /api/embeddings}; {@link EmbedRequest} is its successor.
 *
 * @param model the model's name
 * @param prompt the text
 * @param keepAlive how long the model stays loaded; null leaves it to the server
 * @param options sampling and loading options
 * @param extra fields that this version does not know, sent as they are
 */
public record EmbeddingsRequest(
    String model,
    String prompt,
    @Nullable KeepAlive keepAlive,
    @Nullable Options options,
    Map<String, @Nullable Object> extra) {
  /** Copies what can change. */
  public EmbeddingsRequest {
    extra = Values.map(extra);
  }

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model, String prompt) {
    return new Builder(model, prompt);
  }

  /** Without any text of the prompt. */
  @Override
  public String toString() {
    return "EmbeddingsRequest[model=" + model + ", prompt=" + prompt.length() + " chars]";
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private final String prompt;
    private @Nullable KeepAlive keepAlive;
    private @Nullable Options options;
    private Map<String, @Nullable Object> extra = Map.of();

    private Builder(String model, String prompt) {
      this.model = model;
      this.prompt = prompt;
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
    public EmbeddingsRequest build() {
      return new EmbeddingsRequest(model, prompt, keepAlive, options, extra);
    }
  }
}
