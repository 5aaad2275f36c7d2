package io.llmguard.ollama.internal;

import com.fasterxml.jackson.core.JsonParser;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.ToolCall;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Answers of {@code /api/generate}: the hot path, straight from bytes to records. */
final class GenerateDecoder extends LineParser<GenerateResponse> {
  GenerateDecoder() {
    super("\",\"response\":\"", "\",\"done\":false}");
  }

  @Override
  GenerateResponse event(TokenLine line) {
    return new GenerateResponse(
        line.model(),
        line.createdAt(),
        line.text(),
        null,
        false,
        null,
        List.of(),
        List.of(),
        null,
        null,
        Metrics.NONE,
        List.of(),
        Map.of());
  }

  @Override
  GenerateResponse event(JsonParser in) throws IOException {
    String model = "";
    Instant createdAt = null;
    String response = "";
    String thinking = null;
    boolean done = false;
    String doneReason = null;
    List<ToolCall> toolCalls = List.of();
    List<Integer> context = List.of();
    String remoteModel = null;
    String remoteHost = null;
    MetricsReader metrics = null;
    List<Logprob> logprobs = List.of();
    for (String name = field(in); name != null; name = field(in)) {
      switch (name) {
        case "model" -> model = model(in);
        case "created_at" -> createdAt = instant(in);
        case "response" -> response = textOrEmpty(in, name);
        case "thinking" -> thinking = text(in, name);
        case "done" -> done = flag(in, name);
        case "done_reason" -> doneReason = text(in, name);
        case "tool_calls" -> toolCalls = Replies.toolCalls(any(in));
        case "context" -> context = Replies.integers(any(in), name);
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
    return new GenerateResponse(
        model,
        createdAt,
        response,
        thinking,
        done,
        doneReason,
        toolCalls,
        context,
        remoteModel,
        remoteHost,
        metrics == null ? Metrics.NONE : metrics.metrics(),
        logprobs,
        kept());
  }
}
