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
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
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
  void whatIsNotAskedForStaysWithTheServer() throws Exception {
    byte[] line =
        "30\r\n{\"message\":{\"content\":\"x\"},\"done\":false}       \n\r\n"
            .getBytes(StandardCharsets.US_ASCII);
    upstream.enqueue(Answer.stream("application/x-ndjson").repeat(line, 50_000_000));
    // two at a time: the connection's buffers fill, and the server cannot go on
    Flux<ChatResponse> slow = client.chatStream(REQUEST).limitRate(2).take(1000);
    assertThat(slow.collectList().block(LIMIT)).hasSize(1000);
    ReceivedRequest.Cancellation left =
        upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
    assertThat(left.written()).isLessThan(100_000_000L);
  }

  @Test
  void theServerStandsStillUntilMoreIsAskedFor() throws Exception {
    String line = "{\"message\":{\"content\":\"x\"},\"done\":false}" + " ".repeat(1000) + "\n";
    byte[] chunk =
        (Integer.toHexString(line.length()) + "\r\n" + line + "\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    upstream.enqueue(Answer.stream("application/x-ndjson").repeat(chunk, 1_000_000));
    AtomicInteger seen = new AtomicInteger();
    BaseSubscriber<ChatResponse> subscriber =
        new BaseSubscriber<>() {
          @Override
          protected void hookOnSubscribe(Subscription subscription) {
            request(3);
          }

          @Override
          protected void hookOnNext(ChatResponse value) {
            seen.incrementAndGet();
          }
        };
    client.chatStream(REQUEST).subscribe(subscriber);
    ReceivedRequest request = upstream.takeRequest();
    long stood = standing(request);
    assertThat(seen).hasValue(3);
    assertThat(stood).isBetween(3L * chunk.length, 64L * 1024 * 1024);
    subscriber.request(50_000);
    await(() -> seen.get() == 50_003);
    assertThat(standing(request)).isGreaterThan(stood).isLessThan(1_000_000L * chunk.length);
    subscriber.cancel();
    request.cancelled().get(10, TimeUnit.SECONDS);
  }

  /** How much was written once nothing more is written for a while. */
  private static long standing(ReceivedRequest request) {
    AtomicLong last = new AtomicLong(-1);
    AtomicInteger same = new AtomicInteger();
    await(
        () -> {
          long now = request.written();
          same.set(now > 0 && last.getAndSet(now) == now ? same.get() + 1 : 0);
          return same.get() == 30;
        });
    return last.get();
  }

  private static void await(BooleanSupplier condition) {
    Instant deadline = Instant.now().plus(Duration.ofSeconds(20));
    while (!condition.getAsBoolean()) {
      assertThat(Instant.now()).as("the deadline").isBefore(deadline);
      LockSupport.parkNanos(10_000_000);
    }
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
    assertThat(client.list().block(LIMIT)).hasSize(1);
  }
}
