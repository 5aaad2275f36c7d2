package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.llmguard.testkit.Recording;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class StreamEndTest {
  private static String cut(Recording recording, int at, StreamEnd.Cause cause) {
    Operation operation = Objects.requireNonNull(Recorded.operation(recording));
    byte[] body = recording.responseBody();
    ResponseMeter meter = Recorded.meter(recording);
    meter.accept(ByteBuffer.wrap(body, 0, at));
    return new String(body, 0, at, StandardCharsets.ISO_8859_1)
        + new String(StreamEnd.after(operation, meter, cause), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"chat-stream", "generate-stream"})
  void linesEndWithAnErrorLineWhereverTheyAreCut(String name) {
    Recording recording = Recording.of(name);
    int whole = recording.responseBody().length - 1;
    for (int at = 0; at < whole; at++) {
      List<String> lines = cut(recording, at, StreamEnd.Cause.TRUNCATED).lines().toList();
      JsonNode last = Recorded.json(lines.get(lines.size() - 1));
      assertThat(last.path("error").asText()).contains("ended before it was complete");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "openai-chat-stream",
        "openai-completions-stream",
        "openai-responses-stream",
        "anthropic-messages-stream",
        "llamacpp-chat-stream"
      })
  void eventsEndWithAnErrorEventWhereverTheyAreCut(String name) {
    Recording recording = Recording.of(name);
    int whole = recording.responseText().stripTrailing().getBytes(StandardCharsets.UTF_8).length;
    for (int at = 0; at < whole; at++) {
      List<String[]> events = events(cut(recording, at, StreamEnd.Cause.FAILED));
      String[] last = events.get(events.size() - 1);
      JsonNode data = Recorded.json(last[1]);
      switch (Objects.requireNonNull(Recorded.operation(recording))) {
        case ANTHROPIC_MESSAGES -> {
          assertThat(last[0]).isEqualTo("error");
          assertThat(data.path("type").asText()).isEqualTo("error");
          assertThat(data.at("/error/type").asText()).isEqualTo("api_error");
          assertThat(data.at("/error/message").asText()).isNotEmpty();
        }
        case OPENAI_RESPONSES -> {
          assertThat(last[0]).isEqualTo("error");
          assertThat(data.path("type").asText()).isEqualTo("error");
          assertThat(data.path("message").asText()).isNotEmpty();
        }
        default -> {
          assertThat(last[0]).isEmpty();
          assertThat(data.at("/error/message").asText()).isNotEmpty();
          assertThat(data.at("/error/code").asText()).isEqualTo("upstream_failed");
        }
      }
    }
  }

  /** Name and data of each event, as a client dispatches them. */
  private static List<String[]> events(String stream) {
    List<String[]> events = new ArrayList<>();
    String name = "";
    StringBuilder data = new StringBuilder();
    for (String line : stream.split("\n", -1)) {
      if (line.isEmpty()) {
        if (data.length() > 0) {
          events.add(new String[] {name, data.toString().stripTrailing()});
        }
        name = "";
        data.setLength(0);
      } else if (line.startsWith("event: ")) {
        name = line.substring(7);
      } else if (line.startsWith("data: ")) {
        data.append(line, 6, line.length()).append('\n');
      }
    }
    return events;
  }

  @ParameterizedTest
  @EnumSource(StreamEnd.Cause.class)
  void theMeterThatReadsItSeesTheFailure(StreamEnd.Cause cause) {
    for (String name :
        List.of(
            "chat-stream",
            "openai-chat-stream",
            "openai-responses-stream",
            "anthropic-messages-stream")) {
      Recording recording = Recording.of(name);
      ResponseMeter meter = Recorded.meter(recording);
      String stream = cut(recording, recording.responseBody().length / 2, cause);
      meter.accept(ByteBuffer.wrap(stream.getBytes(StandardCharsets.ISO_8859_1)));
      assertThat(meter.failed()).isTrue();
      assertThat(meter.finished()).isFalse();
    }
  }

  @Test
  void aWholeAnswerAToldErrorAndADocumentGetNothing() {
    for (String name : List.of("chat-stream", "pull-unreachable", "openai-chat-stream")) {
      Recording recording = Recording.of(name);
      int length = recording.responseBody().length;
      assertThat(cut(recording, length, StreamEnd.Cause.TRUNCATED)).hasSize(length);
    }
    Recording document = Recording.of("chat-once");
    assertThat(cut(document, 100, StreamEnd.Cause.TRUNCATED)).hasSize(100);
  }
}
