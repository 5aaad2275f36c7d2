package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.ReplayUpstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Pull, push and create: their events, and their own patience. */
@Timeout(30)
class TransfersTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TYPE = "application/x-ndjson";
  private static final String SUCCESS = "{\"status\":\"success\"}\n";

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private OllamaClient client = OllamaClient.create(upstream.uri().toString());

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private void use(OllamaClient.Builder builder) {
    client.close();
    client = builder.baseUrl(upstream.uri().toString()).build();
  }

  private record Call(
      Function<OllamaClient, Progress.Success> value,
      Function<OllamaClient, EventStream<Progress, Progress.Success>> stream,
      Function<OllamaClient, CompletableFuture<Progress.Success>> future,
      Function<OllamaClient, Flow.Publisher<Progress>> publisher) {}

  static Stream<Arguments> calls() {
    PullRequest pull = PullRequest.of("m");
    PushRequest push = PushRequest.of("m");
    CreateRequest create = CreateRequest.builder("m").from("b").build();
    return Stream.of(
        Arguments.of(
            "/api/pull",
            "{\"model\":\"m\"}",
            new Call(
                c -> c.pull(pull),
                c -> c.pullStream(pull),
                c -> c.pullAsync(pull),
                c -> c.pullPublisher(pull))),
        Arguments.of(
            "/api/push",
            "{\"model\":\"m\"}",
            new Call(
                c -> c.push(push),
                c -> c.pushStream(push),
                c -> c.pushAsync(push),
                c -> c.pushPublisher(push))),
        Arguments.of(
            "/api/create",
            "{\"model\":\"m\",\"from\":\"b\"}",
            new Call(
                c -> c.create(create),
                c -> c.createStream(create),
                c -> c.createAsync(create),
                c -> c.createPublisher(create))));
  }

  private static Answer steps() {
    return Answer.stream(TYPE)
        .chunk("{\"status\":\"retrieving manifest\"}\n")
        .chunk("{\"status\":\"moving\",\"digest\":\"sha256:ab\",\"total\":4,\"completed\":1}\n")
        .chunk(SUCCESS)
        .endChunks();
  }

  private void sent(String path, String body) throws Exception {
    ReceivedRequest request = upstream.takeRequest();
    assertThat(request.method()).isEqualTo("POST");
    assertThat(request.target()).isEqualTo(path);
    assertThat(JSON.readTree(request.bodyText())).isEqualTo(JSON.readTree(body));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("calls")
  void eventsAreTypedInEveryWayOfCalling(String path, String body, Call call) throws Exception {
    Progress.Success success = new Progress.Success("success");
    upstream.enqueue(steps());
    assertThat(call.value().apply(client)).isEqualTo(success);
    sent(path, body);

    upstream.enqueue(steps());
    List<Progress> seen = new ArrayList<>();
    try (var stream = call.stream().apply(client)) {
      stream.forEach(seen::add);
      assertThat(stream.result()).isEqualTo(success);
    }
    List<Progress> expected =
        List.of(
            new Progress.Step("retrieving manifest"),
            new Progress.Transfer("moving", "sha256:ab", 4, 1),
            success);
    assertThat(seen).isEqualTo(expected);
    sent(path, body);

    upstream.enqueue(steps());
    assertThat(call.future().apply(client).get(10, TimeUnit.SECONDS)).isEqualTo(success);
    sent(path, body);

    upstream.enqueue(steps());
    Collector collector = new Collector();
    call.publisher().apply(client).subscribe(collector);
    assertThat(collector.all.get(10, TimeUnit.SECONDS)).isEqualTo(expected);
    sent(path, body);
  }

  private static final class Collector implements Flow.Subscriber<Progress> {
    private final List<Progress> seen = new ArrayList<>();
    private final CompletableFuture<List<Progress>> all = new CompletableFuture<>();

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Progress item) {
      seen.add(item);
    }

    @Override
    public void onError(Throwable failure) {
      all.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      all.complete(seen);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("calls")
  void anErrorInTheMiddleAndAnEndWithoutSuccessAreFailures(String path, String body, Call call)
      throws Exception {
    upstream.enqueue(
        Answer.stream(TYPE)
            .chunk("{\"status\":\"retrieving manifest\"}\n")
            .chunk("{\"error\":\"no space left on device\"}\n")
            .endChunks());
    assertThatThrownBy(() -> call.value().apply(client))
        .isInstanceOf(OllamaException.ServerFailed.class)
        .hasMessage("no space left on device");
    upstream.enqueue(Answer.stream(TYPE).chunk("{\"status\":\"moving\"}\n").endChunks());
    assertThatThrownBy(() -> call.value().apply(client))
        .isInstanceOf(OllamaException.Truncated.class);
    sent(path, body);
    sent(path, body);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("calls")
  void silenceOverTheOrdinaryIdleLimitIsWaitedOut(String path, String body, Call call)
      throws Exception {
    use(
        OllamaClient.builder()
            .timeouts(Timeouts.DEFAULT.withIdle(Duration.ofMillis(50)))
            .retry(RetryPolicy.NONE));
    Gate gate = Gate.closed();
    upstream.enqueue(
        Answer.stream(TYPE)
            .chunk("{\"status\":\"verifying sha256 digest\"}\n")
            .then(gate)
            .chunk(SUCCESS)
            .endChunks());
    CompletableFuture<Progress.Success> waiting = call.future().apply(client);
    gate.reached().join();
    // the server is at work for longer than the idle limit, which the timer itself measures here
    CompletableFuture.runAsync(
            gate::open, CompletableFuture.delayedExecutor(300, TimeUnit.MILLISECONDS))
        .join();
    assertThat(waiting.orTimeout(10, TimeUnit.SECONDS).join().status()).isEqualTo("success");
    sent(path, body);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("calls")
  void theirOwnIdleLimitEndsThem(String path, String body, Call call) throws Exception {
    use(OllamaClient.builder().transferIdle(Duration.ofMillis(100)));
    upstream.enqueue(
        Answer.stream(TYPE).chunk("{\"status\":\"verifying sha256 digest\"}\n").thenSilence());
    assertThatThrownBy(() -> call.value().apply(client))
        .isInstanceOfSatisfying(
            OllamaException.TimedOut.class,
            e -> assertThat(e.limit()).isEqualTo(OllamaException.TimedOut.Limit.IDLE));
    sent(path, body);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("calls")
  void closingTheClientCancelsThem(String path, String body, Call call) throws Exception {
    upstream.enqueue(Answer.silence());
    CompletableFuture<Progress.Success> waiting = call.future().apply(client);
    ReceivedRequest request = upstream.takeRequest();
    assertThat(request.target()).isEqualTo(path);
    assertThat(request.bodyText()).isEqualTo(body);
    client.close();
    request.cancelled().get(10, TimeUnit.SECONDS);
    assertThat(waiting).failsWithin(10, TimeUnit.SECONDS);
  }

  @Test
  void anIdleLimitThatIsNoneIsRefused() {
    assertThatThrownBy(() -> OllamaClient.builder().transferIdle(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("idle");
  }
}
