package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Recording;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseMetersTest {
  static List<Recording> metered() {
    return Recorded.metered();
  }

  @Test
  void thereAreRecordingsOfEveryApi() {
    assertThat(metered())
        .extracting(Recorded::operation)
        .contains(
            Operation.OLLAMA_CHAT,
            Operation.OLLAMA_GENERATE,
            Operation.OPENAI_CHAT,
            Operation.OPENAI_COMPLETIONS,
            Operation.OPENAI_EMBEDDINGS,
            Operation.OPENAI_RESPONSES,
            Operation.ANTHROPIC_MESSAGES);
  }

  @ParameterizedTest
  @MethodSource("metered")
  void countsAreTheRecordingsOwnWhereverItIsSplitInTwo(Recording recording) {
    byte[] body = recording.responseBody();
    Usage recorded = Recorded.usage(recording);
    for (int cut = 0; cut <= body.length; cut++) {
      ResponseMeter meter = Recorded.meter(recording);
      meter.accept(ByteBuffer.wrap(body, 0, cut));
      meter.accept(ByteBuffer.wrap(body, cut, body.length - cut));
      assertThat(meter.usage()).as("cut at %d", cut).isEqualTo(recorded);
      assertThat(meter.finished()).as("cut at %d", cut).isTrue();
      assertThat(meter.failed()).as("cut at %d", cut).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("metered")
  void countsAreTheRecordingsOwnByteByByteAndInRandomPieces(Recording recording) {
    byte[] body = recording.responseBody();
    Random random = new Random(4711);
    for (int most : new int[] {1, 2, 3, 7, 130, 5_000}) {
      ResponseMeter meter = Recorded.meter(recording);
      long events = -1;
      for (int at = 0; at < body.length; ) {
        int size = Math.min(body.length - at, 1 + random.nextInt(most));
        ByteBuffer piece = ByteBuffer.wrap(body, at, size);
        if (random.nextBoolean()) {
          piece = piece.asReadOnlyBuffer();
        }
        meter.accept(piece);
        assertThat(piece.remaining()).isEqualTo(size);
        assertThat(meter.outputEvents()).isGreaterThanOrEqualTo(events);
        events = meter.outputEvents();
        at += size;
      }
      assertThat(meter.usage()).isEqualTo(Recorded.usage(recording));
      assertThat(meter.finished()).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("metered")
  void anAnswerThatIsCutBeforeItsTerminatorIsNotFinished(Recording recording) {
    byte[] body = recording.responseBody();
    int whole = new String(body, StandardCharsets.ISO_8859_1).stripTrailing().length();
    for (int cut = 0; cut < whole; cut++) {
      ResponseMeter meter = Recorded.meter(recording);
      meter.accept(ByteBuffer.wrap(body, 0, cut));
      assertThat(meter.finished()).as("cut at %d of %d", cut, whole).isFalse();
      assertThat(meter.failed()).isFalse();
      assertThat(meter.atLineStart()).isEqualTo(cut == 0 || body[cut - 1] == '\n');
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "chat-stream",
        "openai-chat-stream",
        "openai-chat-stream-usage",
        "openai-completions-stream",
        "openai-responses-stream",
        "anthropic-messages-stream",
        "llamacpp-chat-stream"
      })
  void outputEventsOfAStreamAreCloseToItsTokens(String name) {
    Recording recording = Recording.of(name);
    ResponseMeter meter = Recorded.meter(recording);
    recording.chunks().forEach(chunk -> meter.accept(ByteBuffer.wrap(chunk)));
    long tokens =
        switch (name) {
          case "chat-stream" -> 60;
          case "openai-chat-stream", "openai-chat-stream-usage" -> 40;
          case "llamacpp-chat-stream" -> 30;
          default -> 20;
        };
    assertThat(meter.outputEvents()).isBetween(tokens - 2, tokens);
  }

  @Test
  void anErrorLineInMidStreamIsAFailure() {
    Recording recording = Recording.of("pull-unreachable");
    ResponseMeter meter = Recorded.meter(recording);
    recording.chunks().forEach(chunk -> meter.accept(ByteBuffer.wrap(chunk)));
    assertThat(meter.failed()).isTrue();
    assertThat(meter.finished()).isFalse();
  }
}
