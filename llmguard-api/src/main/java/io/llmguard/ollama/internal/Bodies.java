package io.llmguard.ollama.internal;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.CreateRequest;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.Format;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.KeepAlive;
import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.Options;
import io.llmguard.ollama.PullRequest;
import io.llmguard.ollama.PushRequest;
import io.llmguard.ollama.ShowRequest;
import io.llmguard.ollama.Think;
import io.llmguard.ollama.Tool;
import io.llmguard.ollama.ToolCall;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** From records to JSON objects by the server's names; what is not set is not sent. */
public final class Bodies {
  private final Map<String, @Nullable Object> json = new LinkedHashMap<>();

  private Bodies() {}

  private Bodies put(String name, @Nullable Object value) {
    boolean empty = value instanceof List<?> list && list.isEmpty();
    boolean none = value instanceof Map<?, ?> map && map.isEmpty();
    if (value != null && !empty && !none) {
      json.put(name, value);
    }
    return this;
  }

  private Map<String, @Nullable Object> with(Map<String, @Nullable Object> extra) {
    json.putAll(extra);
    return json;
  }

  /** The body of a chat. */
  public static Map<String, @Nullable Object> of(ChatRequest request, boolean stream) {
    Bodies body = new Bodies().put("model", request.model());
    body.json.put("messages", request.messages().stream().map(Bodies::message).toList());
    return body.put("tools", request.tools().stream().map(Tool::json).toList()).stream(stream)
        .generation(request.format(), request.keepAlive(), request.options(), request.think())
        .put("truncate", request.truncate())
        .put("shift", request.shift())
        .put("logprobs", request.logprobs())
        .put("top_logprobs", request.topLogprobs())
        .put("_debug_render_only", request.debugRenderOnly())
        .with(request.extra());
  }

  /** The body of a generation. */
  public static Map<String, @Nullable Object> of(GenerateRequest request, boolean stream) {
    return new Bodies()
            .put("model", request.model())
            .put("prompt", request.prompt())
            .put("suffix", request.suffix())
            .put("system", request.system())
            .put("template", request.template())
            .put("context", request.context())
            .put("raw", request.raw())
            .put("images", request.images())
            .stream(stream)
            .generation(request.format(), request.keepAlive(), request.options(), request.think())
            .put("truncate", request.truncate())
            .put("shift", request.shift())
            .put("logprobs", request.logprobs())
            .put("top_logprobs", request.topLogprobs())
            .put("_debug_render_only", request.debugRenderOnly())
            .with(request.extra());
  }

  private Bodies stream(boolean stream) {
    return put("stream", stream ? null : (Object) false);
  }

  private Bodies generation(
      @Nullable Format format,
      @Nullable KeepAlive keepAlive,
      @Nullable Options options,
      @Nullable Think think) {
    return put("format", format(format))
        .put("keep_alive", keepAlive(keepAlive))
        .put("options", options == null ? null : options.values())
        .put("think", think(think));
  }

  private static @Nullable Object format(@Nullable Format format) {
    if (format instanceof Format.Schema schema) {
      return schema.schema().json();
    }
    return format == null ? null : "json";
  }

  private static @Nullable Object keepAlive(@Nullable KeepAlive keepAlive) {
    if (keepAlive == null) {
      return null;
    }
    if (keepAlive.time() == null) {
      return -1;
    }
    long nanos = keepAlive.time().toNanos();
    return nanos % 1_000_000_000L == 0 ? (Object) (nanos / 1_000_000_000L) : nanos + "ns";
  }

  private static @Nullable Object think(@Nullable Think think) {
    if (think instanceof Think.Toggle toggle) {
      return toggle.on();
    }
    return think instanceof Think.Level level ? level.name() : null;
  }

  /** A message as Ollama takes it. */
  static Map<String, @Nullable Object> message(Message message) {
    Bodies body = new Bodies().put("role", message.role()).put("content", message.content());
    return body.put("thinking", message.thinking())
        .put("images", message.images())
        .put("tool_calls", toolCalls(message.toolCalls()))
        .put("tool_name", message.toolName())
        .put("tool_call_id", message.toolCallId())
        .with(message.extra());
  }

  private static List<Object> toolCalls(List<ToolCall> calls) {
    List<Object> list = new ArrayList<>();
    for (ToolCall call : calls) {
      Map<String, @Nullable Object> function = new LinkedHashMap<>();
      function.put("index", call.index());
      function.put("name", call.name());
      function.put("arguments", call.arguments());
      Map<String, @Nullable Object> extra = new LinkedHashMap<>(call.extra());
      if (extra.remove("function") instanceof Map<?, ?> inside) {
        inside.forEach((name, value) -> function.put(String.valueOf(name), value));
      }
      list.add(new Bodies().put("id", call.id()).put("function", function).with(extra));
    }
    return list;
  }

  /** An answer of a chat, as the server would send it. */
  public static Map<String, @Nullable Object> of(ChatResponse answer) {
    Bodies body = new Bodies().put("model", answer.model());
    return body.put("created_at", text(answer.createdAt()))
        .put("message", message(answer.message()))
        .end(answer.done(), answer.doneReason(), answer.remoteModel(), answer.remoteHost())
        .put("logprobs", logprobs(answer.logprobs()))
        .metrics(answer.metrics())
        .with(answer.extra());
  }

  /** An answer of a generation, as the server would send it. */
  public static Map<String, @Nullable Object> of(GenerateResponse answer) {
    Bodies body = new Bodies().put("model", answer.model());
    return body.put("created_at", text(answer.createdAt()))
        .put("response", answer.response())
        .put("thinking", answer.thinking())
        .put("tool_calls", toolCalls(answer.toolCalls()))
        .end(answer.done(), answer.doneReason(), answer.remoteModel(), answer.remoteHost())
        .put("context", answer.context())
        .put("logprobs", logprobs(answer.logprobs()))
        .metrics(answer.metrics())
        .with(answer.extra());
  }

  private static @Nullable String text(@Nullable Instant time) {
    return time == null ? null : time.toString();
  }

  private Bodies end(
      boolean done,
      @Nullable String reason,
      @Nullable String remoteModel,
      @Nullable String remoteHost) {
    return put("done", done)
        .put("done_reason", reason)
        .put("remote_model", remoteModel)
        .put("remote_host", remoteHost);
  }

  private Bodies metrics(Metrics metrics) {
    return count("total_duration", metrics.totalDuration().toNanos())
        .count("load_duration", metrics.loadDuration().toNanos())
        .count("prompt_eval_count", metrics.promptEvalCount())
        .count("prompt_eval_duration", metrics.promptEvalDuration().toNanos())
        .count("eval_count", metrics.evalCount())
        .count("eval_duration", metrics.evalDuration().toNanos());
  }

  private Bodies count(String name, long value) {
    return value == 0 ? this : put(name, value);
  }

  private static List<Object> logprobs(List<Logprob> logprobs) {
    List<Object> list = new ArrayList<>();
    for (Logprob each : logprobs) {
      list.add(
          new Bodies()
              .put("token", each.token())
              .put("logprob", each.logprob())
              .put("bytes", each.bytes())
              .put("top_logprobs", logprobs(each.topLogprobs()))
              .with(each.extra()));
    }
    return list;
  }

  /** The body of an embedding. */
  public static Map<String, @Nullable Object> of(EmbedRequest request) {
    Bodies body = new Bodies().put("model", request.model());
    body.json.put("input", request.input());
    return body.put("truncate", request.truncate())
        .put("dimensions", request.dimensions())
        .generation(null, request.keepAlive(), request.options(), null)
        .with(request.extra());
  }

  /** The body of an older embedding. */
  public static Map<String, @Nullable Object> of(EmbeddingsRequest request) {
    return new Bodies()
        .put("model", request.model())
        .put("prompt", request.prompt())
        .generation(null, request.keepAlive(), request.options(), null)
        .with(request.extra());
  }

  /** The body of a look at a model. */
  public static Map<String, @Nullable Object> of(ShowRequest request) {
    return new Bodies()
        .put("model", request.model())
        .put("verbose", request.verbose())
        .put("system", request.system())
        .put("template", request.template())
        .generation(null, null, request.options(), null)
        .with(request.extra());
  }

  /** The body of a pull. */
  public static Map<String, @Nullable Object> of(PullRequest request) {
    return new Bodies()
        .put("model", request.model())
        .put("insecure", request.insecure())
        .with(request.extra());
  }

  /** The body of a push. */
  public static Map<String, @Nullable Object> of(PushRequest request) {
    return new Bodies()
        .put("model", request.model())
        .put("insecure", request.insecure())
        .with(request.extra());
  }

  /** The body of a creation. */
  public static Map<String, @Nullable Object> of(CreateRequest request) {
    Options parameters = request.parameters();
    return new Bodies()
        .put("model", request.model())
        .put("from", request.from())
        .put("files", request.files())
        .put("draft_files", request.draftFiles())
        .put("adapters", request.adapters())
        .put("template", request.template())
        .put("license", request.license())
        .put("system", request.system())
        .put("parameters", parameters == null ? null : parameters.values())
        .put("messages", request.messages().stream().map(Bodies::message).toList())
        .put("quantize", request.quantize())
        .put("draft_quantize", request.draftQuantize())
        .put("remote_host", request.remoteHost())
        .put("renderer", request.renderer())
        .put("parser", request.parser())
        .put("requires", request.requires())
        .put("info", request.info())
        .with(request.extra());
  }

  /** The body of a copy. */
  public static Map<String, @Nullable Object> copy(String source, String destination) {
    return new Bodies().put("source", source).put("destination", destination).json;
  }

  /** The body of a call that names a model only. */
  public static Map<String, @Nullable Object> model(String model) {
    return new Bodies().put("model", model).json;
  }
}
