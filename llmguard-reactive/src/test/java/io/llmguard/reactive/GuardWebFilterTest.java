package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.testkit.RawHttp;
import io.llmguard.upstream.Proxy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** One guard before an application of any kind. */
@Tag("server")
class GuardWebFilterTest extends ChainTestBase {
  private static final Caller ADA = Caller.builder(Caller.Kind.API_KEY, "id-1").name("Ada").build();

  private Stage authentication() {
    return stage(
        "authentication",
        exchange -> {
          exchange.caller(ADA);
          return exchange.admit();
        });
  }

  private static CompletionStage<Decision> readBody(Exchange exchange) {
    return exchange
        .request()
        .readBody(1000)
        .handle(
            (bytes, e) -> {
              if (e != null) {
                return new Decision.Refuse(Refusal.of(400, "body", e.getClass().getSimpleName()));
              }
              exchange.body(new RequestBody.InMemory(ByteBuffer.wrap("checked".getBytes(UTF_8))));
              return new Decision.Admit(exchange);
            });
  }

  private static final java.nio.charset.Charset UTF_8 = StandardCharsets.UTF_8;

  // ---- how answers end

  @Test
  void anAnswerIsReportedWithItsStatusAndBytes() throws Exception {
    start(
        exchange -> {
          exchange.getResponse().setStatusCode(HttpStatus.CREATED);
          return answer(exchange, "hello");
        },
        filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(201);
      assertThat(client.readText()).isEqualTo("hello");
    }
    Ended end = nextEnded();
    assertThat(end.outcome().word()).isEqualTo("completed");
    assertThat(end.exchange().status()).isEqualTo(201);
    assertThat(end.exchange().responseBytes()).isEqualTo(5);
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void aStreamOfGroupsIsReportedToo() throws Exception {
    start(
        exchange ->
            exchange
                .getResponse()
                .writeAndFlushWith(
                    Flux.range(0, 10).map(i -> Flux.just(bytes(exchange, "x".repeat(1000))))),
        filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      client.readHead();
      assertThat(client.readBody()).hasSize(10_000);
    }
    assertThat(nextEnded().exchange().responseBytes()).isEqualTo(10_000);
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void anAnswerWithoutABodyIsReportedWithItsStatus() throws Exception {
    start(
        exchange -> {
          exchange.getResponse().setStatusCode(HttpStatus.ACCEPTED);
          return Mono.empty();
        },
        filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(202);
    }
    assertThat(nextEnded().exchange().status()).isEqualTo(202);
  }

  @Test
  void anApplicationThatFailsHasFailedOnce() throws Exception {
    start(exchange -> Mono.error(new IOException("no")), filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(500);
    }
    Ended end = nextEnded();
    assertThat(end.outcome().word()).isEqualTo("upstream-failed");
    assertThat(end.exchange().status()).isEqualTo(500);
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void anApplicationThatAnswersByAnExceptionIsReportedWithItsStatus() throws Exception {
    start(
        exchange -> Mono.error(new ResponseStatusException(HttpStatus.I_AM_A_TEAPOT)),
        filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(418);
    }
    Ended end = nextEnded();
    assertThat(end.exchange().status()).isEqualTo(418);
    assertThat(end.outcome().word()).isEqualTo("completed");
  }

  @Test
  void anAnswerThatBreaksOffInTheMiddleIsTruncated() throws Exception {
    start(
        exchange ->
            exchange
                .getResponse()
                .writeAndFlushWith(
                    Flux.just(
                        Flux.just(bytes(exchange, "a")),
                        Flux.<DataBuffer>error(new IllegalStateException("broken")))),
        filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      client.readHead();
      client.readBody();
      assertThat(client.end()).isNotEqualTo(RawHttp.End.COMPLETE);
    }
    assertThat(nextEnded().outcome().word()).isEqualTo("truncated");
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void aClientThatLeavesWhileTheApplicationWorksIsGone() throws Exception {
    for (boolean reset : new boolean[] {false, true}) {
      CompletableFuture<Void> working = new CompletableFuture<>();
      start(
          exchange ->
              exchange
                  .getResponse()
                  .writeWith(
                      Flux.<DataBuffer>never()
                          .doOnRequest(n -> working.complete(null))
                          .startWith(bytes(exchange, "a"))),
          filter(observer()));
      try (RawHttp client = connect()) {
        client.get("/");
        working.get(20, TimeUnit.SECONDS);
        if (reset) {
          client.reset();
        } else {
          client.leave();
        }
        assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
        assertThat(nothingElseEnded()).isTrue();
      }
      stop();
    }
  }

  // ---- decisions

  @Test
  void aDecisionThatComesLaterLetsTheChainGoOn() throws Exception {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    CompletableFuture<Exchange> asked = new CompletableFuture<>();
    start(
        exchange -> answer(exchange, "x"),
        filter(
            stage(
                "later",
                e -> {
                  asked.complete(e);
                  return later;
                })));
    try (RawHttp client = connect()) {
      client.get("/");
      later.complete(new Decision.Admit(asked.get(20, TimeUnit.SECONDS)));
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("x");
    }
    assertThat(nextEnded().outcome().word()).isEqualTo("completed");
  }

  @Test
  void aDecisionThatNeverComesIsRefusedAtTheDeadlineAndSettledIfItDoesComeAfterAll()
      throws Exception {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    CompletableFuture<Exchange> asked = new CompletableFuture<>();
    start(
        exchange -> answer(exchange, "x"),
        filter(
                stage(
                    "late",
                    e -> {
                      asked.complete(e);
                      return later;
                    }))
            .bodyDeadline(Duration.ofMillis(50)));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(503);
    }
    later.complete(new Decision.Admit(asked.join()));
    assertThat(nextEnded().outcome()).isEqualTo(Outcome.TIMEOUT);
  }

  @Test
  void aClientThatLeavesWhileItsGuardDecidesIsSettledOnce() throws Exception {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    CompletableFuture<Exchange> asked = new CompletableFuture<>();
    CompletableFuture<Void> cancelled = new CompletableFuture<>();
    WebFilter outside =
        (exchange, chain) -> chain.filter(exchange).doOnCancel(() -> cancelled.complete(null));
    start(
        exchange -> answer(exchange, "x"),
        outside,
        filter(
            stage(
                "later",
                e -> {
                  asked.complete(e);
                  return later;
                })));
    try (RawHttp client = connect()) {
      client.get("/");
      Exchange call = asked.get(20, TimeUnit.SECONDS);
      client.leave();
      cancelled.get(20, TimeUnit.SECONDS);
      later.complete(new Decision.Admit(call));
    }
    assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void aStageThatSaysThatItBlocksRunsAndSettlesOffTheEventLoop() throws Exception {
    CompletableFuture<String> decided = new CompletableFuture<>();
    CompletableFuture<String> settled = new CompletableFuture<>();
    Stage blocking =
        new Stage() {
          @Override
          public String name() {
            return "blocking";
          }

          @Override
          public boolean blocking() {
            return true;
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            pause();
            decided.complete(Thread.currentThread().getName());
            return exchange.admit();
          }

          @Override
          public void settle(Exchange exchange, Outcome outcome) {
            pause();
            settled.complete(Thread.currentThread().getName());
          }
        };
    CompletableFuture<Boolean> reading = new CompletableFuture<>();
    Stage body =
        stage(
            "body",
            exchange -> {
              CompletionStage<Decision> read = readBody(exchange);
              reading.complete(true);
              return read;
            });
    start(exchange -> answer(exchange, "x"), filter(body, blocking));
    try (RawHttp client = connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n");
      reading.get(20, TimeUnit.SECONDS);
      client.send("abc"); // it comes on the event loop, and the guard has yet to decide
      assertThat(client.readHead().status()).isEqualTo(200);
    }
    assertThat(decided.get(20, TimeUnit.SECONDS)).startsWith("boundedElastic");
    assertThat(settled.get(20, TimeUnit.SECONDS)).startsWith("boundedElastic");
  }

  /** What BlockHound would find on an event loop. */
  private static void pause() {
    try {
      Thread.sleep(1);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theApplicationNeverRunsOnTheThreadOfWhoeverDecided() throws Exception {
    AtomicReference<Thread> filtered = new AtomicReference<>();
    AtomicReference<Thread> handled = new AtomicReference<>();
    WebFilter outside =
        (exchange, chain) -> {
          filtered.set(Thread.currentThread());
          return chain.filter(exchange);
        };
    ExecutorService few = Executors.newSingleThreadExecutor(task -> new Thread(task, "few"));
    try {
      for (Executor decider :
          List.<Executor>of(few, Schedulers.boundedElastic()::schedule, Runnable::run)) {
        start(
            exchange -> {
              handled.set(Thread.currentThread());
              return answer(exchange, "x");
            },
            outside,
            filter(
                stage(
                    "later",
                    e ->
                        CompletableFuture.supplyAsync(() -> new Decision.Admit(e), decider)
                            .thenApply(admit -> admit))));
        try (RawHttp client = connect()) {
          client.get("/");
          assertThat(client.readHead().status()).isEqualTo(200);
        }
        assertThat(handled.get()).isSameAs(filtered.get());
        assertThat(handled.get().getName()).startsWith("reactor-http-");
        assertThat(nextEnded().outcome().word()).isEqualTo("completed");
        stop();
      }
    } finally {
      few.shutdown();
    }
  }

  @Test
  void aStageThatBlocksWithoutSayingSoIsFound() throws Exception {
    start(
        exchange -> answer(exchange, "x"),
        filter(
            stage(
                "secretly",
                e -> {
                  pause();
                  return e.admit();
                })));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(500);
    }
    assertThat(BlockingCalls.taken()).isNotEmpty();
  }

  // ---- what the application sees

  @Test
  void theApplicationReadsTheBodyThatWasChecked() throws Exception {
    start(
        exchange -> {
          assertThat(exchange.getRequest().getHeaders().getContentLength()).isEqualTo(7);
          assertThat(exchange.getRequest().getHeaders().getFirst("transfer-encoding")).isNull();
          assertThat(exchange.getRequest().getHeaders().getContentType())
              .isEqualTo(MediaType.TEXT_PLAIN);
          return DataBufferUtils.join(exchange.getRequest().getBody())
              .flatMap(
                  body -> {
                    String text = body.toString(UTF_8);
                    DataBufferUtils.release(body);
                    return answer(exchange, text);
                  });
        },
        filter(stage("body", GuardWebFilterTest::readBody)));
    try (RawHttp client = connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n");
      client.send("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("checked");
    }
  }

  @Test
  void aBodyThatNoGuardReadsStaysTheApplications() throws Exception {
    start(
        exchange ->
            DataBufferUtils.join(exchange.getRequest().getBody())
                .flatMap(
                    body -> {
                      String text = body.toString(UTF_8);
                      DataBufferUtils.release(body);
                      return answer(exchange, text);
                    }),
        filter(observer()));
    try (RawHttp client = connect()) {
      client.request("POST", "/", "mine".getBytes(UTF_8));
      client.readHead();
      assertThat(client.readText()).isEqualTo("mine");
    }
  }

  @Test
  void theCallerIsThePrincipalAndInTheContextAlsoBehindAnotherFilter() throws Exception {
    start(
        exchange ->
            exchange
                .<Principal>getPrincipal()
                .publishOn(Schedulers.parallel())
                .flatMap(
                    principal ->
                        GuardWebFilter.currentCaller()
                            .map(caller -> principal.getName() + " " + caller.getName()))
                .flatMap(text -> answer(exchange, text)),
        filter(observer()),
        filter(authentication()));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("Ada Ada");
    }
    nextEnded();
    nextEnded();
    assertThat(nothingElseEnded()).isTrue();
    assertThat(GuardWebFilter.currentCaller().block()).isNull();
  }

  @Test
  void aRefusalOfALaterGuardSettlesTheEarlierOne() throws Exception {
    start(
        exchange -> answer(exchange, "x"),
        filter(observer()),
        filter(stage("no", e -> e.refuse(Refusal.of(403, "not-allowed", "no")))));
    try (RawHttp client = connect()) {
      client.get("/v1/models");
      assertThat(client.readHead().status()).isEqualTo(403);
      assertThat(client.readText()).startsWith("{\"error\":{");
    }
    assertThat(nextEnded().outcome().word()).isEqualTo("refused:not-allowed");
    assertThat(nextEnded().outcome().word()).isEqualTo("refused:not-allowed");
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void anAddressThatAForwardingFilterBelievedIsNotThePeers() throws Exception {
    WebFilter believing =
        (exchange, chain) ->
            chain.filter(
                exchange
                    .mutate()
                    .request(r -> r.remoteAddress(new java.net.InetSocketAddress("203.0.113.7", 1)))
                    .build());
    start(exchange -> answer(exchange, "x"), believing, filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      client.readHead();
    }
    assertThat(nextEnded().exchange().clientAddress().getHostAddress()).isEqualTo("127.0.0.1");
  }

  @Test
  void aCallThatTheProxyWasNotSubscribedToForIsSettledByItsGuard() throws Exception {
    LlmProxyHandler proxy =
        new LlmProxyHandler(
            Proxy.builder(
                    exchange -> {
                      throw new AssertionError("asked");
                    })
                .build());
    start(
        exchange -> {
          Mono<Void> unused = proxy.handle(exchange);
          return answer(exchange, "instead");
        },
        filter(observer()));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("instead");
    }
    assertThat(nextEnded().outcome().word()).isEqualTo("completed");
  }

  @Test
  void theProxyRefusesCallsThatNoGuardHasSeen() throws Exception {
    Proxy proxy =
        Proxy.builder(
                exchange -> {
                  throw new AssertionError("asked");
                })
            .build();
    start(new LlmProxyHandler(proxy));
    try (RawHttp client = connect()) {
      client.get("/api/version");
      assertThat(client.readHead().status()).isEqualTo(500);
    }
  }
}
