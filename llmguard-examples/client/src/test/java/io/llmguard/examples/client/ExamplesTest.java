package io.llmguard.examples.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each program, run against a server that replays. */
@Timeout(30)
class ExamplesTest {
  private static final String MODEL = "gemma3:270m";

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  @AfterEach
  void close() {
    upstream.close();
  }

  private String printed() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void streamingChat() {
    upstream.enqueue(Answer.replay(Recording.of("chat-unicode")));
    StreamingChat.run(upstream.uri().toString(), MODEL, "hi", out);
    assertThat(printed()).startsWith("Écris en français: où est la gare?").contains(" tokens/s");
  }

  @Test
  void pullDrawsABar() {
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .chunk("{\"status\":\"pulling manifest\"}\n")
            .chunk(
                "{\"status\":\"pulling a\",\"digest\":\"sha256:a\",\"total\":4,\"completed\":1}\n")
            .chunk(
                "{\"status\":\"pulling a\",\"digest\":\"sha256:a\",\"total\":4,\"completed\":4}\n")
            .chunk("{\"status\":\"success\"}\n")
            .endChunks());
    PullWithProgress.run(upstream.uri().toString(), MODEL, out);
    assertThat(printed())
        .isEqualTo(
            "pulling manifest\n\rpulling a [#######.......................]  25%"
                + "\rpulling a [##############################] 100%\nsuccess\n");
  }

  @Test
  void structuredAnswer() {
    upstream.enqueue(Answer.replay(Recording.of("generate-json")));
    StructuredAnswer.run(upstream.uri().toString(), MODEL, out);
    assertThat(printed()).isEqualToIgnoringNewLines("one-colour");
  }

  @Test
  void toolUse() throws Exception {
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":"
                + "{\"name\":\"add\",\"arguments\":{\"a\":2,\"b\":40}}}]},\"done\":true}"));
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"message\":{\"role\":\"assistant\",\"content\":\"It is 42.\"},\"done\":true}"));
    ToolUse.run(upstream.uri().toString(), MODEL, "What is 2 + 40?", out);
    assertThat(printed()).isEqualToIgnoringNewLines("It is 42.");
    upstream.takeRequest();
    assertThat(upstream.takeRequest().bodyText()).contains("\"content\":\"42\"");
  }
}
