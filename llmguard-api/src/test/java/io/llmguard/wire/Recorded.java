package io.llmguard.wire;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Recording;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the recordings say, as an independent reader finds it. */
final class Recorded {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Recorded() {}

  /** The operation of a recording whose request has a JSON body and whose answer is metered. */
  static @Nullable Operation operation(Recording recording) {
    return switch (recording.path()) {
      case "/api/generate" -> Operation.OLLAMA_GENERATE;
      case "/api/chat" -> Operation.OLLAMA_CHAT;
      case "/api/embed" -> Operation.OLLAMA_EMBED;
      case "/api/embeddings" -> Operation.OLLAMA_EMBEDDINGS;
      case "/api/show" -> Operation.OLLAMA_SHOW;
      case "/api/pull" -> Operation.OLLAMA_PROGRESS;
      case "/api/copy", "/api/delete" -> Operation.OLLAMA_MANAGE;
      case "/v1/chat/completions" -> Operation.OPENAI_CHAT;
      case "/v1/completions" -> Operation.OPENAI_COMPLETIONS;
      case "/v1/embeddings" -> Operation.OPENAI_EMBEDDINGS;
      case "/v1/responses" -> Operation.OPENAI_RESPONSES;
      case "/v1/messages" -> Operation.ANTHROPIC_MESSAGES;
      default -> null;
    };
  }

  /** Recordings whose request body is a JSON object. */
  static List<Recording> requests() {
    return Recording.all().stream()
        .filter(r -> operation(r) != null && r.method().matches("POST|DELETE"))
        .filter(r -> r.body().length > 0 && r.bodyText().endsWith("}"))
        .toList();
  }

  /** Recordings whose answer is a success that says what was used. */
  static List<Recording> metered() {
    return requests().stream().filter(r -> r.status() == 200 && usage(r) != null).toList();
  }

  /** The meter of a recording's answer. */
  static ResponseMeter meter(Recording recording) {
    Operation operation = operation(recording);
    JsonNode stream = json(recording.bodyText()).path("stream");
    boolean byDefault = recording.path().matches("/api/(generate|chat|pull)");
    return ResponseMeters.meter(
        java.util.Objects.requireNonNull(operation),
        stream.isMissingNode() ? byDefault : stream.asBoolean(),
        recording.status(),
        recording.header("Content-Type").orElse(null),
        recording.header("Content-Encoding").orElse(null));
  }

  /** The counts in a recorded answer, from its last text that has any. */
  static @Nullable Usage usage(Recording recording) {
    Usage last = null;
    for (JsonNode text : texts(recording)) {
      Usage usage = usage(text);
      last = usage == null ? last : usage;
    }
    return last;
  }

  private static @Nullable Usage usage(JsonNode text) {
    if (text.path("done").asBoolean()) {
      return Usage.reported(
          text.path("prompt_eval_count").asLong(), text.path("eval_count").asLong());
    }
    for (JsonNode usage :
        List.of(text.path("usage"), text.at("/message/usage"), text.at("/response/usage"))) {
      if (usage.isObject()) {
        return Usage.reported(
                usage.path("prompt_tokens").asLong() + usage.path("input_tokens").asLong(),
                usage.path("completion_tokens").asLong() + usage.path("output_tokens").asLong())
            .cached(
                usage.at("/prompt_tokens_details/cached_tokens").asLong()
                    + usage.at("/input_tokens_details/cached_tokens").asLong()
                    + usage.path("cache_read_input_tokens").asLong());
      }
    }
    JsonNode timings = text.path("timings");
    return timings.isObject()
        ? Usage.reported(
                timings.path("prompt_n").asLong() + timings.path("cache_n").asLong(),
                timings.path("predicted_n").asLong())
            .cached(timings.path("cache_n").asLong())
        : null;
  }

  /** The JSON texts of an answer: a document, lines, or the data of events. */
  static List<JsonNode> texts(Recording recording) {
    return recording
        .responseText()
        .lines()
        .map(line -> line.startsWith("data: ") ? line.substring(6) : line)
        .filter(line -> line.startsWith("{"))
        .map(Recorded::json)
        .toList();
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
