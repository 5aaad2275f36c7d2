package io.llmguard.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.Proxy.ProxiedCall;
import io.llmguard.upstream.jetty.JettyTransport;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.ResponseMeters;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The proxy, between a real upstream and a client that the test plays. */
class ProxyTest {
  @Nested
  class OverTheJdksClient extends Behaviour {
    OverTheJdksClient() {
      super(new JdkTransport(TransportSettings.builder().build()));
    }
  }

  @Nested
  class OverJettysClient extends Behaviour {
    OverJettysClient() {
      super(new JettyTransport(TransportSettings.builder().build()));
    }
  }

  @Nested
  class OverJettysClientWithoutChangeOfThreads extends Behaviour {
    OverJettysClientWithoutChangeOfThreads() {
      super(new JettyTransport(TransportSettings.builder().blockingHandlers(false).build()));
    }
  }

  @Timeout(60)
  abstract static class Behaviour {
    private static final int DEADLINE = 20;

    private final UpstreamTransport transport;
    private final ReplayUpstream server = ReplayUpstream.start();
    private final BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
    private final Guard guard =
        Guard.builder()
            .stage(new Prepared())
            .meters(
                (exchange, status, headers) ->
                    ResponseMeters.meter(
                        java.util.Objects.requireNonNull(exchange.endpoint()).operation(),
                        true,
                        status,
                        headers.first("Content-Type"),
                        headers.first("Content-Encoding")))
            .build();

    Behaviour(UpstreamTransport transport) {
      this.transport = transport;
    }

    @AfterEach
    void close() {
      transport.close();
      server.close();
    }

    /** What the stages before would have found, and what settling sees. */
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
        }
        return exchange.admit();
      }

      @Override
      public void settle(Exchange exchange, Outcome outcome) {
        outcomes.add(outcome);
      }
    }

    private Upstream.Builder upstream() {
      return Upstream.builder("one", server.uri(), transport);
    }

    private Proxy proxy() {
      return Proxy.builder(UpstreamRouter.to(upstream().build())).build();
    }

    private Proxy.Builder changing(AnswerTransform transform) {
      Upstream one = upstream().build();
      return Proxy.builder(
          exchange -> new Route.To(one, exchange.body(), (status, headers) -> transform));
    }

    private Exchange admitted(TestRequest request) {
      Decision decision = guard.admit(request).toCompletableFuture().join();
      return ((Decision.Admit) decision).exchange();
    }

    private Exchange chat() {
      return withBody(TestRequest.of("POST", "/api/chat"), "{\"model\":\"m\"}");
    }

    private Exchange withBody(TestRequest request, String body) {
      Exchange exchange = admitted(request);
      exchange.body(
          new RequestBody.InMemory(ByteBuffer.wrap(body.getBytes(StandardCharsets.UTF_8))));
      return exchange;
    }

    private Outcome awaitOutcome() throws InterruptedException {
      Outcome outcome = outcomes.poll(DEADLINE, TimeUnit.SECONDS);
      assertThat(outcome).as("an outcome within 20 s").isNotNull();
      return java.util.Objects.requireNonNull(outcome);
    }

    private static void cancelled(ReceivedRequest request) throws Exception {
      request.cancelled().get(DEADLINE, TimeUnit.SECONDS);
    }

    // ---- passing on

    @Test
    void everyRecordedStreamPassesByteForByteAndCompletes() throws Exception {
      Proxy proxy = proxy();
      for (String name : new String[] {"chat-stream", "openai-chat-stream", "tags", "show"}) {
        Recording recording = Recording.of(name);
        Exchange exchange =
            withBody(TestRequest.of(recording.method(), recording.path()), recording.bodyText());
        if (recording.body().length == 0) {
          exchange.body(new RequestBody.None());
        }
        ClientDouble client = ClientDouble.reading();
        ProxiedCall unused = proxy.forward(exchange, client);
        assertThat(client.awaitEnd()).isEqualTo("end");
        assertThat(client.text()).as(name).isEqualTo(recording.responseText());
        assertThat(awaitOutcome()).isEqualTo(Outcome.COMPLETED);
        assertThat(exchange.upstream()).isEqualTo("one");
      }
      assertThat(proxy.active()).isZero();
    }

    @Test
    void onlyWhatTheUpstreamMaySeeGoesThere() throws Exception {
      server.enqueue(Answer.plain("application/json", "{}"));
      TestRequest request =
          TestRequest.of("POST", "/api/show?verbose=%31")
              .bearer("sk-planted")
              .header("X-Api-Key", "sk-planted")
              .header("x_api_key", "sk-planted")
              .header("api-key", "sk-planted")
              .header("Cookie", "a=sk-planted")
              .header("Client-Cert", "sk-planted")
              .header("Connection", "close, X-Hop")
              .header("X-Hop", "sk-planted")
              .header("TE", "trailers")
              .header("Upgrade", "h2c")
              .header("Forwarded", "for=1.2.3.4")
              .header("X-Forwarded-For", "1.2.3.4")
              .header("Origin", "https://page.example")
              .header("Referer", "https://page.example/x")
              .header("Accept-Encoding", "gzip, zstd")
              .header("Content-Encoding", "gzip")
              .header("Content-Length", "5000")
              .header("Transfer-Encoding", "chunked")
              .header("Expect", "100-continue")
              .header("X-HTTP-Method-Override", "DELETE")
              .header("X-Llmguard-Upstream", "one")
              .header("Content-Type", "application/xml")
              .header("content-type", "text/plain")
              .header("traceparent", "00-1-2-3")
              .header("User-Agent", "me");
      Proxy proxy =
          Proxy.builder(
                  UpstreamRouter.to(upstream().credential("Authorization", "Bearer own").build()))
              .build();
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy.forward(withBody(request, "{\"model\":\"m\"}"), client);
      client.awaitEnd();
      ReceivedRequest received = server.takeRequest();
      assertThat(received.headers())
          .extracting(
              header -> header.name().toLowerCase(java.util.Locale.ROOT) + ": " + header.value())
          .containsExactlyInAnyOrder(
              "host: 127.0.0.1:" + server.port(),
              "content-length: 13",
              "accept-encoding: identity",
              "authorization: Bearer own",
              "content-type: application/json",
              "traceparent: 00-1-2-3",
              "user-agent: me");
      assertThat(received.target()).isEqualTo("/api/show");
      assertThat(received.bodyText()).isEqualTo("{\"model\":\"m\"}");
    }

    @Test
    void onlyWhatTheUpstreamMaySayComesBack() throws Exception {
      server.enqueue(
          Answer.bytes(
              String.join(
                  "\r\n",
                  "HTTP/1.1 200 OK",
                  "Content-Type: application/json",
                  "Content-Length: 2",
                  "Connection: X-Hop",
                  "X-Hop: 1",
                  "Keep-Alive: timeout=5",
                  "Set-Cookie: a=b",
                  "Access-Control-Allow-Origin: *",
                  "X-Llmguard-Caller: admin",
                  "X-Accel-Redirect: /etc",
                  "Alt-Svc: h3=\":1\"",
                  "X-Request-Id: 7",
                  "",
                  "{}")));
      Exchange exchange = chat();
      exchange.responseHeaders().add("RateLimit", "\"a\";r=1");
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(exchange, client);
      client.awaitEnd();
      java.util.List<String> fields = new java.util.ArrayList<>();
      client
          .headers()
          .forEach((name, value) -> fields.add(name.toLowerCase(java.util.Locale.ROOT)));
      assertThat(fields)
          .containsExactlyInAnyOrder("content-type", "content-length", "x-request-id", "ratelimit");
      assertThat(client.flushes).as("flushes of a plain answer").hasValue(0);
    }

    @Test
    void aPathGoesOnAsItWasJudged() throws Exception {
      server.enqueue(Answer.plain("application/json", "{}"));
      Exchange exchange = withBody(TestRequest.of("POST", "/api/me?a|b"), "{}");
      exchange.path("/api/ä b/100%");
      ProxiedCall unused = proxy().forward(exchange, ClientDouble.reading());
      assertThat(server.takeRequest().target()).isEqualTo("/api/%C3%A4%20b/100%25?a%7Cb");
    }

    @Test
    void eachPieceOfAStreamIsOneWriteAndOneFlush() throws Exception {
      Recording recording = Recording.of("chat-stream");
      Gate gate = Gate.closed();
      server.enqueue(Answer.replay(recording).gateBeforeChunk(1, gate));
      ClientDouble client = ClientDouble.holding();
      ProxiedCall unused = proxy().forward(chat(), client);
      ClientResponse.WriteCallback first = client.awaitWrite();
      assertThat(client.text())
          .isEqualTo(new String(recording.chunks().get(0), StandardCharsets.UTF_8));
      assertThat(client.headers().all("Cache-Control")).containsExactly("no-cache");
      assertThat(client.headers().first("X-Accel-Buffering")).isEqualTo("no");
      first.written();
      gate.open();
      while (!client.end.isDone()) {
        ClientResponse.WriteCallback next = client.held.poll(5, TimeUnit.MILLISECONDS);
        if (next != null) {
          next.written();
        }
      }
      assertThat(client.flushes.get()).isEqualTo(client.writes.get());
      assertThat(client.text()).isEqualTo(recording.responseText());
    }

    @Test
    void aBlobPassesThroughUnread() throws Exception {
      server.enqueue(Answer.status(201, "text/plain", ""));
      long size = 50_000_000;
      Generated source = new Generated(size, 1 << 16, true);
      Exchange exchange = admitted(TestRequest.of("POST", "/api/blobs/sha256:" + "0".repeat(64)));
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(exchange, source, size, client);
      assertThat(client.awaitStatus()).isEqualTo(201);
      assertThat(server.takeRequest().body().sha256Hex()).isEqualTo(source.sha256());
    }

    // ---- what breaks around it

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aServerThatBreaksWhileItAnswersItsClientEndsTheCallOnce(boolean atTheHead)
        throws Exception {
      Gate gate = Gate.closed();
      server.enqueue(Answer.replay(Recording.of("chat-stream")).gateBeforeChunk(2, gate));
      CompletableFuture<Void> aborted = new CompletableFuture<>();
      ClientResponse broken =
          new ClientResponse() {
            @Override
            public void head(int status, Headers headers) {
              if (atTheHead) {
                throw new UnsupportedOperationException("read-only");
              }
            }

            @Override
            public void write(ByteBuffer chunk, boolean flush, WriteCallback written) {
              throw new IllegalStateException("closed");
            }

            @Override
            public void end() {
              throw new AssertionError("it has not ended");
            }

            @Override
            public void abort() {
              aborted.complete(null);
            }
          };
      Proxy proxy = proxy();
      ProxiedCall unused = proxy.forward(chat(), broken);
      cancelled(server.takeRequest());
      assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
      aborted.get(DEADLINE, TimeUnit.SECONDS);
      assertThat(proxy.active()).isZero();
      assertThat(outcomes).isEmpty();
    }

    @Test
    void aRouterThatBreaksRefusesTheCall() throws Exception {
      Proxy proxy =
          Proxy.builder(
                  exchange -> {
                    throw new NoClassDefFoundError("gone");
                  })
              .build();
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy.forward(chat(), client);
      assertThat(client.awaitStatus()).isEqualTo(503);
      assertThat(awaitOutcome().word()).isEqualTo("refused:no-upstream");
      assertThat(proxy.active()).isZero();
    }

    // ---- clients that leave

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientThatLeavesBeforeTheFirstByteCancelsAlsoPlainCalls(boolean streams)
        throws Exception {
      server.enqueue(
          (streams ? Answer.stream("application/x-ndjson") : Answer.plain("a/b", "x"))
              .gateBeforeHead(Gate.closed()));
      ClientDouble client = ClientDouble.reading();
      Exchange exchange = chat();
      Proxy proxy = proxy();
      ProxiedCall call = proxy.forward(exchange, client);
      ReceivedRequest received = server.takeRequest();
      call.clientGone();
      call.clientGone();
      cancelled(received);
      assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
      assertThat(exchange.status()).as("not logged as 200").isEqualTo(499);
      assertThat(outcomes).as("completed once").isEmpty();
      assertThat(client.status).isNotDone();
      assertThat(proxy.active()).isZero();
    }

    @Test
    void aClientThatLeavesInMidStreamCancels() throws Exception {
      server.enqueue(
          Answer.stream("application/x-ndjson").chunk("{\"done\":false}\n").thenSilence());
      ClientDouble client = ClientDouble.holding();
      ProxiedCall unused = proxy().forward(chat(), client);
      client.awaitWrite().failed(new java.io.IOException("Broken pipe"));
      cancelled(server.takeRequest());
      assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientThatLeavesWhileItsLastPieceIsNotAcknowledgedHasBeenAnswered(boolean last)
        throws Exception {
      server.enqueue(
          Answer.stream("application/x-ndjson").chunk("{\"done\":" + last + "}\n").thenSilence());
      ClientDouble client = ClientDouble.holding();
      ProxiedCall call = proxy().forward(chat(), client);
      client.awaitWrite();
      call.clientGone();
      cancelled(server.takeRequest());
      assertThat(awaitOutcome()).isEqualTo(last ? Outcome.COMPLETED : Outcome.CLIENT_GONE);
    }

    @Test
    void aServerThatDoesNotSurviveCancellingIsReadToItsEnd() throws Exception {
      Recording recording = Recording.of("chat-stream");
      Gate gate = Gate.closed();
      server.enqueue(Answer.replay(recording).gateBeforeChunk(1, gate));
      Proxy proxy =
          Proxy.builder(UpstreamRouter.to(upstream().cancelOnClientGone(false).build())).build();
      ClientDouble client = ClientDouble.holding();
      Exchange exchange = chat();
      ProxiedCall call = proxy.forward(exchange, client);
      ClientResponse.WriteCallback write = client.awaitWrite();
      ReceivedRequest received = server.takeRequest();
      call.clientGone();
      write.failed(new java.io.IOException("Broken pipe"));
      assertThat(outcomes).as("still under way").isEmpty();
      gate.open();
      assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
      assertThat(exchange.responseBytes()).isEqualTo(recording.responseBody().length);
      assertThat(exchange.usage()).as("what was generated is known").isNotNull();
      assertThat(received.cancelled()).isNotDone();
      assertThat(client.writes).hasValue(1);
    }

    // ---- answers that break

    @Test
    void aStreamWithoutItsEndIsToldFromAWholeOne() throws Exception {
      server.enqueue(
          Answer.stream("application/x-ndjson").chunk("{\"done\":false}\n{\"half\":").endChunks());
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(chat(), client);
      client.awaitEnd();
      assertThat(client.text().lines().reduce((a, b) -> b).orElse("")).startsWith("{\"error\":\"");
      assertThat(awaitOutcome()).isEqualTo(Outcome.TRUNCATED);
    }

    @Test
    void anSseStreamWithoutDoneIsAFailure() throws Exception {
      server.enqueue(
          Answer.stream("text/event-stream").chunk("data: {\"choices\":[]}\n\n").endChunks());
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused =
          proxy().forward(withBody(TestRequest.of("POST", "/v1/chat/completions"), "{}"), client);
      client.awaitEnd();
      assertThat(client.text()).contains("data: {\"error\":{").doesNotContain("[DONE]");
      assertThat(awaitOutcome()).isEqualTo(Outcome.TRUNCATED);
    }

    @Test
    void aStreamWhoseConnectionBreaksEndsWithAnError() throws Exception {
      server.enqueue(Answer.stream("application/x-ndjson").chunk("{\"done\":false}\n").thenReset());
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(chat(), client);
      client.awaitEnd();
      assertThat(client.text()).contains("{\"error\":\"");
      assertThat(awaitOutcome()).isEqualTo(Outcome.TRUNCATED);
    }

    @Test
    void aPlainAnswerCutShortIsCutForTheClientToo() throws Exception {
      server.enqueue(
          Answer.bytes(
                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                      + "Content-Length: 100\r\n\r\n{\"model\":")
              .thenClose());
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(chat(), client);
      assertThat(client.awaitEnd()).isEqualTo("abort");
      assertThat(awaitOutcome()).isEqualTo(Outcome.TRUNCATED);
    }

    @Test
    void anErrorLineInMidStreamPassesAndIsTheUpstreamsFailure() throws Exception {
      server.enqueue(
          Answer.stream("application/x-ndjson")
              .chunk("{\"done\":false}\n")
              .chunk("{\"error\":\"out of memory\"}\n")
              .endChunks());
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(chat(), client);
      assertThat(client.awaitEnd()).isEqualTo("end");
      assertThat(client.text()).endsWith("{\"error\":\"out of memory\"}\n");
      assertThat(awaitOutcome()).isEqualTo(Outcome.UPSTREAM_FAILED);
    }

    @Test
    void aLineOfMoreThanEightMebibytesPasses() throws Exception {
      server.enqueue(
          Answer.stream("application/x-ndjson")
              .longLine("{\"thinking\":\"", 9L << 20, "\",\"done\":false}\n")
              .chunk("{\"done\":true}\n")
              .endChunks());
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(chat(), client);
      assertThat(client.awaitEnd()).isEqualTo("end");
      assertThat(client.text()).hasSize((9 << 20) + "{\"done\":true}\n".length());
      assertThat(awaitOutcome()).isEqualTo(Outcome.COMPLETED);
    }

    @Test
    void anUpstreamThatIsDownIsA502InTheCallersDialect() throws Exception {
      Upstream down = Upstream.builder("down", Nobody.listens(), transport).build();
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = Proxy.builder(UpstreamRouter.to(down)).build().forward(chat(), client);
      assertThat(client.awaitStatus()).isEqualTo(502);
      client.awaitEnd();
      assertThat(client.text()).startsWith("{\"error\":\"").doesNotContain("127.0.0.1");
      assertThat(awaitOutcome()).isEqualTo(Outcome.UPSTREAM_FAILED);
    }

    @Test
    void anUpstreamThatDoesNotAnswerIsA504() throws Exception {
      server.enqueue(Answer.silence());
      Duration minute = Duration.ofMinutes(1);
      UpstreamTimeouts quick = new UpstreamTimeouts(minute, Duration.ofMillis(100), minute, minute);
      Proxy proxy = Proxy.builder(UpstreamRouter.to(upstream().timeouts(quick).build())).build();
      ClientDouble client = ClientDouble.reading();
      Exchange exchange = chat();
      ProxiedCall unused = proxy.forward(exchange, client);
      assertThat(client.awaitStatus()).isEqualTo(504);
      assertThat(awaitOutcome()).isEqualTo(Outcome.TIMEOUT);
      assertThat(exchange.status()).isEqualTo(504);
      cancelled(server.takeRequest());
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 307, 407})
    void aRedirectLeadsNobodyAroundTheGuard(int status) throws Exception {
      server.enqueue(
          Answer.bytes(
              "HTTP/1.1 "
                  + status
                  + " Go\r\nLocation: http://10.0.0.7:11434/\r\n"
                  + "Content-Length: 0\r\n\r\n"));
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy().forward(chat(), client);
      assertThat(client.awaitStatus()).isEqualTo(502);
      client.awaitEnd();
      assertThat(client.headers().first("Location")).isNull();
      assertThat(client.text()).doesNotContain("10.0.0.7");
      assertThat(awaitOutcome()).isEqualTo(Outcome.UPSTREAM_FAILED);
    }

    // ---- ceilings, draining, slow clients

    @Test
    void aStreamOverItsLongestDurationIsCutWithAnError() throws Exception {
      server.enqueue(
          Answer.stream("application/x-ndjson").chunk("{\"done\":false}\n").thenSilence());
      Proxy proxy =
          Proxy.builder(UpstreamRouter.to(upstream().build()))
              .maxDuration(Duration.ofMillis(200))
              .build();
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy.forward(chat(), client);
      client.awaitEnd();
      assertThat(client.text()).contains("{\"error\":\"");
      assertThat(awaitOutcome()).isEqualTo(Outcome.TIMEOUT);
      cancelled(server.takeRequest());
    }

    @Test
    void anAnswerOverItsLongestLengthIsCutWithAnError() throws Exception {
      server.enqueue(
          Answer.stream("application/x-ndjson")
              .chunk("{\"done\":false}\n")
              .longLine("{\"a\":\"", 1 << 20, "\"}\n")
              .thenSilence());
      Proxy proxy =
          Proxy.builder(UpstreamRouter.to(upstream().build())).maxResponseBytes(100_000).build();
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy.forward(chat(), client);
      client.awaitEnd();
      assertThat(client.text().length()).isLessThan(110_000);
      assertThat(client.text()).contains("{\"error\":\"");
      assertThat(awaitOutcome()).isEqualTo(Outcome.TRUNCATED);
      cancelled(server.takeRequest());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}\n", "{\"done\":true}\n"})
    void aClientThatReadsNothingDoesNotHoldItsUpstream(String line) throws Exception {
      server.enqueue(Answer.stream("application/x-ndjson").chunk(line).thenSilence());
      Duration minute = Duration.ofMinutes(1);
      UpstreamTimeouts quick = new UpstreamTimeouts(minute, minute, Duration.ofMillis(100), minute);
      Proxy proxy = Proxy.builder(UpstreamRouter.to(upstream().timeouts(quick).build())).build();
      ClientDouble client = ClientDouble.holding();
      ProxiedCall unused = proxy.forward(chat(), client);
      client.awaitWrite();
      assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
      assertThat(client.awaitEnd()).isEqualTo("abort");
      cancelled(server.takeRequest());
    }

    @Test
    void aClientThatReadsNothingEndsACallWhoseUpstreamHasFailed() throws Exception {
      server.enqueue(Answer.stream("application/x-ndjson").chunk("{}\n").thenReset());
      Duration minute = Duration.ofMinutes(1);
      UpstreamTimeouts quick = new UpstreamTimeouts(minute, minute, Duration.ofMillis(100), minute);
      Proxy proxy =
          Proxy.builder(
                  UpstreamRouter.to(upstream().timeouts(quick).cancelOnClientGone(false).build()))
              .build();
      ClientDouble client = ClientDouble.holding();
      ProxiedCall unused = proxy.forward(chat(), client);
      ClientResponse.WriteCallback held = client.awaitWrite();
      assertThat(client.awaitEnd()).isEqualTo("abort");
      held.failed(new java.io.IOException("cut"));
      assertThat(awaitOutcome()).isEqualTo(Outcome.CLIENT_GONE);
    }

    @Test
    void aFailureDuringASlowWriteIsToldAfterIt() throws Exception {
      server.enqueue(Answer.stream("application/x-ndjson").chunk("{\"done\":false}\n").thenReset());
      ClientDouble client = ClientDouble.holding();
      ProxiedCall unused = proxy().forward(chat(), client);
      ClientResponse.WriteCallback slow = client.awaitWrite();
      assertThat(client.held).isEmpty();
      slow.written();
      client.awaitWrite().written();
      client.awaitEnd();
      assertThat(client.text()).startsWith("{\"done\":false}\n{\"error\":\"");
      assertThat(awaitOutcome()).isEqualTo(Outcome.TRUNCATED);
    }

    @Test
    void drainingRefusesNewCallsWaitsForOldOnesAndCutsTheRest() throws Exception {
      Gate gate = Gate.closed();
      server.enqueue(
          Answer.stream("application/x-ndjson").then(gate).chunk("{\"done\":true}\n").endChunks());
      server.enqueue(
          Answer.stream("application/x-ndjson").chunk("{\"done\":false}\n").thenSilence());
      Proxy proxy = proxy();
      ClientDouble first = ClientDouble.reading();
      ProxiedCall unused = proxy.forward(chat(), first);
      first.awaitStatus();
      ClientDouble second = ClientDouble.holding();
      ProxiedCall unused2 = proxy.forward(chat(), second);
      second.awaitWrite().written();
      CompletionStage<Void> drained = proxy.drain(Duration.ofMillis(300));
      ClientDouble late = ClientDouble.reading();
      ProxiedCall unused3 = proxy.forward(chat(), late);
      assertThat(late.awaitStatus()).isEqualTo(503);
      assertThat(late.headers().first("Retry-After")).isNotNull();
      gate.open();
      assertThat(first.awaitEnd()).isEqualTo("end");
      second.awaitWrite().written();
      drained.toCompletableFuture().get(DEADLINE, TimeUnit.SECONDS);
      assertThat(second.text()).contains("{\"error\":\"");
      assertThat(proxy.active()).isZero();
      assertThat(outcomes)
          .containsExactlyInAnyOrder(
              Outcome.refused("draining"), Outcome.COMPLETED, Outcome.TRUNCATED);
    }

    // ---- answers that are changed

    @Test
    void aTransformChangesTheAnswerAndItsLength() throws Exception {
      server.enqueue(Answer.plain("application/json", "{\"models\":[]}"));
      Proxy proxy = changing(new Gathering(false)).build();
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy.forward(chat(), client);
      assertThat(client.awaitEnd()).isEqualTo("end");
      assertThat(client.text()).isEqualTo("{\"MODELS\":[]}");
      assertThat(client.headers().first("Content-Length")).isNull();
      assertThat(awaitOutcome()).isEqualTo(Outcome.COMPLETED);
    }

    @Test
    void anAnswerThatCannotBeChangedIsNotShown() throws Exception {
      server.enqueue(Answer.plain("application/json", "{\"models\":[\"hidden\"]}"));
      Proxy proxy = changing(new Gathering(true)).build();
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = proxy.forward(chat(), client);
      assertThat(client.awaitStatus()).isEqualTo(502);
      client.awaitEnd();
      assertThat(client.text()).doesNotContain("hidden");
      assertThat(awaitOutcome()).isEqualTo(Outcome.UPSTREAM_FAILED);
    }

    /** Keeps all and writes it in capitals at the end. */
    private static final class Gathering implements AnswerTransform {
      private final java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
      private final boolean fails;

      Gathering(boolean fails) {
        this.fails = fails;
      }

      @Override
      public ByteBuffer apply(ByteBuffer piece) {
        byte[] bytes = new byte[piece.remaining()];
        piece.get(bytes);
        all.writeBytes(bytes);
        return ByteBuffer.allocate(0);
      }

      @Override
      public ByteBuffer end() {
        if (fails) {
          throw new IllegalStateException("no list");
        }
        return ByteBuffer.wrap(
            all.toString(StandardCharsets.UTF_8)
                .toUpperCase(java.util.Locale.ROOT)
                .getBytes(StandardCharsets.UTF_8));
      }
    }

    @Test
    void anAnswerThatBreaksOffBeforeItIsChangedIsA502() throws Exception {
      server.enqueue(
          Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"models\":").thenClose());
      ClientDouble client = ClientDouble.reading();
      ProxiedCall unused = changing(new Gathering(false)).build().forward(chat(), client);
      assertThat(client.awaitStatus()).isEqualTo(502);
      client.awaitEnd();
      assertThat(client.text()).startsWith("{\"error\":\"");
    }

    @Test
    void anUpstreamsCredentialIsInNoText() {
      Upstream secret = upstream().credential("Authorization", "Bearer sk-planted").build();
      assertThat(secret.toString()).doesNotContain("planted");
    }
  }
}
