package io.llmguard.openai.internal;

import io.llmguard.ollama.Image;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Tool;
import io.llmguard.ollama.ToolCall;
import io.llmguard.ollama.internal.Assembler;
import io.llmguard.ollama.internal.CallSpec;
import io.llmguard.ollama.internal.Calls;
import io.llmguard.ollama.internal.Fields;
import io.llmguard.ollama.internal.Json;
import io.llmguard.ollama.internal.ObjectDecoder;
import io.llmguard.openai.OpenAiModel;
import io.llmguard.openai.OpenAiRequest;
import io.llmguard.openai.OpenAiResponse;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Each endpoint of an OpenAI-compatible server as a call. */
public final class OpenAiCalls {
  private OpenAiCalls() {}

  /** {@code POST /v1/chat/completions} or {@code POST /v1/completions}. */
  public static CallSpec<OpenAiResponse, OpenAiResponse> complete(
      OpenAiRequest request, boolean stream) {
    boolean chat = request.prompt() == null;
    Map<String, @Nullable Object> body = new LinkedHashMap<>();
    body.put("model", request.model());
    if (chat) {
      body.put("messages", request.messages().stream().map(OpenAiCalls::message).toList());
    } else {
      body.put("prompt", request.prompt());
    }
    if (!request.tools().isEmpty()) {
      body.put("tools", request.tools().stream().map(Tool::json).toList());
    }
    if (stream) {
      body.put("stream", true);
      body.put("stream_options", Map.of("include_usage", true));
    }
    body.putAll(request.parameters());
    body.values().removeIf(value -> value == null);
    return new CallSpec<>(
        chat ? "chat" : "text_completion",
        "POST",
        chat ? "/v1/chat/completions" : "/v1/completions",
        request.model(),
        "application/json",
        Calls.json(body),
        true,
        stream,
        () -> stream ? new EventDecoder() : new ObjectDecoder<>(OpenAiReplies::response),
        () -> stream ? new OpenAiAssembler() : Assembler.<OpenAiResponse>whole());
  }

  private static Map<String, @Nullable Object> message(Message message) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("role", message.role());
    if (message.images().isEmpty()) {
      json.put("content", message.content());
    } else {
      List<Object> parts = new ArrayList<>();
      parts.add(Map.of("type", "text", "text", message.content()));
      for (Image image : message.images()) {
        String data = Base64.getEncoder().encodeToString(image.bytes());
        parts.add(
            Map.of(
                "type", "image_url", "image_url", Map.of("url", "data:image/png;base64," + data)));
      }
      json.put("content", parts);
    }
    if (!message.toolCalls().isEmpty()) {
      json.put("tool_calls", message.toolCalls().stream().map(OpenAiCalls::toolCall).toList());
    }
    if (message.toolCallId() != null) {
      json.put("tool_call_id", message.toolCallId());
    }
    json.putAll(message.extra());
    return json;
  }

  private static Map<String, @Nullable Object> toolCall(ToolCall call) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("id", call.id());
    json.put("type", "function");
    Map<String, @Nullable Object> function = new LinkedHashMap<>();
    function.put("name", call.name());
    function.put("arguments", Json.text(call.arguments()));
    call.extra()
        .forEach(
            (name, value) -> {
              if (name.equals("function") && value instanceof Map<?, ?> inside) {
                inside.forEach((key, more) -> function.put(String.valueOf(key), more));
              } else {
                json.put(name, value);
              }
            });
    json.put("function", function);
    return json;
  }

  // never compared
  @SuppressWarnings("ArrayRecordComponent")
  private record Vector(long index, float[] values) {}

  /** {@code POST /v1/embeddings}. */
  public static CallSpec<List<float[]>, List<float[]>> embeddings(
      String model, List<String> input) {
    Map<String, @Nullable Object> body = new LinkedHashMap<>();
    body.put("model", model);
    body.put("input", input);
    return Calls.whole(
        "embeddings",
        "POST",
        "/v1/embeddings",
        model,
        body,
        true,
        fields ->
            fields.require("data").list("data", OpenAiCalls::vector).stream()
                .sorted(Comparator.comparingLong(Vector::index))
                .map(Vector::values)
                .toList());
  }

  private static Vector vector(Fields fields) {
    List<Number> numbers = fields.values("embedding", Number.class);
    float[] values = new float[numbers.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = numbers.get(i).floatValue();
    }
    return new Vector(fields.number("index"), values);
  }

  /** {@code GET /v1/models}. */
  public static CallSpec<List<OpenAiModel>, List<OpenAiModel>> models() {
    return Calls.whole(
        "list",
        "GET",
        "/v1/models",
        null,
        null,
        true,
        fields -> fields.require("data").list("data", OpenAiReplies::model));
  }
}
