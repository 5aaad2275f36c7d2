package io.llmguard.openai.internal;

import io.llmguard.ollama.ToolCall;
import io.llmguard.ollama.internal.Fields;
import io.llmguard.ollama.internal.Json;
import io.llmguard.openai.OpenAiModel;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.openai.OpenAiUsage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** From JSON objects to answers. */
final class OpenAiReplies {
  private OpenAiReplies() {}

  /** A piece of a tool call: the first brings id and name, the others more of the arguments. */
  record Piece(
      int index,
      @Nullable String id,
      @Nullable String name,
      String arguments,
      Map<String, @Nullable Object> extra) {}

  static OpenAiResponse response(Fields fields) {
    List<Fields> choices = fields.list("choices", choice -> choice);
    if (choices.isEmpty()) {
      throw new IllegalArgumentException("an answer without \"choices\"");
    }
    Fields choice = choices.get(0);
    Fields message = choice.object("message");
    String text = message.text("content");
    List<ToolCall> calls = new ArrayList<>();
    for (Piece piece : message.list("tool_calls", OpenAiReplies::piece)) {
      calls.add(call(piece.index(), piece.id(), piece.name(), piece.arguments(), piece.extra()));
    }
    return new OpenAiResponse(
        fields.textOrEmpty("id"),
        fields.textOrEmpty("model"),
        text == null ? choice.textOrEmpty("text") : text,
        reasoning(message),
        calls,
        choice.text("finish_reason"),
        true,
        usage(fields),
        extra(fields, choices, "message", message));
  }

  /** The text of the thinking: Ollama's name, or the one of the other servers. */
  static @Nullable String reasoning(Fields message) {
    String reasoning = message.text("reasoning");
    String content = message.text("reasoning_content");
    return reasoning == null || reasoning.isEmpty() ? content : reasoning;
  }

  /** What is left of an answer, of its first choice and of that choice's message. */
  static Map<String, @Nullable Object> extra(
      Fields fields, List<Fields> choices, String part, Fields message) {
    Map<String, @Nullable Object> extra = fields.rest();
    // says what the path says, and where the first choice stands
    extra.remove("object");
    List<Map<String, @Nullable Object>> left = new ArrayList<>();
    for (Fields choice : choices) {
      left.add(choice.rest());
    }
    if (!left.isEmpty()) {
      Map<String, @Nullable Object> first = left.get(0);
      first.remove("index");
      Map<String, @Nullable Object> inside = message.rest();
      inside.remove("role");
      inside.values().removeIf(value -> value == null);
      first.values().removeIf(value -> value == null);
      if (!inside.isEmpty()) {
        first.put(part, inside);
      }
      if (left.size() > 1 || !first.isEmpty()) {
        extra.put("choices", left);
      }
    }
    return extra;
  }

  static OpenAiUsage usage(Fields fields) {
    Fields usage = fields.object("usage");
    OpenAiUsage counts =
        new OpenAiUsage(
            usage.count("prompt_tokens"),
            usage.count("completion_tokens"),
            usage.count("total_tokens"),
            usage.rest());
    return counts.equals(OpenAiUsage.NONE) ? OpenAiUsage.NONE : counts;
  }

  static Piece piece(Fields fields) {
    Fields function = fields.object("function");
    int index = fields.count("index");
    String id = fields.text("id");
    String name = function.text("name");
    String arguments = function.textOrEmpty("arguments");
    Map<String, @Nullable Object> extra = fields.rest();
    extra.remove("type", "function");
    if (!function.rest().isEmpty()) {
      extra.put("function", function.rest());
    }
    return new Piece(index, id, name, arguments, extra);
  }

  static ToolCall call(
      int index,
      @Nullable String id,
      @Nullable String name,
      String arguments,
      Map<String, @Nullable Object> extra) {
    Map<String, @Nullable Object> parsed = arguments.isBlank() ? Map.of() : Json.object(arguments);
    return new ToolCall(id, index, name == null ? "" : name, parsed, new LinkedHashMap<>(extra));
  }

  static OpenAiModel model(Fields fields) {
    fields.rest().remove("object");
    return new OpenAiModel(
        fields.textOrEmpty("id"),
        Instant.ofEpochSecond(fields.number("created")),
        fields.textOrEmpty("owned_by"),
        fields.rest());
  }
}
