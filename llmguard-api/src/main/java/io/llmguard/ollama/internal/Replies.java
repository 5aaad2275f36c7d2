package io.llmguard.ollama.internal;

import io.llmguard.ollama.DebugInfo;
import io.llmguard.ollama.EmbedResponse;
import io.llmguard.ollama.EmbeddingsResponse;
import io.llmguard.ollama.Image;
import io.llmguard.ollama.ListResponse;
import io.llmguard.ollama.LocalModel;
import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.ModelDetails;
import io.llmguard.ollama.Progress;
import io.llmguard.ollama.RunningModel;
import io.llmguard.ollama.RunningResponse;
import io.llmguard.ollama.ServerStatus;
import io.llmguard.ollama.ServerVersion;
import io.llmguard.ollama.ShowResponse;
import io.llmguard.ollama.Tensor;
import io.llmguard.ollama.ToolCall;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** From JSON objects to the records that are not hot. */
public final class Replies {
  private Replies() {}

  static List<ToolCall> toolCalls(@Nullable Object value) {
    Fields wrapper = wrap(value);
    return wrapper.list(
        "list",
        call -> {
          String id = call.text("id");
          Fields function = call.object("function");
          int index = function.count("index");
          String name = function.textOrEmpty("name");
          Map<String, @Nullable Object> arguments = function.map("arguments");
          Map<String, @Nullable Object> extra = call.rest();
          if (!function.rest().isEmpty()) {
            extra.put("function", function.rest());
          }
          return new ToolCall(id, index, name, arguments, extra);
        });
  }

  static List<Logprob> logprobs(@Nullable Object value) {
    return wrap(value).list("list", Replies::logprob);
  }

  private static Logprob logprob(Fields fields) {
    return new Logprob(
        fields.textOrEmpty("token"),
        fields.decimal("logprob"),
        integers(fields.any("bytes"), "bytes"),
        fields.list("top_logprobs", Replies::logprob),
        fields.rest());
  }

  static List<Integer> integers(@Nullable Object value, String name) {
    List<Integer> result = new ArrayList<>();
    for (Number number : wrap(value).values("list", Number.class)) {
      result.add(number.intValue());
    }
    return result;
  }

  private static Fields wrap(@Nullable Object list) {
    return new Fields(list == null ? Map.of() : Map.of("list", list));
  }

  static Progress progress(Fields fields) {
    String status = fields.require("status").textOrEmpty("status");
    String digest = fields.text("digest");
    if (digest != null) {
      return new Progress.Transfer(
          status, digest, fields.number("total"), fields.number("completed"), fields.rest());
    }
    return status.equals("success")
        ? new Progress.Success(status, fields.rest())
        : new Progress.Step(status, fields.rest());
  }

  static EmbedResponse embed(Fields fields) {
    List<float[]> vectors = new ArrayList<>();
    for (List<?> row : fields.require("embeddings").values("embeddings", List.class)) {
      float[] vector = new float[row.size()];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = row.get(i) instanceof Number number ? number.floatValue() : notNumber();
      }
      vectors.add(vector);
    }
    return new EmbedResponse(
        fields.textOrEmpty("model"),
        vectors,
        fields.nanos("total_duration"),
        fields.nanos("load_duration"),
        fields.count("prompt_eval_count"),
        fields.rest());
  }

  private static float notNumber() {
    throw new IllegalArgumentException("\"embeddings\" holds something that is no number");
  }

  static EmbeddingsResponse embeddings(Fields fields) {
    List<Double> vector =
        fields.require("embedding").values("embedding", Number.class).stream()
            .map(Number::doubleValue)
            .toList();
    return new EmbeddingsResponse(vector, fields.rest());
  }

  static ModelDetails details(Fields fields) {
    return new ModelDetails(
        fields.text("parent_model"),
        fields.text("format"),
        fields.text("family"),
        fields.texts("families"),
        fields.text("parameter_size"),
        fields.text("quantization_level"),
        fields.count("context_length"),
        fields.count("embedding_length"),
        fields.rest());
  }

  static ListResponse list(Fields fields) {
    return new ListResponse(fields.require("models").list("models", Replies::local), fields.rest());
  }

  private static LocalModel local(Fields fields) {
    return new LocalModel(
        fields.textOrEmpty("name"),
        fields.textOrEmpty("model"),
        fields.instant("modified_at"),
        fields.number("size"),
        fields.textOrEmpty("digest"),
        details(fields.object("details")),
        fields.texts("capabilities"),
        fields.text("remote_model"),
        fields.text("remote_host"),
        fields.rest());
  }

  static RunningResponse running(Fields fields) {
    return new RunningResponse(
        fields.require("models").list("models", Replies::loaded), fields.rest());
  }

  private static RunningModel loaded(Fields fields) {
    return new RunningModel(
        fields.textOrEmpty("name"),
        fields.textOrEmpty("model"),
        fields.number("size"),
        fields.textOrEmpty("digest"),
        details(fields.object("details")),
        fields.instant("expires_at"),
        fields.number("size_vram"),
        fields.count("context_length"),
        fields.rest());
  }

  static ShowResponse show(Fields fields) {
    fields.require("details");
    return new ShowResponse(
        fields.text("license"),
        fields.text("modelfile"),
        fields.text("parameters"),
        fields.text("template"),
        fields.text("system"),
        fields.text("renderer"),
        fields.text("parser"),
        details(fields.object("details")),
        fields.list("messages", Replies::message),
        fields.text("remote_model"),
        fields.text("remote_host"),
        fields.map("model_info"),
        fields.map("projector_info"),
        fields.list("tensors", Replies::tensor),
        fields.texts("capabilities"),
        fields.instant("modified_at"),
        fields.text("requires"),
        fields.rest());
  }

  static ServerVersion version(Fields fields) {
    return new ServerVersion(fields.require("version").textOrEmpty("version"), fields.rest());
  }

  static ServerStatus status(Fields fields) {
    Fields cloud = fields.require("cloud").object("cloud");
    boolean disabled = cloud.flag("disabled");
    String source = cloud.textOrEmpty("source");
    Map<String, @Nullable Object> extra = fields.rest();
    if (!cloud.rest().isEmpty()) {
      extra.put("cloud", cloud.rest());
    }
    return new ServerStatus(disabled, source, extra);
  }

  private static Tensor tensor(Fields fields) {
    return new Tensor(
        fields.textOrEmpty("name"),
        fields.textOrEmpty("type"),
        fields.values("shape", Number.class).stream().map(Number::longValue).toList(),
        fields.rest());
  }

  /** What a prompt was rendered to; null where there is none. */
  public static @Nullable DebugInfo debugInfo(@Nullable Object value) {
    if (!(value instanceof Map<?, ?>)) {
      return null;
    }
    Fields fields = new Fields(Map.of("info", value)).object("info");
    return new DebugInfo(
        fields.textOrEmpty("rendered_template"), fields.count("image_count"), fields.rest());
  }

  /** Pictures in Base64. */
  static List<Image> images(@Nullable Object value) {
    return wrap(value).texts("list").stream()
        .map(text -> Image.of(Base64.getDecoder().decode(text)))
        .toList();
  }

  /** A message. */
  static Message message(Fields fields) {
    return new Message(
        fields.textOrEmpty("role"),
        fields.textOrEmpty("content"),
        fields.text("thinking"),
        images(fields.any("images")),
        toolCalls(fields.any("tool_calls")),
        fields.text("tool_name"),
        fields.text("tool_call_id"),
        fields.rest());
  }
}
