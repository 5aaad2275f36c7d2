package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.llmguard.testkit.Recording;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RecordedRequestsTest {
  static List<Recording> requests() {
    return Recorded.requests();
  }

  @ParameterizedTest
  @MethodSource("requests")
  void modelStreamFlagAndPromptAreFound(Recording recording) throws Exception {
    byte[] body = recording.body();
    Operation operation = Objects.requireNonNull(Recorded.operation(recording));
    BodyReading reading = RequestReader.create().read(operation, body);
    assertThat(reading).isInstanceOf(CheckedBody.class);
    CheckedBody checked = (CheckedBody) reading;
    assertThat(checked.bytes()).isSameAs(body);
    assertThat(checked.edits().apply()).isSameAs(body);

    JsonNode json = Recorded.json(recording.bodyText());
    Call call = checked.call();
    assertThat(call.model()).isEqualTo(json.path("model").asText(json.path("source").asText()));
    boolean byDefault = recording.path().matches("/api/(generate|chat|pull)");
    assertThat(call.stream()).isEqualTo(json.path("stream").asBoolean(byDefault));
    String prompt = prompt(operation, json);
    if (prompt == null) {
      assertThat(call.prompt()).isNull();
    } else {
      assertThat(call.prompt()).isEqualTo(new PromptDigest(sha256(prompt), prompt.length()));
    }
  }

  private static String prompt(Operation operation, JsonNode json) {
    return switch (operation.kind()) {
      case EMBEDDING -> lines(json.has("input") ? json.get("input") : json.get("prompt"));
      case GENERATION ->
          json.has("messages") || json.has("input") ? chat(json) : json.path("prompt").asText("");
      default -> null;
    };
  }

  private static String lines(JsonNode inputs) {
    if (inputs.isTextual()) {
      return inputs.asText();
    }
    List<String> lines = new ArrayList<>();
    inputs.forEach(input -> lines.add(input.asText()));
    return String.join("\n", lines);
  }

  private static String chat(JsonNode json) {
    List<String> lines = new ArrayList<>();
    if (json.has("system")) {
      lines.add("system: " + json.get("system").asText());
    }
    if (json.path("input").isTextual()) {
      lines.add("user: " + json.get("input").asText());
    }
    for (JsonNode message : json.path("messages")) {
      List<String> parts = new ArrayList<>();
      if (message.get("content").isTextual()) {
        parts.add(message.get("content").asText());
      } else {
        message.get("content").forEach(part -> parts.add(part.get("text").asText()));
      }
      lines.add(message.get("role").asText() + ": " + String.join("\n", parts));
    }
    return String.join("\n", lines);
  }

  static String sha256(String text) throws Exception {
    return HexFormat.of()
        .formatHex(
            MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }
}
