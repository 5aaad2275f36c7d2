package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/chat}.
 *
 * @param model the model's name
 * @param messages the conversation; none only loads the model
 * @param tools tools that the model may ask for
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
public record ChatRequest(
    String model,
    List<Message> messages,
    List<Tool> tools,
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
  public ChatRequest {
    messages = List.copyOf(messages);
    tools = List.copyOf(tools);
    extra = Values.map(extra);
  }

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model, List<Message> messages) {
    return new Builder(model, messages);
  }

  /** One message of the user. */
  public static ChatRequest of(String model, String content) {
    return builder(model, List.of(Message.user(content))).build();
  }

  /** The same request with another conversation. */
  public ChatRequest withMessages(List<Message> other) {
    return new ChatRequest(
        model,
        other,
        tools,
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

  /** The same request with another form of the text. */
  public ChatRequest withFormat(Format other) {
    return new ChatRequest(
        model,
        messages,
        tools,
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

  /** The same request with other tools. */
  public ChatRequest withTools(List<Tool> other) {
    return new ChatRequest(
        model,
        messages,
        other,
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

  /** Without any text of the prompt. */
  @Override
  public String toString() {
    return "ChatRequest[model="
        + model
        + ", messages="
        + messages.size()
        + ", tools="
        + tools.size()
        + "]";
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private final List<Message> messages;
    private List<Tool> tools = List.of();
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

    private Builder(String model, List<Message> messages) {
      this.model = model;
      this.messages = messages;
    }

    /** Sets tools: tools that the model may ask for. */
    public Builder tools(List<Tool> tools) {
      this.tools = tools;
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
    public ChatRequest build() {
      return new ChatRequest(
          model,
          messages,
          tools,
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
