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
            .chunk(layer("a", 4_000_000, 1_000_000))
            .chunk(layer("a", 4_000_000, 4_000_000))
            // the server says so as often as it looks
            .chunk(layer("a", 4_000_000, 4_000_000))
            .chunk(layer("b", 200_000, 200_000))
            .chunk("{\"status\":\"success\"}\n")
            .endChunks());
    PullWithProgress.run(upstream.uri().toString(), MODEL, out);
    String full = "##############################";
    assertThat(printed())
        .isEqualToNormalizingNewlines(
            "pulling manifest\n\rpulling a [#######.......................]  25% of 4.0 MB"
                + "\rpulling a [%s] 100%% of 4.0 MB".formatted(full).repeat(2)
                + "\n\rpulling b [%s] 100%% of 0.2 MB".formatted(full)
                + "\nsuccess\n");
  }

  private static String layer(String name, long total, long completed) {
    return "{\"status\":\"pulling %s\",\"digest\":\"sha256:%s\",\"total\":%d,\"completed\":%d}\n"
        .formatted(name, name, total, completed);
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
