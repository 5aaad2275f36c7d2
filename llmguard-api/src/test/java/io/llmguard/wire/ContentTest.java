package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Recording;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an operator gets who keeps content: prompts and generated texts in clear. */
class ContentTest {
  static List<Recording> prompts() {
    return Recorded.requests().stream()
        .filter(r -> read(r) instanceof CheckedBody checked && checked.call().prompt() != null)
        .toList();
  }

  private static BodyReading read(Recording recording) {
    return RequestReader.create()
        .read(Objects.requireNonNull(Recorded.operation(recording)), recording.body());
  }

  @ParameterizedTest
  @MethodSource("prompts")
  void theKeptPromptIsTheOneThatWasDigested(Recording recording) {
    CheckedBody body = (CheckedBody) read(recording);
    assertThat(PromptHasher.sha256().digest(body.prompt(1 << 20))).isEqualTo(body.call().prompt());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
  void aLongPromptIsCutBetweenCharacters(int bytes) {
    byte[] body = "{\"model\":\"m\",\"prompt\":\"aé本🚉z\"}".getBytes(StandardCharsets.UTF_8);
    CheckedBody checked =
        (CheckedBody) RequestReader.create().read(Operation.OLLAMA_GENERATE, body);
    String kept = checked.prompt(bytes);
    assertThat("aé本🚉z").startsWith(kept);
    assertThat(kept.getBytes(StandardCharsets.UTF_8).length).isBetween(bytes - 3, bytes);
  }

  @ParameterizedTest
  @CsvSource({
    "generate-once, Why is the sky blue? mendatanguser, Why is the sky",
    "chat-stream, Tell me a fact about the sea. mendatanguser, a fact about the",
    "chat-unicode, Écris en français: où est la gare? 日本語で 🚉 mendatang, 場所に",
    "openai-chat-once, Tell me a fact about the sea. mendatang, sea-going person. mendatang#",
    "openai-chat-stream, Tell me a fact about the sea. mendatang, sea-going person. mendatang#",
    "openai-completions, Once upon a time, Whenever",
    "openai-completions-stream, Once upon a time, Whenever",
    "openai-responses-once, What is the water of the sea?, Tell me a fact about the sea",
    "openai-responses-stream, What is the water of the sea?, Tell me a fact about the sea",
    "anthropic-messages-once, Tell me a fact about the sea. mendatang, person. mendatang#",
    "anthropic-messages-stream, Tell me a fact about the sea. mendatanguser, Tell me",
    "llamacpp-chat-stream, Tell me a fact about the sea.<|im_end|>, Tell me a fact about the sea.<",
  })
  void theGeneratedTextIsFoundWhereverTheBytesAreSplit(String name, String start, String end) {
    Recording recording = Recording.of(name);
    byte[] bytes = recording.responseBody();
    for (int size : new int[] {1, 7, bytes.length}) {
      AnswerText answer = answer(recording, 1 << 20);
      for (int at = 0; at < bytes.length; at += size) {
        answer.accept(ByteBuffer.wrap(bytes, at, Math.min(size, bytes.length - at)));
      }
      String text = answer.text();
      assertThat(text).startsWith(start).endsWith(end.replace("#", "\n"));
      // nothing comes twice: no more characters than the answer's own count of pieces allows
      assertThat(text).hasSizeLessThan(500);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"chat-stream", "openai-chat-stream", "openai-responses-stream"})
  void whatDoesNotFitIsLeftOut(String name) {
    Recording recording = Recording.of(name);
    byte[] bytes = recording.responseBody();
    AnswerText whole = answer(recording, bytes.length);
    whole.accept(ByteBuffer.wrap(bytes));
    AnswerText part = answer(recording, bytes.length / 2);
    part.accept(ByteBuffer.wrap(bytes));
    assertThat(whole.text()).startsWith(part.text()).isNotEqualTo(part.text());
    assertThat(part.text()).isNotEmpty();
  }

  private static AnswerText answer(Recording recording, int max) {
    Operation operation = Objects.requireNonNull(Recorded.operation(recording));
    return AnswerText.of(
        operation,
        ResponseMeters.framing(operation, true, recording.header("Content-Type").orElse(null)),
        max);
  }
}
