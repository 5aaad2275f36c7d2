package io.llmguard.ollama;

import static io.llmguard.testkit.Eventually.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ten thousand streams, each given up: before its first event, in its middle, at its end. */
@Timeout(240)
class ManyCancelledStreamsTest {
  private static final String LINE =
      "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"done\":false}\n";
  private static final ChatRequest REQUEST = ChatRequest.of("m", "hi");

  @Test
  void leaveNoThreadAndNoConnection() {
    Answer endless = Answer.stream("application/x-ndjson").chunk(LINE).chunk(LINE).thenSilence();
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of())) {
      upstream.on("POST", "/api/chat", endless);
      try (OllamaClient client = OllamaClient.create(upstream.uri().toString())) {
        cancel(client, 50);
        await(() -> upstream.openConnections() == 0);
        int threads = clientThreads();
        cancel(client, 10_000);
        await(() -> upstream.openConnections() == 0);
        assertThat(upstream.connections()).isGreaterThan(6_000);
        await(() -> clientThreads() <= threads);
      }
      await(() -> threads("llmguard-ollama") == 0);
    }
  }

  private static void cancel(OllamaClient client, int times) {
    for (int i = 0; i < times; i++) {
      try (var stream = client.chatStream(REQUEST)) {
        if (i % 3 != 0) {
          var chunks = stream.iterator();
          for (int read = 0; read < i % 3; read++) {
            assertThat(chunks.next().text()).isEqualTo("x");
          }
        }
      }
    }
  }

  private static int clientThreads() {
    return threads("llmguard-ollama") + threads("HttpClient-");
  }

  private static int threads(String prefix) {
    return (int)
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith(prefix))
            .count();
  }
}
