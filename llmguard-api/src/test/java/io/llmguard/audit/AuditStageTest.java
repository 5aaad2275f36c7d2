package io.llmguard.audit;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.metrics.LlmGuardMetrics;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.PromptDigest;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

@Timeout(30)
class AuditStageTest {
  private static final String SECRET = "sk-planted-secret";

  private final ManualTime time = new ManualTime();

  /** A sink that a test can hold up or break. */
  private static final class TestSink implements AuditSink {
    final BlockingQueue<AuditEvent> events = new LinkedBlockingQueue<>();
    final BlockingQueue<Long> unaudited = new LinkedBlockingQueue<>();
    final CountDownLatch gate;
    final AtomicBoolean broken = new AtomicBoolean();

    /** At the second failure the queue has counted the first. */
    final CountDownLatch failed = new CountDownLatch(2);

    TestSink(boolean open) {
      gate = new CountDownLatch(open ? 0 : 1);
    }

    @Override
    public void write(List<AuditEvent> batch) throws IOException {
      try {
        gate.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      if (broken.get()) {
        failed.countDown();
        throw new IOException("no space left on device");
      }
      events.addAll(batch);
    }

    @Override
    public void writeUnaudited(long calls) {
      unaudited.add(calls);
    }
  }

  private static Stage stage(Function<Exchange, CompletionStage<Decision>> decide) {
    return new Stage() {
      @Override
      public String name() {
        return "test";
      }

      @Override
      public CompletionStage<Decision> decide(Exchange exchange) {
        return decide.apply(exchange);
      }
    };
  }

  private Guard guard(AuditQueue queue, Stage... more) {
    Guard.Builder guard = Guard.builder().time(time).stage(new AuditStage(queue));
    for (Stage each : more) {
      guard.stage(each);
    }
    return guard.build();
  }

  private static Decision call(Guard guard) {
    return guard
        .admit(TestRequest.of("POST", "/api/chat?key=" + SECRET))
        .toCompletableFuture()
        .join();
  }

  private static Exchange admitted(Decision decision) {
    return ((Decision.Admit) decision).exchange();
  }

  private static Refusal refused(Decision decision) {
    return ((Decision.Refuse) decision).refusal();
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    @Nullable T found = queue.poll(20, TimeUnit.SECONDS);
    if (found == null) {
      throw new AssertionError("nothing was written");
    }
    return found;
  }

  @Test
  void aCompletedCallHasOneEventHoweverOftenItsEndIsReported() throws Exception {
    TestSink sink = new TestSink(true);
    try (Guard guard = guard(AuditQueue.to(sink).build())) {
      Exchange exchange = admitted(call(guard));
      exchange.call(
          new Call(Operation.OLLAMA_CHAT, "mistral", true, new PromptDigest("ab", 3), null));
      time.advance(Duration.ofMillis(30));
      exchange.onResponseHead(200, Headers.empty());
      exchange.onResponseBytes(ByteBuffer.wrap(new byte[] {1}));
      time.advance(Duration.ofMillis(12));
      exchange.onComplete(Outcome.COMPLETED);
      exchange.onComplete(Outcome.CLIENT_GONE);
    }
    assertThat(sink.events).hasSize(1);
    AuditEvent event = next(sink.events);
    assertThat(event.duration()).isEqualTo(42);
    assertThat(event.timeToFirstToken()).isEqualTo(30);
    assertThat(event.status()).isEqualTo(200);
    assertThat(event.model()).isEqualTo("mistral");
    assertThat(event.promptHash()).isEqualTo("ab");
    assertThat(event.promptLength()).isEqualTo(3);
    assertThat(event.path()).isEqualTo("/api/chat");
    assertThat(event.content()).isNull();
  }

  @Test
  void aRefusedCallIsAuditedWithoutAPrompt() throws Exception {
    TestSink sink = new TestSink(true);
    try (Guard guard =
        guard(
            AuditQueue.to(sink).build(),
            stage(exchange -> exchange.refuse(Refusal.of(401, "no-credential", "show a key"))))) {
      assertThat(refused(call(guard)).status()).isEqualTo(401);
    }
    AuditEvent event = next(sink.events);
    assertThat(event.outcome().word()).isEqualTo("refused:no-credential");
    assertThat(event.status()).isEqualTo(401);
    assertThat(event.promptHash()).isNull();
    assertThat(event.promptLength()).isNull();
    assertThat(event.timeToFirstToken()).isNull();
  }

  @Test
  void aCallWithoutAPlaceIsRefusedAndTheirNumberIsNoted() throws Exception {
    TestSink sink = new TestSink(true);
    try (Guard guard = guard(AuditQueue.to(sink).capacity(2).build())) {
      Exchange first = admitted(call(guard));
      Exchange second = admitted(call(guard));
      Refusal refusal = refused(call(guard));
      assertThat(refusal.status()).isEqualTo(503);
      assertThat(refusal.reason()).isEqualTo("audit-unavailable");
      assertThat(refusal.headers().first("Retry-After")).isEqualTo("1");
      first.onComplete(Outcome.COMPLETED);
      second.onComplete(Outcome.COMPLETED);
    }
    assertThat(sink.events).hasSize(2);
    assertThat(next(sink.unaudited)).isEqualTo(1);
  }

  @Test
  void aBlockingQueueLetsTheCallWaitForAPlace() throws Exception {
    TestSink sink = new TestSink(true);
    AuditQueue queue = AuditQueue.to(sink).capacity(1).overflow(AuditQueue.Overflow.BLOCK).build();
    try (Guard guard = guard(queue)) {
      assertThat(guard.blocking()).isTrue();
      Exchange first = admitted(call(guard));
      CompletableFuture<Decision> second = CompletableFuture.supplyAsync(() -> call(guard));
      assertThat(second).isNotDone();
      first.onComplete(Outcome.COMPLETED);
      admitted(second.get(20, TimeUnit.SECONDS)).onComplete(Outcome.COMPLETED);
    }
    assertThat(sink.events).hasSize(2);
    assertThat(queue.state().refused()).isZero();
  }

  @Test
  void aFailingSinkLosesNothingAndIsSeen() throws Exception {
    TestSink sink = new TestSink(true);
    sink.broken.set(true);
    AuditQueue queue =
        AuditQueue.to(sink).capacity(2).retryAfter(Duration.ofMillis(1)).time(time).build();
    try (Guard guard = guard(queue)) {
      admitted(call(guard)).onComplete(Outcome.COMPLETED);
      admitted(call(guard)).onComplete(Outcome.COMPLETED);
      assertThat(sink.failed.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(refused(call(guard)).reason()).isEqualTo("audit-unavailable");
      assertThat(queue.state().healthy()).isFalse();
      assertThat(queue.state().failures()).isPositive();
      sink.broken.set(false);
    }
    assertThat(sink.events).hasSize(2);
    assertThat(queue.state().failingSince()).isNull();
    assertThat(queue.state().reserved()).isZero();
    assertThat(queue.state().lost()).isZero();
  }

  @Test
  void whatCannotBeWrittenBeforeTheEndIsCounted() {
    TestSink sink = new TestSink(true);
    sink.broken.set(true);
    AuditQueue queue =
        AuditQueue.to(sink)
            .retryAfter(Duration.ofMillis(1))
            .closeTimeout(Duration.ofMillis(20))
            .build();
    try (Guard guard = guard(queue)) {
      admitted(call(guard)).onComplete(Outcome.COMPLETED);
    }
    assertThat(queue.state().lost()).isEqualTo(1);
  }

  @Test
  void everyOfManyCallsAtOnceHasItsLineInOneChain(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("audit.jsonl");
    AuditQueue queue =
        AuditQueue.to(JsonLinesAuditSink.builder(file).durability(Durability.FSYNC).open()).build();
    try (Guard guard = guard(queue)) {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        Thread thread =
            new Thread(
                () -> {
                  for (int n = 0; n < 250; n++) {
                    admitted(call(guard)).onComplete(Outcome.COMPLETED);
                  }
                });
        threads.add(thread);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    AuditReport report = AuditVerifier.verify(file);
    assertThat(report.lines()).isEqualTo(2000);
    assertThat(report.problems()).isEmpty();
  }

  @Test
  void noSecretReachesFileLogOrMetrics(@TempDir Path directory) throws Exception {
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    Level before = root.getLevel();
    root.setLevel(Level.TRACE);
    log.start();
    root.addAppender(log);
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    Path file = directory.resolve("audit.jsonl");
    try {
      AuditQueue queue = AuditQueue.to(JsonLinesAuditSink.builder(file).open()).build();
      AuditContent.Source breaking =
          (exchange, outcome) -> {
            throw new IllegalStateException(SECRET);
          };
      try (Guard guard =
          Guard.builder()
              .stage(new LlmGuardMetrics(registry, Set::<String>of).bind(queue))
              .stage(new AuditStage(queue, breaking))
              .stage(new AuditStage(AuditQueue.to(new Slf4jAuditSink()).build()))
              .build()) {
        TestRequest request =
            TestRequest.post("/api/chat?key=" + SECRET, "{\"prompt\":\"" + SECRET + "\"}")
                .bearer(SECRET)
                .header("X-Api-Key", SECRET)
                .header("Cookie", SECRET);
        Exchange exchange = admitted(guard.admit(request).toCompletableFuture().join());
        exchange.onComplete(Outcome.UPSTREAM_FAILED);
      }
    } finally {
      root.detachAppender(log);
      root.setLevel(before);
    }
    assertThat(Files.readString(file)).contains("upstream-failed").doesNotContain(SECRET);
    assertThat(registry.getMetersAsString()).contains("llmguard.requests").doesNotContain(SECRET);
    assertThat(log.list)
        .anySatisfy(event -> assertThat(event.getFormattedMessage()).contains("\"apiKey\":null"))
        .allSatisfy(event -> assertThat(event.getFormattedMessage()).doesNotContain(SECRET));
    assertThat(AuditSamples.event(1).toString()).doesNotContain("alice");
    assertThat(new AuditContent(SECRET, SECRET).toString()).doesNotContain(SECRET);
  }
}
