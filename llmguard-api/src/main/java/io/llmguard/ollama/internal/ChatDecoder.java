package io.llmguard.ollama.internal;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.Image;
import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.ToolCall;
import java.io.IOException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers of {@code /api/chat}: the hot path, straight from bytes to records. */
final class ChatDecoder extends LineParser<ChatResponse> {
  private static final Message NO_MESSAGE = Message.assistant("");

  ChatDecoder() {
    super("\",\"message\":{\"role\":\"assistant\",\"content\":\"", "\"},\"done\":false}");
  }

  @Override
  ChatResponse event(TokenLine line) {
    return new ChatResponse(
        line.model(),
        line.createdAt(),
        Message.assistant(line.text()),
        false,
        null,
        null,
        null,
        Metrics.NONE,
        List.of(),
        Map.of());
  }

  @Override
  ChatResponse event(JsonParser in) throws IOException {
    String model = "";
    Instant createdAt = null;
    Message message = NO_MESSAGE;
    boolean done = false;
    String doneReason = null;
    String remoteModel = null;
    String remoteHost = null;
    MetricsReader metrics = null;
    List<Logprob> logprobs = List.of();
    for (String name = field(in); name != null; name = field(in)) {
      switch (name) {
        case "model" -> model = model(in);
        case "created_at" -> createdAt = instant(in);
        case "message" -> message = message(in);
        case "done" -> done = flag(in, name);
        case "done_reason" -> doneReason = text(in, name);
        case "remote_model" -> remoteModel = text(in, name);
        case "remote_host" -> remoteHost = text(in, name);
        case "logprobs" -> logprobs = Replies.logprobs(any(in));
        default -> {
          if (MetricsReader.knows(name)) {
            metrics = metrics == null ? new MetricsReader() : metrics;
            metrics.set(name, number(in, name));
          } else {
            keep(in, name);
          }
        }
      }
    }
    refuseErrors(kept());
    return new ChatResponse(
        model,
        createdAt,
        message,
        done,
        doneReason,
        remoteModel,
        remoteHost,
        metrics == null ? Metrics.NONE : metrics.metrics(),
        logprobs,
        kept());
  }

  private static Message message(JsonParser in) throws IOException {
    if (in.nextToken() != JsonToken.START_OBJECT) {
      throw new IllegalArgumentException("\"message\" is no object");
    }
    String role = "assistant";
    String content = "";
    String thinking = null;
    List<Image> images = List.of();
    List<ToolCall> toolCalls = List.of();
    String toolName = null;
    String toolCallId = null;
    Map<String, @Nullable Object> extra = Map.of();
    for (String name = field(in); name != null; name = field(in)) {
      switch (name) {
        case "role" -> role = role(in);
        case "content" -> content = textOrEmpty(in, name);
        case "thinking" -> thinking = text(in, name);
        case "images" -> images = Replies.images(any(in));
        case "tool_calls" -> toolCalls = Replies.toolCalls(any(in));
        case "tool_name" -> toolName = text(in, name);
        case "tool_call_id" -> toolCallId = text(in, name);
        default -> {
          extra = extra.isEmpty() ? new LinkedHashMap<>() : extra;
          extra.put(name, any(in));
        }
      }
    }
    return new Message(role, content, thinking, images, toolCalls, toolName, toolCallId, extra);
  }

  private static String role(JsonParser in) throws IOException {
    return in.nextToken() == JsonToken.VALUE_STRING && same(in, "assistant")
        ? "assistant"
        : in.currentToken() == JsonToken.VALUE_STRING ? in.getText() : "assistant";
  }
}
