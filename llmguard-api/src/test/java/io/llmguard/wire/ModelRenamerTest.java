package io.llmguard.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Recording;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelRenamerTest {
  private static byte[] rename(Framing framing, String alias, byte[] answer, int... cuts) {
    ModelRenamer renamer = new ModelRenamer(framing, "model", "gemma3:270m", alias);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int from = 0;
    for (int cut : cuts) {
      write(out, renamer.apply(ByteBuffer.wrap(answer, from, cut - from)));
      from = cut;
    }
    write(out, renamer.apply(ByteBuffer.wrap(answer, from, answer.length - from)));
    write(out, renamer.end());
    return out.toByteArray();
  }

  private static void write(ByteArrayOutputStream out, ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    out.writeBytes(copy);
  }

  private static String rename(Framing framing, String answer) {
    return new String(rename(framing, "alias", answer.getBytes(UTF_8)), UTF_8);
  }

  @ParameterizedTest
  @CsvSource({
    "chat-once,DOCUMENT",
    "chat-stream,LINES",
    "chat-unicode,LINES",
    "generate-stream,LINES",
    "openai-chat-once,DOCUMENT",
    "openai-chat-stream-usage,EVENTS",
    "openai-responses-once,DOCUMENT",
    "openai-responses-stream,EVENTS",
    "anthropic-messages-once,DOCUMENT",
    "anthropic-messages-stream,EVENTS"
  })
  void everyNameOfARecordedAnswerIsReplacedWhereverItIsSplit(String name, Framing framing) {
    byte[] answer = Recording.of(name).responseBody();
    String text = new String(answer, UTF_8);
    byte[] expected =
        text.replace("\"model\":\"gemma3:270m\"", "\"model\":\"moltbot-llm\"").getBytes(UTF_8);
    assertThat(expected).isNotEqualTo(answer);
    assertThat(rename(framing, "moltbot-llm", answer)).isEqualTo(expected);
    for (int cut = 0; cut <= answer.length; cut++) {
      assertThat(rename(framing, "moltbot-llm", answer, cut)).isEqualTo(expected);
    }
    Random random = new Random(7);
    for (int i = 0; i < 50; i++) {
      int[] cuts = random.ints(20, 0, answer.length + 1).sorted().toArray();
      assertThat(rename(framing, "moltbot-llm", answer, cuts)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @CsvSource({"chat-stream,LINES", "openai-responses-stream,EVENTS", "show,DOCUMENT"})
  void theSameNameLeavesEveryByteAsItWas(String name, Framing framing) {
    byte[] answer = Recording.of(name).responseBody();
    assertThat(rename(framing, "gemma3:270m", answer)).isEqualTo(answer);
  }

  @Test
  void whatTheModelSaidIsNeverTouched() {
    String said =
        "{\"message\":{\"content\":\"\\\"model\\\":\\\"gemma3:270m\\\"\",\"tool_calls\":[{\"function\":"
            + "{\"arguments\":{\"model\":\"gemma3:270m\"}}}]},\"x\":{\"model\":\"gemma3:270m\"}}\n";
    assertThat(rename(Framing.LINES, said)).isEqualTo(said);
    String event =
        "event: \"model\":\"gemma3:270m\"\ndata: {\"delta\":{\"model\":\"gemma3:270m\"}}\n\n";
    assertThat(rename(Framing.EVENTS, event)).isEqualTo(event);
  }

  @Test
  void whiteSpaceEscapesAndTheTagLatestAreSeenThrough() {
    assertThat(
            rename(
                Framing.DOCUMENT,
                "{\n \"a\\\"\": [1, \"model\"],\n \"model\" : \"gemma3:270m\"\n}"))
        .isEqualTo("{\n \"a\\\"\": [1, \"model\"],\n \"model\" : \"alias\"\n}");
    assertThat(rename(Framing.DOCUMENT, "{\"model\":\"gemma3:270m:latest\"}"))
        .isEqualTo("{\"model\":\"alias\"}");
    assertThat(rename(Framing.DOCUMENT, "{\"model\":\"gemma3:270m-other\"}"))
        .isEqualTo("{\"model\":\"gemma3:270m-other\"}");
  }

  @Test
  void aLineThatIsBrokenOffDoesNotSpoilTheNext() {
    assertThat(rename(Framing.LINES, "{\"model\":\"gemma3\n{\"model\":\"gemma3:270m\"}\n"))
        .isEqualTo("{\"model\":\"gemma3\n{\"model\":\"alias\"}\n");
  }

  @Test
  void anEndlessNamePassesInBoundedMemory() {
    String longName = "x".repeat(100_000);
    String line =
        "{\"model\":\"" + longName + "\",\"" + longName + "\":1,\"model\":\"gemma3:270m\"}";
    assertThat(rename(Framing.LINES, line)).isEqualTo(line.replace("gemma3:270m", "alias"));
  }
}
