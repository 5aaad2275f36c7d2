package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.openai.OpenAiClient;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A 200 that is empty, or of some other service, is no value. */
@Timeout(30)
class EmptyAnswersTest {
  private static final String DIGEST = "sha256:" + "0".repeat(64);

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final OllamaClient client = OllamaClient.create(upstream.uri().toString());
  private final OpenAiClient other = OpenAiClient.create(upstream.uri().toString());

  @AfterEach
  void close() {
    client.close();
    other.close();
    upstream.close();
  }

  static Stream<Named<BiConsumer<OllamaClient, OpenAiClient>>> calls() {
    return Stream.of(
        Named.of("list", (c, o) -> c.list()),
        Named.of("running", (c, o) -> c.running()),
        Named.of("version", (c, o) -> c.version()),
        Named.of("show", (c, o) -> c.show(ShowRequest.of("m"))),
        Named.of("embed", (c, o) -> c.embed(EmbedRequest.of("m", "x"))),
        Named.of("embeddings", (c, o) -> c.embeddings(EmbeddingsRequest.builder("m", "x").build())),
        Named.of("OpenAI embeddings", (c, o) -> o.embeddings("m", List.of("x"))),
        Named.of("OpenAI models", (c, o) -> o.models()));
  }

  @ParameterizedTest
  @MethodSource("calls")
  void anEmptyOrForeignAnswerIsMalformed(BiConsumer<OllamaClient, OpenAiClient> call) {
    for (String body : List.of("", " \n", "{}", "{\"ok\":true}", "[]", "<html>welcome</html>")) {
      upstream.enqueue(Answer.plain("application/json", body));
      assertThatThrownBy(() -> call.accept(client, other))
          .as("\"%s\"", body)
          .isInstanceOf(OllamaException.Malformed.class);
    }
  }

  @Test
  void alsoForWhatIsReportedStepByStep() {
    for (String body : List.of("{}\n", "{\"ok\":true}\n", "<html>\n")) {
      upstream.enqueue(Answer.plain("application/json", body));
      assertThatThrownBy(() -> client.pull(PullRequest.of("m")))
          .isInstanceOf(OllamaException.Malformed.class);
    }
    upstream.enqueue(Answer.plain("application/json", ""));
    assertThatThrownBy(() -> client.push(PushRequest.of("m")))
        .isInstanceOf(OllamaException.Truncated.class);
  }

  @Test
  void whatSaysAllByItsStatusMayBeEmpty(@TempDir Path folder) throws Exception {
    Answer empty = Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    upstream.enqueue(empty);
    assertThatCode(() -> client.copy("a", "b")).doesNotThrowAnyException();
    upstream.enqueue(empty);
    assertThatCode(() -> client.delete("a")).doesNotThrowAnyException();
    upstream.enqueue(empty);
    assertThat(client.blobExists(DIGEST)).isTrue();
    upstream.enqueue(Answer.status(404, "text/plain", ""));
    upstream.enqueue(empty);
    assertThat(client.createBlob(Files.write(folder.resolve("blob"), new byte[] {1})))
        .startsWith("sha256:");
  }

  @Test
  void anEmptyListIsOne() {
    upstream.enqueue(Answer.plain("application/json", "{\"models\":[]}"));
    assertThat(client.list().models()).isEmpty();
    upstream.enqueue(Answer.plain("application/json", "{\"models\":null}"));
    assertThat(client.running().models()).isEmpty();
  }
}
