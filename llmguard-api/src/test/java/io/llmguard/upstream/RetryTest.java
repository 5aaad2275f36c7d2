package io.llmguard.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.HeaderMap;
import io.llmguard.Outcome;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.upstream.jetty.JettyTransport;
import io.llmguard.wire.Call;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.ResponseMeters;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Retries, between real upstreams and a client that the test plays. */
@Timeout(60)
class RetryTest {
  private static final Recording PLAIN = Recording.of("chat-once");
  private static final Recording STREAM = Recording.of("chat-stream");

  private final ReplayUpstream server = ReplayUpstream.start();
  private final List<Duration> totals = new CopyOnWriteArrayList<>();
  private final UpstreamTransport transport =
      new Noting(new JettyTransport(TransportSettings.builder().build()));
  private final ManualTime time = new ManualTime();
  private final BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
  private final List<AttemptResult> results = new CopyOnWriteArrayList<>();
  private final Guard guard =
      Guard.builder()
          .time(time)
          .stage(new Prepared())
          .meters(
              (exchange, status, headers) ->
                  exchange.endpoint() == null
                      ? ResponseMeter.none()
                      : ResponseMeters.meter(
                          exchange.endpoint().operation(),
                          true,
                          status,
                          headers.first("Content-Type"),
                          headers.first("Content-Encoding")))
          .build();

  RetryTest() {}

  @AfterEach
  void close() {
    transport.close();
    server.close();
  }

  private final class Prepared implements Stage {
    @Override
    public String name() {
      return "prepared";
    }

    @Override
    public CompletionStage<Decision> decide(Exchange exchange) {
      String path = exchange.request().rawPath();
      exchange.path(path);
      if (EndpointCatalogue.standard().find(exchange.request().method(), path)
          instanceof EndpointCatalogue.Match.Found found) {
        exchange.endpoint(found.endpoint());
        exchange.call(new Call(found.endpoint().operation(), "m", true, null, null));
      }
      return exchange.admit();
    }

    @Override
    public void settle(Exchange exchange, Outcome outcome) {
      outcomes.add(outcome);
    }
  }

  /** Notes how long each attempt may take. */
  private final class Noting implements UpstreamTransport {
    private final UpstreamTransport real;

    Noting(UpstreamTransport real) {
      this.real = real;
    }

    @Override
    public UpstreamCall send(UpstreamRequest request, ResponseHandler handler) {
      totals.add(request.timeouts().total());
      return real.send(request, handler);
    }

    @Override
    public void close() {
      real.close();
    }
  }

  /** The places in order, then the last one again and again. */
  private final class InOrder implements UpstreamRouter {
    private final List<URI> places;
    private final UpstreamTimeouts ofFirst;

    InOrder(URI... places) {
      this(UpstreamTimeouts.DEFAULTS, places);
    }

    /** The first place has time limits of its own. */
    InOrder(UpstreamTimeouts ofFirst, URI... places) {
      this.ofFirst = ofFirst;
      this.places = List.of(places);
    }

    @Override
    public Route route(Exchange exchange) {
      return to(exchange, 0);
    }

    @Override
    public Route again(Exchange exchange, List<Route.To> tried, boolean retriesLeft) {
      return retriesLeft
          ? to(exchange, Math.min(tried.size(), places.size() - 1))
          : new Route.Refused(io.llmguard.Refusal.of(503, "no-upstream", "none"));
    }

    private Route.To to(Exchange exchange, int place) {
      Upstream upstream =
          Upstream.builder("u" + place, places.get(place), transport)
              .timeouts(place == 0 ? ofFirst : UpstreamTimeouts.DEFAULTS)
              .build();
      return new Route.To(
          upstream,
          exchange.body(),
          null,
          null,
          new Placement() {
            private final AtomicBoolean told = new AtomicBoolean();

            @Override
            public String deployment() {
              return "d" + place;
            }

            @Override
            public String model() {
              return "m";
            }

            @Override
            public void ended(AttemptResult result) {
              assertThat(told.compareAndSet(false, true)).as("told once").isTrue();
              results.add(result);
            }
          });
    }
  }

  private static RetryPolicy.Builder policy(int retries) {
    return RetryPolicy.builder(retries).waits(Duration.ofMillis(1), Duration.ofSeconds(1));
  }

  private Proxy proxy(RetryPolicy policy, URI... places) {
    return Proxy.builder(new InOrder(places))
        .retries(policy)
        .answerFields(AnswerFields.standard().and(AnswerFields.litellm(policy.retries())))
        .build();
  }

  private Exchange exchange(TestRequest request, RequestBody body) {
    Exchange exchange =
        ((Decision.Admit) guard.admit(request).toCompletableFuture().join()).exchange();
    exchange.body(body);
    return exchange;
  }

  private Exchange chat() {
    return exchange(TestRequest.of("POST", "/api/chat"), memory("{\"model\":\"m\"}"));
  }

  private static RequestBody memory(String text) {
    return new RequestBody.InMemory(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  private Outcome awaitOutcome() throws InterruptedException {
    return Objects.requireNonNull(outcomes.poll(20, TimeUnit.SECONDS), "an outcome within 20 s");
  }

  private static Answer busy(int status, String more) {
    return Answer.bytes(
        "HTTP/1.1 "
            + status
            + " Busy\r\nContent-Type: application/json\r\n"
            + more
            + "Content-Length: 16\r\n\r\n{\"error\":\"busy\"}");
  }

  private ClientDouble sent(Proxy proxy, Exchange exchange) throws Exception {
    ClientDouble client = ClientDouble.reading();
    var unused = proxy.forward(exchange, client);
    client.awaitEnd();
    return client;
  }

  @Test
  void aServerThatIsDownIsHiddenByTheNextOne() throws Exception {
    server.enqueue(Answer.replay(STREAM));
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(3).build(), Nobody.listens(), server.uri()), exchange);
    assertThat(client.text()).isEqualTo(STREAM.responseText());
    assertThat(awaitOutcome()).isEqualTo(Outcome.COMPLETED);
    assertThat(exchange.retries()).isEqualTo(1);
    assertThat(exchange.upstream()).isEqualTo("u1");
    assertThat(client.headers().first("X-Llmguard-Deployment")).isEqualTo("d1");
    assertThat(client.headers().first("X-Llmguard-Attempts")).isEqualTo("2");
    assertThat(client.headers().first("X-Llmguard-Overhead-Ms")).matches("\\d+\\.\\d");
    assertThat(client.headers().first("x-litellm-attempted-retries")).isEqualTo("1");
    assertThat(client.headers().first("x-litellm-max-retries")).isEqualTo("3");
    assertThat(client.headers().first("x-litellm-call-id")).isEqualTo(exchange.id());
    assertThat(results).hasSize(2);
    assertThat(Objects.requireNonNull(results.get(0).failure()).kind()).isEqualTo(Kind.CONNECT);
    assertThat(results.get(1).failure()).isNull();
  }

  @ParameterizedTest
  @ValueSource(ints = {429, 500, 502, 503, 504, 529})
  void aStatusOfABusyServerIsHidden(int status) throws Exception {
    server.enqueue(busy(status, "")).enqueue(busy(status, "Retry-After: 0\r\n"));
    server.enqueue(Answer.replay(PLAIN));
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.awaitStatus()).isEqualTo(200);
    assertThat(client.text()).isEqualTo(PLAIN.responseText());
    assertThat(exchange.retries()).isEqualTo(2);
    assertThat(exchange.responseBytes()).isEqualTo(PLAIN.responseBody().length);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 404, 501})
  void anAnswerThatWouldBeTheSameAgainPasses(int status) throws Exception {
    server.enqueue(busy(status, ""));
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.awaitStatus()).isEqualTo(status);
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void theLastFailureReachesTheClientAsItCame() throws Exception {
    for (int i = 0; i < 3; i++) {
      server.enqueue(busy(503, ""));
    }
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(2).build(), server.uri()), exchange);
    assertThat(client.awaitStatus()).isEqualTo(503);
    assertThat(client.text()).isEqualTo("{\"error\":\"busy\"}");
    assertThat(client.headers().first("X-Llmguard-Attempts")).isEqualTo("3");
    assertThat(exchange.retries()).isEqualTo(2);
    assertThat(results).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theLastFailureStandsWhereItTurnsOutLaterThatThereIsNowhereElse(boolean down)
      throws Exception {
    CompletableFuture<Route> later = new CompletableFuture<>();
    InOrder places = new InOrder(down ? Nobody.listens() : server.uri());
    UpstreamRouter router =
        new UpstreamRouter() {
          @Override
          public Route route(Exchange exchange) {
            return places.route(exchange);
          }

          @Override
          public Route again(Exchange exchange, List<Route.To> tried, boolean retriesLeft) {
            return new Route.Later(later, () -> {});
          }
        };
    server.enqueue(busy(503, ""));
    Exchange exchange = chat();
    ClientDouble client = ClientDouble.reading();
    var unused = Proxy.builder(router).retries(policy(2).build()).build().forward(exchange, client);
    while (results.isEmpty()) {
      Thread.onSpinWait();
    }
    later.complete(new Route.Nowhere());
    client.awaitEnd();
    assertThat(client.awaitStatus()).isEqualTo(502);
    assertThat(client.text()).contains("model server");
    assertThat(awaitOutcome()).isEqualTo(Outcome.UPSTREAM_FAILED);
    assertThat(exchange.retries()).isZero();
    assertThat(exchange.failedAttempts()).hasSize(1);
    assertThat(results).hasSize(1);
  }

  @Test
  void aServerThatWantsToBeLeftAloneForLongIsLeftAlone() throws Exception {
    server.enqueue(busy(429, "Retry-After: 999999999999999999\r\n"));
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.awaitStatus()).isEqualTo(429);
    assertThat(exchange.retries()).isZero();
    assertThat(results.get(0).retryAfter()).isEqualTo(Duration.ofDays(1));
  }

  @Test
  void aPlainAnswerThatBreaksOffIsHidden() throws Exception {
    int cut = PLAIN.headLength() + PLAIN.responseBody().length / 2;
    server.enqueue(Answer.replay(PLAIN).cutAfter(cut));
    server.enqueue(Answer.replay(PLAIN).resetAfter(cut));
    server.enqueue(Answer.replay(PLAIN));
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.text()).isEqualTo(PLAIN.responseText());
    assertThat(client.awaitEnd()).isEqualTo("end");
    assertThat(exchange.retries()).isEqualTo(2);
    assertThat(exchange.responseBytes()).isEqualTo(PLAIN.responseBody().length);
    assertThat(awaitOutcome()).isEqualTo(Outcome.COMPLETED);
  }

  @Test
  void aPlainAnswerThatIsTooLongToBeHeldPasses() throws Exception {
    server.enqueue(Answer.replay(PLAIN).cutAfter(PLAIN.headLength() + 200));
    ClientDouble client = sent(proxy(policy(3).heldBytes(64).build(), server.uri()), chat());
    assertThat(client.awaitEnd()).isEqualTo("abort");
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void aStreamThatBreaksOffBeforeItsFirstPieceIsHidden() throws Exception {
    server.enqueue(Answer.replay(STREAM).closeBeforeChunk(0));
    server.enqueue(Answer.stream("application/x-ndjson").endChunks());
    server.enqueue(
        Answer.stream("application/x-ndjson").chunk("{\"error\":\"no memory\"}\n").endChunks());
    server.enqueue(Answer.replay(STREAM));
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.text()).isEqualTo(STREAM.responseText());
    assertThat(exchange.retries()).isEqualTo(3);
  }

  @Test
  void nothingIsTriedAgainOnceTheFirstPieceHasGone() throws Exception {
    server.enqueue(Answer.replay(STREAM).closeBeforeChunk(1));
    Exchange exchange = chat();
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.text()).contains("\"error\"");
    assertThat(awaitOutcome()).isEqualTo(Outcome.TRUNCATED);
    assertThat(server.requests()).hasSize(1);
    assertThat(exchange.retries()).isZero();
  }

  @Test
  void aStreamsFirstPieceGoesOutAtOnce() throws Exception {
    Gate gate = Gate.closed();
    server.enqueue(Answer.replay(STREAM).gateBeforeChunk(1, gate));
    ClientDouble client = ClientDouble.holding();
    var unused = proxy(policy(3).build(), server.uri()).forward(chat(), client);
    var write = client.awaitWrite();
    assertThat(client.flushes).hasValue(1);
    gate.open();
    write.written();
  }

  @ParameterizedTest
  @CsvSource({
    "POST,/api/pull",
    "POST,/api/create",
    "POST,/api/copy",
    "DELETE,/api/delete",
    "POST,/own/path"
  })
  void aCallThatChangesTheServerIsSentOnce(String method, String path) throws Exception {
    server.enqueue(busy(503, ""));
    Exchange exchange = exchange(TestRequest.of(method, path), memory("{\"model\":\"m\"}"));
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.awaitStatus()).isEqualTo(503);
    assertThat(server.requests()).hasSize(1);
    ClientDouble second =
        sent(
            proxy(policy(3).build(), Nobody.listens(), server.uri()),
            exchange(TestRequest.of(method, path), memory("{}")));
    assertThat(second.awaitStatus()).isEqualTo(502);
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void aBodyThatPassesThroughIsSentOnce() throws Exception {
    server.enqueue(busy(503, ""));
    Exchange exchange =
        exchange(TestRequest.of("POST", "/api/chat").body("{}"), new RequestBody.PassThrough());
    ClientDouble client = sent(proxy(policy(3).build(), server.uri()), exchange);
    assertThat(client.awaitStatus()).isEqualTo(503);
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void retriesComeFromABudget() throws Exception {
    Proxy proxy = proxy(policy(3).budget(0.5, 2).build(), server.uri());
    for (int i = 0; i < 7; i++) {
      server.enqueue(busy(503, ""));
    }
    Exchange first = chat();
    assertThat(sent(proxy, first).awaitStatus()).isEqualTo(503);
    assertThat(first.retries()).isEqualTo(2);
    Exchange second = chat();
    assertThat(sent(proxy, second).awaitStatus()).isEqualTo(503);
    assertThat(second.retries()).isZero();
    Exchange third = chat();
    assertThat(sent(proxy, third).awaitStatus()).isEqualTo(503);
    assertThat(third.retries()).as("two calls have paid for it").isEqualTo(1);
  }

  @Test
  void onlyAFastFailureIsTriedAgainWhereThatIsAsked() throws Exception {
    Proxy proxy = proxy(policy(3).onlyWithin(Duration.ofSeconds(2)).build(), server.uri());
    Gate gate = Gate.closed();
    server.enqueue(busy(503, "").gateBeforeHead(gate));
    Exchange slow = chat();
    ClientDouble client = ClientDouble.reading();
    var unused = proxy.forward(slow, client);
    server.takeRequest();
    time.advance(Duration.ofSeconds(3));
    gate.open();
    assertThat(client.awaitStatus()).isEqualTo(503);
    client.awaitEnd();
    assertThat(slow.retries()).isZero();
    server.enqueue(busy(503, "")).enqueue(Answer.replay(PLAIN));
    Exchange fast = chat();
    assertThat(sent(proxy, fast).awaitStatus()).isEqualTo(200);
    assertThat(fast.retries()).isEqualTo(1);
  }

  @Test
  void aClientThatLeavesBetweenAttemptsEndsThem() throws Exception {
    RetryPolicy slow =
        RetryPolicy.builder(3).waits(Duration.ofMinutes(5), Duration.ofMinutes(5)).build();
    Proxy proxy = proxy(slow, server.uri());
    server.enqueue(busy(503, ""));
    Exchange exchange = chat();
    ClientDouble client = ClientDouble.reading();
    var call = proxy.forward(exchange, client);
    while (exchange.retries() == 0) {
      Thread.onSpinWait();
    }
    call.clientGone();
    assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
    assertThat(proxy.active()).isZero();
    assertThat(server.requests()).hasSize(1);
    while (results.size() < 2) {
      Thread.onSpinWait(); // the next attempt's place is free long before its wait would be over
    }
  }

  @Test
  void aTransportThatThrowsIsAServerThatIsNotReached() throws Exception {
    UpstreamTransport broken =
        new UpstreamTransport() {
          @Override
          public UpstreamCall send(UpstreamRequest request, ResponseHandler handler) {
            throw new IllegalStateException("closed");
          }

          @Override
          public void close() {}
        };
    InOrder places = new InOrder(server.uri());
    Upstream upstream = Upstream.builder("u", server.uri(), broken).build();
    UpstreamRouter first =
        new UpstreamRouter() {
          @Override
          public Route route(Exchange exchange) {
            Route.To real = (Route.To) places.route(exchange);
            return new Route.To(upstream, real.body(), null, null, real.placement());
          }

          @Override
          public Route again(Exchange exchange, List<Route.To> tried, boolean retriesLeft) {
            return places.again(exchange, tried, retriesLeft);
          }
        };
    ClientDouble alone = sent(Proxy.builder(first).build(), chat());
    assertThat(alone.awaitStatus()).isEqualTo(502);
    assertThat(awaitOutcome()).isEqualTo(Outcome.UPSTREAM_FAILED);
    assertThat(results).hasSize(1);
    server.enqueue(Answer.replay(PLAIN));
    ClientDouble again = sent(Proxy.builder(first).retries(policy(1).build()).build(), chat());
    assertThat(again.awaitStatus()).isEqualTo(200);
    assertThat(results).hasSize(3);
  }

  @Test
  void aCallIsSettledThoughItsRouterFails() throws Exception {
    server.enqueue(Answer.replay(PLAIN));
    InOrder places = new InOrder(server.uri());
    Proxy proxy =
        Proxy.builder(
                exchange -> {
                  Route.To real = (Route.To) places.route(exchange);
                  Placement failing =
                      new Placement() {
                        @Override
                        public String deployment() {
                          return "d";
                        }

                        @Override
                        public String model() {
                          return "m";
                        }

                        @Override
                        public void ended(AttemptResult result) {
                          throw new IllegalStateException();
                        }
                      };
                  return new Route.To(real.upstream(), real.body(), null, null, failing);
                })
            .build();
    assertThat(sent(proxy, chat()).awaitStatus()).isEqualTo(200);
    assertThat(awaitOutcome()).isEqualTo(Outcome.COMPLETED);
    assertThat(proxy.active()).isZero();
  }

  // ---- the longest duration

  private Proxy bounded(RetryPolicy policy, Duration most) {
    return Proxy.builder(new InOrder(server.uri())).retries(policy).maxDuration(most).build();
  }

  @Test
  void theLongestDurationIsOfTheCallAndNotOfEachAttempt() throws Exception {
    Proxy proxy = bounded(policy(9).build(), Duration.ofSeconds(10));
    Gate first = Gate.closed();
    Gate second = Gate.closed();
    server.enqueue(busy(503, "").gateBeforeHead(first));
    server.enqueue(busy(503, "").gateBeforeHead(second));
    Exchange exchange = chat();
    ClientDouble client = ClientDouble.reading();
    var unused = proxy.forward(exchange, client);
    server.takeRequest();
    time.advance(Duration.ofSeconds(6));
    first.open();
    server.takeRequest();
    time.advance(Duration.ofSeconds(5));
    second.open();
    assertThat(client.awaitStatus()).isEqualTo(503);
    client.awaitEnd();
    assertThat(totals).containsExactly(Duration.ofSeconds(10), Duration.ofSeconds(4));
    assertThat(exchange.retries()).isEqualTo(1);
  }

  @Test
  void aWaitThatIsLongerThanWhatIsLeftEndsTheRetries() throws Exception {
    RetryPolicy slow =
        RetryPolicy.builder(3).waits(Duration.ofMinutes(5), Duration.ofMinutes(5)).build();
    server.enqueue(busy(503, ""));
    ClientDouble client = sent(bounded(slow, Duration.ofMinutes(1)), chat());
    assertThat(client.awaitStatus()).isEqualTo(503);
    assertThat(results).as("both places were given back").hasSize(2);
  }

  @Test
  void aCallWaitsForItsTurnNoLongerThanItMayTakeInAll() throws Exception {
    CompletableFuture<Route> turn = new CompletableFuture<>();
    AtomicBoolean cancelled = new AtomicBoolean();
    Proxy proxy =
        Proxy.builder(exchange -> new Route.Later(turn, () -> cancelled.set(true)))
            .maxDuration(Duration.ofMillis(50))
            .build();
    Exchange exchange = chat();
    ClientDouble client = sent(proxy, exchange);
    assertThat(client.awaitStatus()).isEqualTo(504);
    assertThat(awaitOutcome().kind()).isEqualTo(Outcome.Kind.TIMEOUT);
    assertThat(cancelled).isTrue();
    turn.complete(new InOrder(server.uri()).route(exchange));
    assertThat(results).as("the place is given back").hasSize(1);
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void aTurnThatComesTooLateIsNotUsed() throws Exception {
    CompletableFuture<Route> turn = new CompletableFuture<>();
    Proxy proxy =
        Proxy.builder(exchange -> new Route.Later(turn, () -> {}))
            .maxDuration(Duration.ofMinutes(1))
            .build();
    Exchange exchange = chat();
    ClientDouble client = ClientDouble.reading();
    var unused = proxy.forward(exchange, client);
    time.advance(Duration.ofMinutes(1));
    turn.complete(new InOrder(server.uri()).route(exchange));
    assertThat(client.awaitStatus()).isEqualTo(504);
    assertThat(results).hasSize(1);
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void aCallThatWaitsForItsTurnGoesOnOrIsGivenUp() throws Exception {
    CompletableFuture<Route> first = new CompletableFuture<>();
    CompletableFuture<Route> second = new CompletableFuture<>();
    AtomicBoolean cancelled = new AtomicBoolean();
    List<Route> later =
        new ArrayList<>(
            List.of(
                new Route.Later(first, () -> {}),
                new Route.Later(second, () -> cancelled.set(true))));
    InOrder places = new InOrder(server.uri());
    Proxy proxy = Proxy.builder(exchange -> later.remove(0)).build();
    server.enqueue(Answer.replay(PLAIN));
    Exchange exchange = chat();
    ClientDouble client = ClientDouble.reading();
    var unused = proxy.forward(exchange, client);
    assertThat(server.requests()).isEmpty();
    first.complete(places.route(exchange));
    assertThat(client.awaitStatus()).isEqualTo(200);
    client.awaitEnd();
    assertThat(awaitOutcome()).isEqualTo(Outcome.COMPLETED);

    Exchange impatient = chat();
    proxy.forward(impatient, ClientDouble.reading()).clientGone();
    assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
    assertThat(cancelled).isTrue();
    second.complete(places.route(impatient));
    assertThat(results).as("the place is given back").hasSize(2);
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void anAttemptThatTimesOutIsFollowedByAnother() throws Exception {
    UpstreamTimeouts hasty =
        new UpstreamTimeouts(
            Duration.ofSeconds(5),
            Duration.ofMillis(100),
            Duration.ofSeconds(20),
            Duration.ofSeconds(60));
    try (ReplayUpstream silent = ReplayUpstream.start()) {
      silent.on("POST", "/api/chat", Answer.silence());
      Proxy proxy =
          Proxy.builder(new InOrder(hasty, silent.uri(), server.uri()))
              .retries(policy(1).build())
              .build();
      server.enqueue(Answer.replay(PLAIN));
      Exchange exchange = chat();
      ClientDouble client = sent(proxy, exchange);
      assertThat(client.awaitStatus()).isEqualTo(200);
      client.awaitEnd();
      assertThat(exchange.retries()).isEqualTo(1);
    }
  }

  @Test
  void backOffDoublesWithJitterUpToItsEnd() {
    RetryPolicy policy =
        RetryPolicy.builder(9).waits(Duration.ofMillis(100), Duration.ofMillis(1_000)).build();
    SplittableRandom random = new SplittableRandom(7);
    for (int retry = 1; retry < 60; retry++) {
      long full = retry > 4 ? 1_000_000_000L : 100_000_000L << (retry - 1);
      for (int i = 0; i < 100; i++) {
        assertThat(policy.backOff(retry, random)).isBetween(full / 2, full);
      }
    }
    RetryPolicy patient =
        RetryPolicy.builder(1)
            .waits(Duration.ZERO, Duration.ZERO)
            .leastWait(Duration.ofSeconds(2))
            .build();
    assertThat(patient.backOff(1, random)).isEqualTo(2_000_000_000L);
    assertThatThrownBy(() -> RetryPolicy.builder(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "7,7",
    "0,0",
    "' 12 ',12",
    "99999999999999999999,86400",
    "-1,",
    "soon,",
    "'Thu, 01 Jan 2026 00:00:30 GMT',30",
    "'Wed, 01 Jan 2025 00:00:30 GMT',0",
    "'Fri, 01 Jan 2027 00:00:30 GMT',86400"
  })
  void retryAfterIsSecondsOrADate(String value, @org.jspecify.annotations.Nullable Long seconds) {
    Duration read =
        RetryAfter.of(
            new HeaderMap().add("Retry-After", value), Instant.parse("2026-01-01T00:00:00Z"));
    assertThat(read).isEqualTo(seconds == null ? null : Duration.ofSeconds(seconds));
  }
}
