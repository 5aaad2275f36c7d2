package io.llmguard.reactive.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.Progress;
import io.llmguard.ollama.PullRequest;
import io.llmguard.ollama.StructuredOutputException;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Demand;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

@Timeout(30)
class ReactiveOllamaClientTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final ChatRequest REQUEST = ChatRequest.of("gemma3:270m", "hi");

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final ReactiveOllamaClient client =
      ReactiveOllamaClient.create(upstream.uri().toString());

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  @Test
  void theStreamIsTheRecordedAnswer() {
    Recording recording = Recording.of("chat-stream");
    upstream.enqueue(Answer.replay(recording));
    List<ChatResponse> chunks = client.chatStream(REQUEST).collectList().block(LIMIT);
    assertThat(chunks).hasSize((int) recording.responseText().lines().count());
    assertThat(chunks.get(chunks.size() - 1).metrics().evalCount()).isEqualTo(60);
  }

  @Test
  void nothingIsSentBeforeTheSubscription() {
    Flux<ChatResponse> stream = client.chatStream(REQUEST);
    assertThat(upstream.requests()).isEmpty();
    upstream.enqueue(Answer.replay(Recording.of("chat-stream")));
    upstream.enqueue(Answer.replay(Recording.of("chat-stream")));
    assertThat(stream.blockLast(LIMIT)).isEqualTo(stream.blockLast(LIMIT));
    assertThat(upstream.requests()).hasSize(2);
  }

  @Test
  void anUnreachableServerIsAnErrorSignal() {
    upstream.close();
    assertThatThrownBy(() -> client.chatStream(REQUEST).blockLast(LIMIT))
        .isInstanceOf(OllamaException.Unreachable.class);
  }

  @Test
  void aDisposedSubscriptionIsSeenByTheServerBeforeTheFirstToken() throws Exception {
    upstream.enqueue(Answer.silence());
    Disposable subscription = client.chat(REQUEST).subscribe();
    ReceivedRequest request = upstream.takeRequest();
    subscription.dispose();
    request.cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void takeStopsTheServer() throws Exception {
    String line = "{\"message\":{\"content\":\"x\"},\"done\":false}\n";
    upstream.enqueue(Answer.stream("application/x-ndjson").chunk(line).chunk(line).thenSilence());
    assertThat(client.chatStream(REQUEST).take(2).collectList().block(LIMIT)).hasSize(2);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void theServerStandsStillUntilMoreIsAskedFor() throws Exception {
    Demand.assertReachesDownToTheSocket(
        upstream, JdkFlowAdapter.publisherToFlowPublisher(client.chatStream(REQUEST)));
  }

  record Fact(String text) {}

  @Test
  void aRecordIsAMonoToo() {
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"message\":{\"content\":\"{\\\"text\\\":\\\"salty\\\"}\"},\"done\":true}"));
    assertThat(client.chat(REQUEST, Fact.class).block(LIMIT)).isEqualTo(new Fact("salty"));
    upstream.enqueue(
        Answer.plain("application/json", "{\"response\":\"{\\\"text\\\":1}\",\"done\":true}"));
    assertThatThrownBy(
            () -> client.generate(GenerateRequest.of("m", "hi"), Fact.class).block(LIMIT))
        .isInstanceOf(StructuredOutputException.class);
    upstream.enqueue(Answer.replay(Recording.of("status")));
    assertThat(client.status().block(LIMIT).cloudDisabled()).isFalse();
    upstream.enqueue(Answer.replay(Recording.of("root")));
    assertThat(client.greeting().block(LIMIT)).isEqualTo("Ollama is running");
  }

  @Test
  void progressEndsInItsOwnFailure() {
    upstream.enqueue(Answer.replay(Recording.of("pull-unreachable")));
    Flux<Progress> pull = client.pullStream(PullRequest.of("none"));
    assertThatThrownBy(() -> pull.collectList().block(LIMIT))
        .isInstanceOf(OllamaException.ServerFailed.class)
        .hasMessageContaining("connection refused");
  }

  @Test
  void valuesAreMonos() {
    upstream.on("GET", "/api/version", Answer.replay(Recording.of("version")));
    upstream.on("GET", "/api/tags", Answer.replay(Recording.of("tags")));
    assertThat(client.version().block(LIMIT)).isEqualTo("0.0.0");
    assertThat(client.list().block(LIMIT).models()).hasSize(1);
  }
}
