package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.RawHttp;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One guard before an application of any kind. */
@Tag("container")
class GuardFilterTest extends ChainTestBase {
  private static final Duration LATE = Duration.ofMillis(300);

  private Engine.Application guardedBy(Stage... stages) {
    return context -> filter(stages).addTo(context, "guard", "/*");
  }

  private GuardFilter filter(Stage... stages) {
    Guard.Builder guard = Guard.builder().stage(observer());
    Arrays.stream(stages).forEach(guard::stage);
    return new GuardFilter(guard.build()).bodyDeadline(LATE);
  }

  /** Completed once a guard waits for the rest of a body. */
  private final CompletableFuture<Void> asked = new CompletableFuture<>();

  /** A stage that reads the whole body and forwards it. */
  private CompletionStage<Decision> readBody(Exchange exchange) {
    CompletionStage<byte[]> body = exchange.request().readBody(1 << 20);
    asked.complete(null);
    return body.handle(
        (bytes, e) -> {
          if (e != null) {
            return new Decision.Refuse(Refusal.of(400, "body", e.getClass().getSimpleName()));
          }
          exchange.body(new RequestBody.InMemory(ByteBuffer.wrap(bytes)));
          return new Decision.Admit(exchange);
        });
  }

  // ---- how answers end

  @Test
  void anAnswerWrittenAtOnceIsReportedWithItsBytes() throws Exception {
    start(
        guardedBy(),
        (request, response) -> {
          response.setStatus(201);
          response.setContentType("text/plain");
          response.getOutputStream().write("hello".getBytes(StandardCharsets.UTF_8));
        });
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
  void charactersAreReportedAsTheBytesThatGoOut() throws Exception {
    start(
        guardedBy(),
        (request, response) -> {
          response.setContentType("text/plain");
          response.setCharacterEncoding("UTF-8");
          response.getWriter().print("h\u00e4\ud83d");
          response.getWriter().print("\ude00!");
        });
    try (RawHttp client = connect()) {
      client.get("/");
      RawHttp.Head head = client.readHead();
      assertThat(head.header("Content-Type").orElse("")).containsIgnoringCase("charset=utf-8");
      assertThat(client.readText()).isEqualTo("h\u00e4\ud83d\ude00!");
    }
    assertThat(nextEnded().exchange().responseBytes()).isEqualTo(8);
  }

  @Test
  void anErrorOfTheApplicationIsReportedWithItsStatus() throws Exception {
    start(guardedBy(), (request, response) -> response.sendError(418));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(418);
    }
    Ended end = nextEnded();
    assertThat(end.exchange().status()).isEqualTo(418);
    assertThat(end.outcome().word()).isEqualTo("completed");
  }

  @Test
  void anApplicationThatThrowsHasFailedOnce() throws Exception {
    start(
        guardedBy(),
        (request, response) -> {
          throw new ServletException("no");
        });
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
  void anAnswerThatGoesOnAsynchronouslyEndsWhenItIsComplete() throws Exception {
    CompletableFuture<AsyncContext> begun = new CompletableFuture<>();
    start(guardedBy(), (request, response) -> begun.complete(request.startAsync()));
    try (RawHttp client = connect()) {
      client.get("/");
      AsyncContext context = begun.get(20, TimeUnit.SECONDS);
      assertThat(nothingElseEnded()).isTrue();
      context.getResponse().getOutputStream().write("later".getBytes(StandardCharsets.UTF_8));
      context.complete();
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("later");
    }
    Ended end = nextEnded();
    assertThat(end.outcome().word()).isEqualTo("completed");
    assertThat(end.exchange().responseBytes()).isEqualTo(5);
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void asynchronousWritesAreReportedToo() throws Exception {
    start(
        guardedBy(),
        (request, response) -> {
          AsyncContext context = request.startAsync();
          ServletOutputStream out = response.getOutputStream();
          out.setWriteListener(
              new WriteListener() {
                private int left = 10;

                @Override
                public void onWritePossible() throws IOException {
                  while (out.isReady()) {
                    if (left-- == 0) {
                      context.complete();
                      return;
                    }
                    out.write(new byte[1000]);
                  }
                }

                @Override
                public void onError(Throwable t) {
                  context.complete();
                }
              });
        });
    try (RawHttp client = connect()) {
      client.get("/");
      client.readHead();
      assertThat(client.readBody()).hasSize(10_000);
    }
    assertThat(nextEnded().exchange().responseBytes()).isEqualTo(10_000);
  }

  @Test
  void anAsynchronousAnswerThatTakesTooLongHasTimedOut() throws Exception {
    start(guardedBy(), (request, response) -> request.startAsync().setTimeout(50));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isIn(500, 503);
    }
    assertThat(nextEnded().outcome().word()).isEqualTo("timeout");
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void anAnswerThatIsDispatchedAgainEndsOnce() throws Exception {
    AtomicInteger visits = new AtomicInteger();
    start(
        guardedBy(),
        (request, response) -> {
          if (visits.getAndIncrement() == 0) {
            assertThat(request.getDispatcherType()).isEqualTo(DispatcherType.REQUEST);
            request.startAsync().dispatch();
          } else {
            assertThat(request.getDispatcherType()).isEqualTo(DispatcherType.ASYNC);
            response.getOutputStream().write("again".getBytes(StandardCharsets.UTF_8));
          }
        });
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("again");
    }
    Ended end = nextEnded();
    assertThat(end.outcome().word()).isEqualTo("completed");
    assertThat(end.exchange().responseBytes()).isEqualTo(5);
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void aClientThatHasLeftWhileTheApplicationWritesIsGone() throws Exception {
    CompletableFuture<Void> left = new CompletableFuture<>();
    start(
        guardedBy(),
        (request, response) -> {
          left.orTimeout(20, TimeUnit.SECONDS).join();
          byte[] much = new byte[1 << 20];
          for (int i = 0; i < 1000; i++) {
            response.getOutputStream().write(much);
          }
        });
    try (RawHttp client = connect()) {
      client.get("/");
      client.reset();
      left.complete(null);
    }
    assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    assertThat(nothingElseEnded()).isTrue();
  }

  // ---- decisions

  @Test
  void aDecisionThatComesLaterLetsTheChainGoOn() throws Exception {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    CompletableFuture<Exchange> asked = new CompletableFuture<>();
    start(
        guardedBy(
            stage(
                "later",
                e -> {
                  asked.complete(e);
                  return later;
                })),
        (request, response) -> {
          assertThat(request.getDispatcherType()).isEqualTo(DispatcherType.REQUEST);
          response.getOutputStream().write(1);
        });
    try (RawHttp client = connect()) {
      client.get("/");
      later.complete(new Decision.Admit(asked.get(20, TimeUnit.SECONDS)));
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readBody()).hasSize(1);
    }
    assertThat(nextEnded().exchange().responseBytes()).isEqualTo(1);
    nextEnded();
    assertThat(nothingElseEnded()).isTrue();
  }

  @Test
  void aRefusalThatComesLaterIsWritten() throws Exception {
    CompletableFuture<Decision> later = new CompletableFuture<>();
    CompletableFuture<Exchange> asked = new CompletableFuture<>();
    start(
        guardedBy(
            stage(
                "later",
                e -> {
                  asked.complete(e);
                  return later;
                })),
        (request, response) -> response.setStatus(299));
    try (RawHttp client = connect()) {
      client.get("/x");
      asked.get(20, TimeUnit.SECONDS);
      later.complete(new Decision.Refuse(Refusal.of(429, "limited", "wait a little")));
      assertThat(client.readHead().status()).isEqualTo(429);
      assertThat(client.readText()).contains("wait a little");
    }
  }

  @Test
  void aDecisionThatNeverComesIsRefusedAtTheDeadline() throws Exception {
    start(
        guardedBy(stage("never", e -> new CompletableFuture<>())),
        (request, response) -> response.setStatus(299));
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(503);
    }
  }

  @Test
  void whereNothingIsMappedToAsyncTheThreadWaitsInstead() throws Exception {
    AtomicInteger behind = new AtomicInteger();
    Filter another =
        (request, response, chain) -> {
          behind.incrementAndGet();
          chain.doFilter(request, response);
        };
    start(
        context -> {
          map(context, "guard", filter(stage("body", this::readBody)));
          map(context, "another", another);
        },
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));
    try (RawHttp client = connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\na");
      client.send("bcd");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("abcd");
      // a filter behind the guard is not left out
      assertThat(behind).hasValue(1);
    }
    nextEnded();
  }

  @Test
  void aBodyThatDoesNotComeIsNotWaitedForThere() throws Exception {
    start(
        context -> map(context, "guard", filter(stage("body", this::readBody))),
        (request, response) -> response.setStatus(299));
    try (RawHttp client = connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n");
      // a piece now and then keeps the connection busy, but not the thread for ever
      RawHttp trickle = client;
      CompletableFuture<Void> sending =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < 39; i++) {
                  try {
                    trickle.send("x");
                    CompletableFuture.runAsync(
                            () -> {}, CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS))
                        .join();
                  } catch (IOException e) {
                    return; // refused, as it should be
                  }
                }
              });
      assertThat(client.readHead().status()).isEqualTo(400);
      assertThat(client.readText()).contains("SocketTimeoutException");
      sending.join();
    }
  }

  @Test
  void aChainThatIsNotMappedToAsyncThoughItShouldBeStaysShut() throws Exception {
    AtomicInteger served = new AtomicInteger();
    start(
        context -> map(context, "guard", filter(stage("body", this::readBody)).asyncDispatch(true)),
        (request, response) -> {
          request.getInputStream();
          served.incrementAndGet();
        });
    try (RawHttp client = connect()) {
      client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\na");
      asked.get(20, TimeUnit.SECONDS);
      client.send("bcd");
      assertThat(client.readHead().status()).isEqualTo(500);
      assertThat(served).hasValue(0);
    }
  }

  // ---- what the application sees

  @Test
  void theApplicationReadsTheBodyThatWasChecked() throws Exception {
    start(
        guardedBy(
            stage("body", this::readBody),
            stage(
                "edit",
                e -> {
                  e.body(
                      new RequestBody.InMemory(
                          ByteBuffer.wrap("checked".getBytes(StandardCharsets.UTF_8))));
                  return e.admit();
                })),
        (request, response) -> {
          assertThat(request.getContentLengthLong()).isEqualTo(7);
          assertThat(request.getHeader("content-length")).isEqualTo("7");
          assertThat(request.getIntHeader("Content-Length")).isEqualTo(7);
          assertThat(request.getHeader("Transfer-Encoding")).isNull();
          response.getOutputStream().print(request.getReader().readLine());
        });
    try (RawHttp client = connect()) {
      client.send(
          "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      client.send("0\r\n\r\n");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("checked");
    }
    nextEnded();
  }

  @Test
  void theApplicationKnowsTheCaller() throws Exception {
    Caller caller =
        Caller.builder(Caller.Kind.API_KEY, "id-1")
            .name("Ada")
            .scopes(EnumSet.of(Scope.INFERENCE))
            .build();
    start(
        guardedBy(
            stage(
                "authentication",
                e -> {
                  e.caller(caller);
                  return e.admit();
                })),
        (request, response) -> {
          assertThat(request.getUserPrincipal()).isEqualTo(caller);
          assertThat(request.getAuthType()).isEqualTo("Bearer");
          assertThat(request.isUserInRole("inference")).isTrue();
          assertThat(request.isUserInRole("admin")).isFalse();
          assertThat(GuardFilter.exchange(request)).isNotNull();
          response.getOutputStream().print(request.getRemoteUser());
        });
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("Ada");
    }
    nextEnded();
  }

  @Test
  void theProxyRefusesCallsThatNoGuardHasSeen() throws Exception {
    io.llmguard.upstream.Proxy proxy =
        io.llmguard.upstream.Proxy.builder(
                exchange -> {
                  throw new AssertionError("asked");
                })
            .build();
    LlmProxyServlet servlet = new LlmProxyServlet(proxy);
    start(
        context -> {},
        (request, response) -> servlet.service((jakarta.servlet.ServletRequest) request, response));
    try (RawHttp client = connect()) {
      client.get("/api/version");
      assertThat(client.readHead().status()).isEqualTo(500);
    }
  }
}
