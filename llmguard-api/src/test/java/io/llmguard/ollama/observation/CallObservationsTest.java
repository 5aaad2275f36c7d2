package io.llmguard.ollama.observation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.ollama.CallObserver;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.OllamaException;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.net.URI;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class CallObservationsTest {
  @Test
  void aCallIsAnObservationByTheGenAiNames() throws Exception {
    BlockingQueue<Observation.Context> stopped = new LinkedBlockingQueue<>();
    ObservationRegistry registry = registry(stopped);
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of());
        OllamaClient client =
            OllamaClient.builder()
                .baseUrl(upstream.uri().toString())
                .observer(new CallObservations(registry))
                .build()) {
      upstream.enqueue(Answer.replay(Recording.of("chat-once")));
      client.chat(ChatRequest.of("gemma3:270m", "geheim"));
      Observation.Context good = stopped.poll(10, TimeUnit.SECONDS);
      assertThat(good.getName()).isEqualTo("gen_ai.client.operation");
      assertThat(good.getContextualName()).isEqualTo("chat gemma3:270m");
      assertThat(value(good, "gen_ai.operation.name")).isEqualTo("chat");
      assertThat(value(good, "gen_ai.usage.output_tokens")).isEqualTo("40");
      assertThat(value(good, "gen_ai.response.finish_reasons")).isEqualTo("length");
      assertThat(value(good, "error.type")).isEqualTo("none");
      assertThat(good.getAllKeyValues().toString()).doesNotContain("geheim");

      upstream.enqueue(Answer.replay(Recording.of("error-model-missing")));
      assertThatThrownBy(() -> client.chat(ChatRequest.of("nope", "hi")))
          .isInstanceOf(OllamaException.class);
      Observation.Context bad = stopped.poll(10, TimeUnit.SECONDS);
      assertThat(value(bad, "error.type")).isEqualTo("ModelNotFound");
      assertThat(bad.getError()).isInstanceOf(OllamaException.ModelNotFound.class);
    }
  }

  @Test
  void aBlobThatIsNotThereIsAnAnswerAndNoError() throws Exception {
    BlockingQueue<Observation.Context> stopped = new LinkedBlockingQueue<>();
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of());
        OllamaClient client =
            OllamaClient.builder()
                .baseUrl(upstream.uri().toString())
                .observer(new CallObservations(registry(stopped)))
                .build()) {
      String digest = "sha256:" + "0".repeat(64);
      upstream.enqueue(Answer.bytes("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n"));
      assertThat(client.blobExists(digest)).isFalse();
      Observation.Context absent = stopped.poll(10, TimeUnit.SECONDS);
      assertThat(value(absent, "error.type")).isEqualTo("none");
      assertThat(absent.getError()).isNull();

      upstream.enqueue(Answer.bytes("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n"));
      assertThatThrownBy(() -> client.blobExists(digest))
          .isInstanceOf(OllamaException.Forbidden.class);
      assertThat(value(stopped.poll(10, TimeUnit.SECONDS), "error.type")).isEqualTo("Forbidden");
    }
  }

  @Test
  void aServersPortIsNamedWhereItsUrlLeavesItToTheScheme() throws Exception {
    BlockingQueue<Observation.Context> stopped = new LinkedBlockingQueue<>();
    CallObservations observations = new CallObservations(registry(stopped));
    for (String url : List.of("https://ollama.example", "http://ollama.example/llm")) {
      observations
          .started(new CallObserver.CallInfo("ollama", "chat", "m", URI.create(url)))
          .ended(new CallObserver.CallEnd(null, null, null, 0, 0));
    }
    assertThat(value(stopped.take(), "server.port")).isEqualTo("443");
    assertThat(value(stopped.take(), "server.port")).isEqualTo("80");
  }

  private static ObservationRegistry registry(BlockingQueue<Observation.Context> stopped) {
    ObservationRegistry registry = ObservationRegistry.create();
    registry
        .observationConfig()
        .observationHandler(
            new ObservationHandler<Observation.Context>() {
              @Override
              public void onStop(Observation.Context context) {
                stopped.add(context);
              }

              @Override
              public boolean supportsContext(Observation.Context context) {
                return true;
              }
            });
    return registry;
  }

  private static String value(Observation.Context context, String key) {
    return context.getAllKeyValues().stream()
        .filter(pair -> pair.getKey().equals(key))
        .findFirst()
        .orElseThrow()
        .getValue();
  }
}
