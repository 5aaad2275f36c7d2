package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/generate}.
 *
 * @param model the model's name
 * @param prompt the prompt; null only loads or unloads the model
 * @param suffix the text after the gap, for models that fill in
 * @param system what the model is to be
 * @param template another prompt template
 * @param context the context of the answer before
 * @param raw whether the prompt goes to the model as it is
 * @param images pictures
 * @param format what form the text must have
 * @param keepAlive how long the model stays loaded; null leaves it to the server
 * @param options sampling and loading options
 * @param think whether the model thinks first
 * @param truncate whether a prompt beyond the context is cut
 * @param shift whether the context moves on when it is full
 * @param logprobs whether each token comes with its probability
 * @param topLogprobs how many likely tokens come with each, 0 to 20
 * @param debugRenderOnly whether the prompt is only rendered, and answered as {@link DebugInfo}
 * @param extra fields that this version does not know, sent as they are
 */
public record GenerateRequest(
    String model,
    @Nullable String prompt,
    @Nullable String suffix,
    @Nullable String system,
    @Nullable String template,
    List<Integer> context,
    @Nullable Boolean raw,
    List<Image> images,
    @Nullable Format format,
    @Nullable KeepAlive keepAlive,
    @Nullable Options options,
    @Nullable Think think,
    @Nullable Boolean truncate,
    @Nullable Boolean shift,
    @Nullable Boolean logprobs,
    @Nullable Integer topLogprobs,
    @Nullable Boolean debugRenderOnly,
    Map<String, @Nullable Object> extra) {
  /** Copies what can change. */
  public GenerateRequest {
    context = List.copyOf(context);
    images = List.copyOf(images);
    extra = Values.map(extra);
  }

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model) {
    return new Builder(model);
  }

  /** A prompt and nothing else. */
  public static GenerateRequest of(String model, String prompt) {
    return builder(model).prompt(prompt).build();
  }

  /** Loads the model and says nothing. */
  public static GenerateRequest load(String model) {
    return builder(model).build();
  }

  /** Unloads the model. */
  public static GenerateRequest unload(String model) {
    return builder(model).keepAlive(KeepAlive.unload()).build();
  }

  /** The same request with another form of the text. */
  public GenerateRequest withFormat(Format other) {
    return new GenerateRequest(
        model,
        prompt,
        suffix,
        system,
        template,
        context,
        raw,
        images,
        other,
        keepAlive,
        options,
        think,
        truncate,
        shift,
        logprobs,
        topLogprobs,
        debugRenderOnly,
        extra);
  }

  /** Without any text of the prompt. */
  @Override
  public String toString() {
    return "GenerateRequest[model="
        + model
        + ", prompt="
        + (prompt == null ? 0 : prompt.length())
        + " chars]";
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private @Nullable String prompt;
    private @Nullable String suffix;
    private @Nullable String system;
    private @Nullable String template;
    private List<Integer> context = List.of();
    private @Nullable Boolean raw;
    private List<Image> images = List.of();
    private @Nullable Format format;
    private @Nullable KeepAlive keepAlive;
    private @Nullable Options options;
    private @Nullable Think think;
    private @Nullable Boolean truncate;
    private @Nullable Boolean shift;
    private @Nullable Boolean logprobs;
    private @Nullable Integer topLogprobs;
    private @Nullable Boolean debugRenderOnly;
    private Map<String, @Nullable Object> extra = Map.of();

    private Builder(String model) {
      this.model = model;
    }

    /** Sets prompt: the prompt; null only loads or unloads the model. */
    public Builder prompt(String prompt) {
      this.prompt = prompt;
      return this;
    }

    /** Sets suffix: the text after the gap, for models that fill in. */
    public Builder suffix(String suffix) {
      this.suffix = suffix;
      return this;
    }

    /** Sets system: what the model is to be. */
    public Builder system(String system) {
      this.system = system;
      return this;
    }

    /** Sets template: another prompt template. */
    public Builder template(String template) {
      this.template = template;
      return this;
    }

    /** Sets context: the context of the answer before. */
    public Builder context(List<Integer> context) {
      this.context = context;
      return this;
    }

    /** Sets raw: whether the prompt goes to the model as it is. */
    public Builder raw(boolean raw) {
      this.raw = raw;
      return this;
    }

    /** Sets images: pictures. */
    public Builder images(List<Image> images) {
      this.images = images;
      return this;
    }

    /** Sets format: what form the text must have. */
    public Builder format(Format format) {
      this.format = format;
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

    /** Sets think: whether the model thinks first. */
    public Builder think(Think think) {
      this.think = think;
      return this;
    }

    /** Sets truncate: whether a prompt beyond the context is cut. */
    public Builder truncate(boolean truncate) {
      this.truncate = truncate;
      return this;
    }

    /** Sets shift: whether the context moves on when it is full. */
    public Builder shift(boolean shift) {
      this.shift = shift;
      return this;
    }

    /** Sets logprobs: whether each token comes with its probability. */
    public Builder logprobs(boolean logprobs) {
      this.logprobs = logprobs;
      return this;
    }

    /** Sets topLogprobs: how many likely tokens come with each, 0 to 20. */
    public Builder topLogprobs(int topLogprobs) {
      this.topLogprobs = topLogprobs;
      return this;
    }

    /**
     * Sets debugRenderOnly: whether the prompt is only rendered, and answered as {@link DebugInfo}.
     */
    public Builder debugRenderOnly(boolean debugRenderOnly) {
      this.debugRenderOnly = debugRenderOnly;
      return this;
    }

    /** Sets extra: fields that this version does not know, sent as they are. */
    public Builder extra(Map<String, @Nullable Object> extra) {
      this.extra = extra;
      return this;
    }

    /** The request. */
    public GenerateRequest build() {
      return new GenerateRequest(
          model,
          prompt,
          suffix,
          system,
          template,
          context,
          raw,
          images,
          format,
          keepAlive,
          options,
          think,
          truncate,
          shift,
          logprobs,
          topLogprobs,
          debugRenderOnly,
          extra);
    }
  }
}
