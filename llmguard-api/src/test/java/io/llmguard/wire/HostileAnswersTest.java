package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Recording;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What meters make of answers that no recording holds: other servers', broken ones, hostile ones.
 */
class HostileAnswersTest {
  private static final String NDJSON = "application/x-ndjson";
  private static final String SSE = "text/event-stream; charset=utf-8";

  private static ResponseMeter read(Operation operation, String type, String body) {
    ResponseMeter whole = ResponseMeters.meter(operation, true, 200, type, null);
    ResponseMeter bytewise = ResponseMeters.meter(operation, true, 200, type, null);
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    whole.accept(ByteBuffer.wrap(bytes));
    for (int i = 0; i < bytes.length; i++) {
      bytewise.accept(ByteBuffer.wrap(bytes, i, 1));
    }
    assertThat(bytewise.usage()).isEqualTo(whole.usage());
    assertThat(bytewise.finished()).isEqualTo(whole.finished());
    assertThat(bytewise.failed()).isEqualTo(whole.failed());
    assertThat(bytewise.outputEvents()).isEqualTo(whole.outputEvents());
    assertThat(bytewise.atLineStart()).isEqualTo(whole.atLineStart());
    return whole;
  }

  // ---- shapes of other servers

  @Test
  void anEndOfOpenAisStreamWithoutDoneIsNoEnd() {
    // Ollama's /v1 side swallows an error in mid-stream: the stream just ends
    String body = Recording.of("openai-chat-stream").responseText().replace("data: [DONE]\n\n", "");
    ResponseMeter meter = read(Operation.OPENAI_CHAT, SSE, body);
    assertThat(meter.finished()).isFalse();
    assertThat(meter.failed()).isFalse();
    assertThat(meter.usage()).isNull();
    assertThat(meter.outputEvents()).isGreaterThan(30);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\r\n", "\r"})
  void everyLineEndOfEventStreamsIsTaken(String end) {
    for (String name : new String[] {"openai-chat-stream-usage", "anthropic-messages-stream"}) {
      Recording recording = Recording.of(name);
      Operation operation = Recorded.operation(recording);
      assertThat(operation).isNotNull();
      ResponseMeter meter = read(operation, SSE, recording.responseText().replace("\n", end));
      assertThat(meter.usage()).isEqualTo(Recorded.usage(recording));
      assertThat(meter.finished()).isTrue();
      assertThat(meter.atLineStart()).isTrue();
    }
  }

  @Test
  void usageInEveryChunkIsTakenFromTheLast() {
    // vLLM with continuous_usage_stats
    String chunk =
        "data:{\"choices\":[{\"delta\":{\"content\":\"x\"}}],"
            + "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d,\"total_tokens\":9}}\n\n";
    ResponseMeter meter =
        read(
            Operation.OPENAI_CHAT,
            SSE,
            chunk.formatted(1)
                + chunk.formatted(2)
                + "data: {\"choices\":[],\"usage\":null}\n\ndata: [DONE]\n\n");
    assertThat(meter.usage()).isEqualTo(Usage.reported(5, 2));
    assertThat(meter.outputEvents()).isEqualTo(2);
    assertThat(meter.finished()).isTrue();
  }

  @Test
  void dataOverSeveralLinesCommentsAndOtherFieldsAreRead() {
    String body =
        """
        : keep-alive

        id: 7
        retry: 10
        data: {"choices":[],
        data: "usage":
        data: {"prompt_tokens":5,"completion_tokens":2}}

        event: ping
        data: {}

        data

        data:

        : [DONE]

        xdata: [DONE]

        """;
    ResponseMeter meter = read(Operation.OPENAI_CHAT, SSE, body);
    assertThat(meter.usage()).isEqualTo(Usage.reported(5, 2));
    assertThat(meter.finished()).isFalse();
    assertThat(read(Operation.OPENAI_CHAT, SSE, body + "data:[DONE]").finished()).isTrue();
  }

  @Test
  void deltasOfEveryKindAreOutput() {
    String body =
        """
        data: {"choices":[{"delta":{"role":"assistant","content":""}}]}

        data: {"choices":[{"delta":{"reasoning_content":"a"}}]}

        data: {"choices":[{"delta":{"reasoning":"a"}}]}

        data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}

        data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

        """;
    assertThat(read(Operation.OPENAI_CHAT, SSE, body).outputEvents()).isEqualTo(3);
    String lines =
        """
        {"message":{"role":"assistant","content":"","thinking":"a"},"done":false}
        {"message":{"role":"assistant","content":""},"done":false}
        {"message":{"tool_calls":[{"function":{}}]},"done":false}
        """;
    assertThat(read(Operation.OLLAMA_CHAT, NDJSON, lines).outputEvents()).isEqualTo(2);
  }

  @Test
  void tokensFromAndForTheCacheAreInput() {
    String body =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
            + "{\"input_tokens\":3,\"cache_creation_input_tokens\":20,"
            + "\"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\n"
            + "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":"
            + "{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    ResponseMeter meter = read(Operation.ANTHROPIC_MESSAGES, SSE, body);
    assertThat(meter.usage()).isEqualTo(Usage.reported(123, 9).cached(100));
    assertThat(meter.finished()).isTrue();
  }

  @Test
  void loadingAndUnloadingSpendNothing() {
    for (String name : new String[] {"generate-load", "generate-unload"}) {
      Recording recording = Recording.of(name);
      ResponseMeter meter = Recorded.meter(recording);
      meter.accept(ByteBuffer.wrap(recording.responseBody()));
      assertThat(meter.usage()).isEqualTo(Usage.reported(0, 0));
    }
  }

  @Test
  void progressEndsWithSuccess() {
    String line = "{\"status\":\"pulling\",\"total\":9,\"completed\":%d}\n";
    String body = line.formatted(1) + line.formatted(9);
    assertThat(read(Operation.OLLAMA_PROGRESS, NDJSON, body).finished()).isFalse();
    assertThat(
            read(Operation.OLLAMA_PROGRESS, NDJSON, body + "{\"status\":\"success\"}\n").finished())
        .isTrue();
  }

  // ---- errors in mid-stream

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OLLAMA_CHAT | {\"error\":\"out of memory\"}",
        "OPENAI_CHAT | data: {\"error\":{\"message\":\"x\"}}",
        "OPENAI_CHAT | data: {\"error\":\"x\"}",
        "OPENAI_CHAT | error: {\"code\":500}",
        "OPENAI_CHAT | event: error",
        "OPENAI_RESPONSES | data: {\"type\":\"error\",\"message\":\"x\"}",
        "OPENAI_RESPONSES | data: {\"response\":{\"error\":{\"code\":\"x\"}},\"type\":\"response.failed\"}",
        "ANTHROPIC_MESSAGES | data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}",
      })
  void anErrorInMidStreamIsSeen(Operation operation, String line) {
    String type = operation == Operation.OLLAMA_CHAT ? NDJSON : SSE;
    assertThat(read(operation, type, line + "\n\n").failed()).isTrue();
  }

  @Test
  void whatTheModelSaysIsNeverTakenForWhatTheServerSays() {
    String said =
        "\\\"done\\\":true,\\\"error\\\":\\\"x\\\",\\\"eval_count\\\":999}\\n{\\\"done\\\":true}\\n"
            + "data: [DONE]\\n\\n";
    String line = "{\"message\":{\"content\":\"" + said + "\"},\"done\":false}\n";
    ResponseMeter meter = read(Operation.OLLAMA_CHAT, NDJSON, line);
    assertThat(meter.finished()).isFalse();
    assertThat(meter.failed()).isFalse();
    assertThat(meter.usage()).isNull();
    String nested =
        "{\"message\":{\"tool_calls\":[{\"function\":{\"arguments\":{\"done\":true,\"error\":\"x\","
            + "\"eval_count\":9,\"message\":{\"content\":\"y\"}}}}],\"done\":true},\"done\":false}\n";
    meter = read(Operation.OLLAMA_CHAT, NDJSON, nested);
    assertThat(meter.finished()).isFalse();
    assertThat(meter.failed()).isFalse();
    assertThat(meter.usage()).isNull();
    String event = "data: {\"choices\":[{\"delta\":{\"content\":\"" + said + "\"}}]}\n\n";
    meter = read(Operation.OPENAI_CHAT, SSE, event);
    assertThat(meter.finished()).isFalse();
    assertThat(meter.failed()).isFalse();
  }

  // ---- lies and garbage

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "-5 | 0",
        "99999999999999999999999 | 0",
        "1e9 | 0",
        "\"7\" | 0",
        "null | 0",
        "7.9 | 7",
        "7 | 7"
      })
  void countsThatAreNoneAreNotTaken(String count, long output) {
    String line = "{\"done\":true,\"prompt_eval_count\":3,\"eval_count\":" + count + "}\n";
    ResponseMeter meter = read(Operation.OLLAMA_CHAT, NDJSON, line);
    assertThat(meter.usage()).isEqualTo(Usage.reported(3, output));
  }

  @Test
  void aLineOfAHundredMebibytesTakesNoMemoryAndItsCountsAreFound() {
    ResponseMeter meter = ResponseMeters.meter(Operation.OLLAMA_GENERATE, true, 200, NDJSON, null);
    byte[] piece = new byte[1 << 20];
    for (String fill : new String[] {"1,", "\"x\",", "[", "{\"a\":"}) {
      byte[] unit = fill.getBytes(StandardCharsets.US_ASCII);
      for (int i = 0; i < piece.length; i++) {
        piece[i] = unit[i % unit.length];
      }
      meter.accept(ByteBuffer.wrap("{\"context\":[".getBytes(StandardCharsets.US_ASCII)));
      for (int i = 0; i < 100; i++) {
        meter.accept(ByteBuffer.wrap(piece));
      }
      meter.accept(ByteBuffer.wrap(new byte[] {'\n'}));
    }
    assertThat(meter.usage()).isNull();
    Arrays.fill(piece, (byte) 'x');
    meter.accept(ByteBuffer.wrap("{\"response\":\"".getBytes(StandardCharsets.US_ASCII)));
    for (int i = 0; i < 100; i++) {
      meter.accept(ByteBuffer.wrap(piece));
    }
    meter.accept(
        ByteBuffer.wrap(
            "\",\"done\":true,\"prompt_eval_count\":4,\"eval_count\":2}\n"
                .getBytes(StandardCharsets.US_ASCII)));
    assertThat(meter.usage()).isEqualTo(Usage.reported(4, 2));
    assertThat(meter.finished()).isTrue();
  }

  @Test
  void aBrokenLineDoesNotHideTheNextOne() {
    for (String broken :
        new String[] {"{\"a\":\"", "{\"a\":[[{", "}}}]]", "\"\\", "{\"done\":", "{\"x"}) {
      String body = broken + "\n{\"done\":true,\"eval_count\":2}\n";
      assertThat(read(Operation.OLLAMA_CHAT, NDJSON, body).usage())
          .as(broken)
          .isEqualTo(Usage.reported(0, 2));
      String events = "data: " + broken + "\n\ndata: {\"usage\":{\"completion_tokens\":2}}\n\n";
      assertThat(read(Operation.OPENAI_CHAT, SSE, events).usage())
          .as(broken)
          .isEqualTo(Usage.reported(0, 2));
    }
  }

  @Test
  void randomDamageNeverThrowsAndNeverDependsOnTheSplit() {
    Random random = new Random(17);
    for (Recording recording : Recorded.metered()) {
      Operation operation = Recorded.operation(recording);
      for (int round = 0; round < 60; round++) {
        byte[] body = recording.responseBody();
        for (int i = random.nextInt(20); i >= 0; i--) {
          body[random.nextInt(body.length)] =
              random.nextBoolean() ? (byte) random.nextInt(256) : body[random.nextInt(body.length)];
        }
        assertThat(operation).isNotNull();
        read(
            operation,
            recording.header("Content-Type").orElse(null),
            new String(body, StandardCharsets.ISO_8859_1));
      }
    }
  }

  // ---- which meter

  @Test
  void answersThatCannotBeReadAreNotMetered() {
    Operation chat = Operation.OLLAMA_CHAT;
    assertThat(ResponseMeters.meter(chat, true, 200, NDJSON, "gzip"))
        .isSameAs(ResponseMeter.none());
    assertThat(ResponseMeters.meter(chat, true, 404, NDJSON, null)).isSameAs(ResponseMeter.none());
    assertThat(ResponseMeters.meter(Operation.OLLAMA_TAGS, false, 200, "application/json", null))
        .isSameAs(ResponseMeter.none());
    assertThat(ResponseMeters.meter(Operation.OPENAI_TRANSCRIPTIONS, false, 200, "text/vtt", null))
        .isSameAs(ResponseMeter.none());
    assertThat(ResponseMeters.meter(chat, true, 200, NDJSON, "identity").framing())
        .isEqualTo(Framing.LINES);
  }

  @ParameterizedTest
  @CsvSource({
    "OLLAMA_CHAT, true, application/json, DOCUMENT",
    "OLLAMA_CHAT, true, , LINES",
    "OLLAMA_CHAT, false, , DOCUMENT",
    "OLLAMA_CHAT, false, application/x-ndjson, LINES",
    "OPENAI_CHAT, true, , EVENTS",
    "OPENAI_CHAT, false, Text/Event-Stream;charset=x, EVENTS",
    "OPENAI_RESPONSES, false, application/json; charset=utf-8, DOCUMENT"
  })
  void theContentTypeDecidesBeforeTheFlag(
      Operation operation, boolean stream, String type, Framing framing) {
    assertThat(ResponseMeters.meter(operation, stream, 200, type, null).framing())
        .isEqualTo(framing);
  }
}
