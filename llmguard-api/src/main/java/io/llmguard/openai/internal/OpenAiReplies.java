package io.llmguard.openai.internal;

import io.llmguard.ollama.ToolCall;
import io.llmguard.ollama.internal.Fields;
import io.llmguard.ollama.internal.Json;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.openai.OpenAiUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** From JSON objects to answers. */
final class OpenAiReplies {
  private OpenAiReplies() {}

  /** A piece of a tool call: the first brings id and name, the others more of the arguments. */
  record Piece(int index, @Nullable String id, @Nullable String name, String arguments) {}

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
      calls.add(call(piece.index(), piece.id(), piece.name(), piece.arguments()));
    }
    return new OpenAiResponse(
        fields.textOrEmpty("id"),
        fields.textOrEmpty("model"),
        text == null ? choice.textOrEmpty("text") : text,
        message.text("reasoning_content"),
        calls,
        choice.text("finish_reason"),
        usage(fields));
  }

  static OpenAiUsage usage(Fields fields) {
    Fields usage = fields.object("usage");
    OpenAiUsage counts =
        new OpenAiUsage(usage.count("prompt_tokens"), usage.count("completion_tokens"));
    return counts.equals(OpenAiUsage.NONE) ? OpenAiUsage.NONE : counts;
  }

  static Piece piece(Fields fields) {
    Fields function = fields.object("function");
    return new Piece(
        fields.count("index"),
        fields.text("id"),
        function.text("name"),
        function.textOrEmpty("arguments"));
  }

  static ToolCall call(int index, @Nullable String id, @Nullable String name, String arguments) {
    Map<String, @Nullable Object> parsed = arguments.isBlank() ? Map.of() : Json.object(arguments);
    return new ToolCall(id, index, name == null ? "" : name, parsed);
  }
}
