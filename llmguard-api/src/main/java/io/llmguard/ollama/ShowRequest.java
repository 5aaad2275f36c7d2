package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/show}.
 *
 * @param model the model's name
 * @param verbose whether tensors and tokens come too
 * @param system shown in place of the model's own system text
 * @param template shown in place of the model's own template
 * @param options sampling and loading options
 * @param extra fields that this version does not know, sent as they are
 */
public record ShowRequest(
    String model,
    @Nullable Boolean verbose,
    @Nullable String system,
    @Nullable String template,
    @Nullable Options options,
    Map<String, @Nullable Object> extra) {
  /** Copies what can change. */
  public ShowRequest {
    extra = Values.map(extra);
  }

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
    private @Nullable String template;
    private @Nullable Options options;
    private Map<String, @Nullable Object> extra = Map.of();

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

    /** Sets template: shown in place of the model's own template. */
    public Builder template(String template) {
      this.template = template;
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
    public ShowRequest build() {
      return new ShowRequest(model, verbose, system, template, options, extra);
    }
  }
}
