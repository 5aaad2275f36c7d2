package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.TimeSource;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.ReplayUpstream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How calls begin and end: connections, hands that leave, and who is told. */
@Timeout(60)
class CallLifeTest {
  private static final ChatRequest REQUEST = ChatRequest.of("m", "hi");
  private static final String TYPE = "application/x-ndjson";
  private static final String LINE =
      "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"done\":false}\n";
  private static final String LAST =
      "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,"
          + "\"done_reason\":\"stop\",\"eval_count\":7}\n";

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final BlockingQueue<CallObserver.CallEnd> ends = new LinkedBlockingQueue<>();
  private OllamaClient client = builder().build();

  private OllamaClient.Builder builder() {
    return OllamaClient.builder()
        .baseUrl(upstream.uri().toString())
        .retry(RetryPolicy.NONE)
        .observer(call -> ends::add);
  }

  private void use(OllamaClient.Builder builder) {
    client.close();
    client = builder.build();
  }

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private static Answer whole() {
    return Answer.stream(TYPE).chunk(LINE).chunk(LAST).endChunks();
  }

  private static ReceivedRequest.Cancellation cancelled(ReceivedRequest request) throws Exception {
    return request.cancelled().get(20, TimeUnit.SECONDS);
  }

  private CallObserver.CallEnd end() throws InterruptedException {
    return Objects.requireNonNull(ends.poll(20, TimeUnit.SECONDS), "no call has ended");
  }

  @Test
  void aCallIsSentBeforeAnybodyReadsItsAnswer() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.gated(gate));
    upstream.enqueue(whole());
    try (var first = client.chatStream(REQUEST)) {
      upstream.takeRequest();
      try (var second = client.chatStream(REQUEST)) {
        upstream.takeRequest();
        assertThat(second.result().text()).isEqualTo("x");
      }
      first.cancel();
    }
  }

  @Test
  void oneConnectionServesCallAfterCall() {
    for (int i = 0; i < 20; i++) {
      upstream.enqueue(whole());
      assertThat(client.chatStream(REQUEST).result().text()).isEqualTo("x");
    }
    assertThat(upstream.connections()).isEqualTo(1);
  }

  @Test
  void aKeptConnectionThatTheServerClosedIsNotUsed() {
    for (int i = 0; i < 20; i++) {
      upstream.enqueue(whole().thenClose());
      assertThat(client.chatStream(REQUEST).result().text()).isEqualTo("x");
    }
  }

  @Test
  void whoLeavesAfterTheLastEventHasHadTheWholeAnswer() throws Exception {
    upstream.enqueue(whole());
    try (var stream = client.chatStream(REQUEST)) {
      for (ChatResponse chunk : stream) {
        if (chunk.done()) {
          break;
        }
      }
    }
    CallObserver.CallEnd end = end();
    assertThat(end.error()).isNull();
    assertThat(end.outputTokens()).isEqualTo(7);
    assertThat(ends).isEmpty();
  }

  @Test
  void aFutureThatIsEndedInAnyWayEndsItsCall() throws Exception {
    upstream.enqueue(Answer.silence());
    CompletableFuture<ChatResponse> hasty = client.chatAsync(REQUEST);
    ReceivedRequest first = upstream.takeRequest();
    CompletableFuture<ChatResponse> unused = hasty.orTimeout(1, TimeUnit.MILLISECONDS);
    assertThat(cancelled(first)).isNotNull();
    assertThatThrownBy(hasty::join).hasCauseInstanceOf(TimeoutException.class);
    upstream.enqueue(Answer.silence());
    CompletableFuture<ChatResponse> other = client.chatAsync(REQUEST);
    ReceivedRequest request = upstream.takeRequest();
    other.completeExceptionally(new IllegalStateException("enough"));
    assertThat(cancelled(request)).isNotNull();
  }

  @Test
  void aSubscriberThatThrowsHasLeft() throws Exception {
    upstream.enqueue(Answer.stream(TYPE).chunk(LINE).chunk(LINE).thenSilence());
    CountDownLatch given = new CountDownLatch(1);
    client
        .chatPublisher(REQUEST)
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
              }

              @Override
              public void onNext(ChatResponse chunk) {
                given.countDown();
                throw new IllegalStateException("no more");
              }

              @Override
              public void onError(Throwable failure) {
                throw new AssertionError(failure);
              }

              @Override
              public void onComplete() {
                throw new AssertionError("complete");
              }
            });
    assertThat(cancelled(upstream.takeRequest())).isNotNull();
    assertThat(given.getCount()).isZero();
    // the server may see it before the call has ended here
    assertThat(end().error()).isInstanceOf(OllamaException.Cancelled.class);
    assertThat(ends).isEmpty();
  }

  @Test
  void aClosedClientFailsFuturesAndPublishersAndThrowsElsewhere() {
    client.close();
    assertThatThrownBy(() -> client.chat(REQUEST)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> client.chatAsync(REQUEST).get())
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(IllegalStateException.class);
    CompletableFuture<Throwable> told = new CompletableFuture<>();
    client.chatPublisher(REQUEST).subscribe(new Failing(told));
    assertThat(told.join()).isInstanceOf(IllegalStateException.class);
  }

  private record Failing(CompletableFuture<Throwable> told)
      implements Flow.Subscriber<ChatResponse> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(1);
    }

    @Override
    public void onNext(ChatResponse chunk) {
      told.completeExceptionally(new AssertionError("an event"));
    }

    @Override
    public void onError(Throwable failure) {
      told.complete(failure);
    }

    @Override
    public void onComplete() {
      told.completeExceptionally(new AssertionError("complete"));
    }
  }

  @Test
  void closingTheClientEndsTheCallsOfItsViews() throws Exception {
    upstream.enqueue(Answer.silence());
    OllamaClient view = client.withTimeouts(Timeouts.DEFAULT);
    CompletableFuture<ChatResponse> answer = view.chatAsync(REQUEST);
    ReceivedRequest request = upstream.takeRequest();
    client.close();
    assertThat(cancelled(request)).isNotNull();
    assertThatThrownBy(answer::get).hasCauseInstanceOf(OllamaException.Cancelled.class);
    assertThatThrownBy(() -> view.chat(REQUEST)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aBusyServersNextIsAskedEvenWithoutRetries() {
    try (ReplayUpstream other = ReplayUpstream.start(List.of())) {
      use(builder().baseUrls(List.of(upstream.uri(), other.uri())));
      upstream.enqueue(Answer.status(503, "application/json", "{\"error\":\"busy\"}"));
      other.enqueue(whole());
      assertThat(client.chatStream(REQUEST).result().text()).isEqualTo("x");
    }
  }

  @Test
  void aSlowCredentialHoldsUpNoOtherCall() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch known = new CountDownLatch(1);
    AtomicInteger count = new AtomicInteger();
    use(
        builder()
            .timeouts(Timeouts.DEFAULT.withFirstToken(Duration.ofMillis(200)))
            .credential(
                () -> {
                  if (count.getAndIncrement() == 0) {
                    asked.countDown();
                    await(known);
                  }
                  return Credential.apiKey("k");
                }));
    CompletableFuture<ChatResponse> slow = client.chatAsync(REQUEST);
    asked.await();
    upstream.enqueue(Answer.silence());
    assertThatThrownBy(() -> client.chat(REQUEST)).isInstanceOf(OllamaException.TimedOut.class);
    known.countDown();
    assertThatThrownBy(slow::get).hasCauseInstanceOf(OllamaException.TimedOut.class);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void anUploadIsNoSilence(@TempDir Path folder) throws Exception {
    // the server digests what it gets: a gigabyte takes longer than the limit
    Path file = folder.resolve("blob");
    try (RandomAccessFile blob = new RandomAccessFile(file.toFile(), "rw")) {
      blob.setLength(1 << 30);
    }
    use(builder().timeouts(Timeouts.DEFAULT.withFirstToken(Duration.ofMillis(500))));
    upstream.enqueue(Answer.status(404, "text/plain", ""));
    upstream.enqueue(Answer.status(201, "text/plain", ""));
    client.createBlob(file);
    assertThat(upstream.takeRequest().method()).isEqualTo("HEAD");
    assertThat(upstream.takeRequest().body().length()).isEqualTo(1 << 30);
  }

  @Test
  void aStreamThatNobodyReadsCostsNoTime() throws Exception {
    AtomicInteger looks = new AtomicInteger();
    TimeSource counting =
        new TimeSource() {
          @Override
          public java.time.Instant now() {
            return TimeSource.system().now();
          }

          @Override
          public long nanos() {
            looks.incrementAndGet();
            return TimeSource.system().nanos();
          }
        };
    use(
        builder()
            .time(counting)
            .timeouts(
                Timeouts.DEFAULT
                    .withFirstToken(Duration.ofMillis(20))
                    .withTotal(Duration.ofMillis(500))));
    upstream.enqueue(Answer.stream(TYPE).chunk(LINE).thenSilence());
    try (var stream = client.chatStream(REQUEST)) {
      ReceivedRequest request = upstream.takeRequest();
      // the total limit ends it, as nothing else does while nobody asks
      assertThat(cancelled(request)).isNotNull();
      assertThatThrownBy(stream::result).isInstanceOf(OllamaException.TimedOut.class);
    }
    assertThat(looks.get()).isLessThan(500);
  }

  @Test
  void anAnswerBeforeTheWholeOfABodyEndsTheUpload(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("blob");
    Files.write(file, new byte[64 << 20]);
    upstream.enqueue(Answer.status(404, "text/plain", ""));
    upstream.enqueue(
        Answer.status(401, "application/json", "{\"error\":\"unauthorized\"}")
            .withoutReadingBody());
    assertThatThrownBy(() -> client.createBlob(file)).isInstanceOf(OllamaException.class);
  }

  @Test
  void anAnswerToHeadHasNoBodyWhateverItsLengthSays() {
    String digest = "sha256:" + "0".repeat(64);
    upstream.enqueue(Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"));
    assertThat(client.blobExists(digest)).isTrue();
    upstream.enqueue(whole());
    assertThat(client.chatStream(REQUEST).result().text()).isEqualTo("x");
    assertThat(upstream.connections()).isEqualTo(1);
  }

  @Test
  void picturesOfAnAnswerAreItsMessages() {
    upstream.enqueue(
        Answer.stream(TYPE)
            .chunk(LAST.replace("\"content\":\"\"", "\"content\":\"\",\"images\":[\"AQID\"]"))
            .endChunks());
    Message message = client.chatStream(REQUEST).result().message();
    assertThat(message.images()).containsExactly(Image.of(new byte[] {1, 2, 3}));
    assertThat(message.extra()).isEmpty();
  }

  @Test
  void interimAnswersBeforeTheAnswerAreReadOver() {
    upstream.enqueue(
        Answer.bytes("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            .then(Answer.plain("application/json", "{\"version\":\"1\"}")));
    assertThat(client.version()).isEqualTo("1");
  }
}
