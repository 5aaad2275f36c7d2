package io.llmguard.upstream.routing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.ClientResponse;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.RetryPolicy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.jetty.JettyTransport;
import io.llmguard.wire.RequestReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two servers, of which one is killed and comes back, under 2,000 calls. */
class KilledServerTest {
  private static final int CALLS = 2_000;
  private static final int AT_ONCE = 32;
  private static final Recording STREAM = Recording.of("chat-stream");
  private static final Recording PLAIN = Recording.of("chat-once");

  KilledServerTest() {}

  /** A server of recorded answers on a port of its own, which can be killed and come back. */
  private static final class Server implements AutoCloseable {
    private final AtomicInteger calls = new AtomicInteger();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final int port;
    private HttpServer http;

    Server() throws IOException {
      http = listen(0);
      port = http.getAddress().getPort();
    }

    private HttpServer listen(int at) throws IOException {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 512);
      server.setExecutor(threads);
      server.createContext("/api/chat", this::answer);
      server.start();
      return server;
    }

    private void answer(HttpExchange exchange) throws IOException {
      calls.incrementAndGet();
      String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      boolean plain = body.contains("\"stream\":false");
      Recording recording = plain ? PLAIN : STREAM;
      exchange
          .getResponseHeaders()
          .set("Content-Type", recording.header("Content-Type").orElse(""));
      exchange.sendResponseHeaders(200, plain ? recording.responseBody().length : 0);
      try (OutputStream out = exchange.getResponseBody()) {
        for (byte[] chunk : recording.chunks()) {
          out.write(chunk);
          out.flush();
        }
      }
    }

    void kill() {
      http.stop(0);
    }

    void restart() throws IOException {
      http = listen(port);
    }

    URI uri() {
      return URI.create("http://127.0.0.1:" + port);
    }

    @Override
    public void close() {
      http.stop(0);
      threads.shutdownNow();
    }
  }

  /** What a client saw. */
  private static final class Client implements ClientResponse {
    private final CompletableFuture<String> end = new CompletableFuture<>();
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private volatile int status;

    @Override
    public void head(int code, Headers headers) {
      status = code;
    }

    @Override
    public void write(ByteBuffer chunk, boolean flush, WriteCallback written) {
      byte[] bytes = new byte[chunk.remaining()];
      chunk.get(bytes);
      body.writeBytes(bytes);
      written.written();
    }

    @Override
    public void end() {
      end.complete("end");
    }

    @Override
    public void abort() {
      end.complete("abort");
    }

    String text() {
      return body.toString(UTF_8);
    }
  }

  @Test
  @Timeout(120)
  void noClientSeesAnErrorThatARetryCouldHaveHidden() throws Exception {
    try (Server a = new Server();
        Server b = new Server();
        UpstreamTransport transport = new JettyTransport(TransportSettings.builder().build());
        Guard guard =
            StandardGuard.builder()
                .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
                .stage(Place.BODY, new BodyStage(RequestReader.create(), 10_000))
                .build()) {
      Proxy proxy =
          Proxy.builder(
                  DeploymentRouter.builder(
                          List.of(
                              Deployment.of("gemma", upstream("a", a, transport), "gemma3:270m"),
                              Deployment.of("gemma", upstream("b", b, transport), "gemma3:270m")))
                      .strategy(RoutingStrategy.usageBased())
                      .cooldown(new Cooldown(3, Duration.ofMillis(50), false))
                      .build())
              .retries(
                  RetryPolicy.builder(3).waits(Duration.ofMillis(5), Duration.ofSeconds(1)).build())
              .build();
      List<Client> clients = new ArrayList<>();
      List<Exchange> exchanges = new ArrayList<>();
      Semaphore free = new Semaphore(AT_ONCE);
      int atRestart = 0;
      for (int i = 0; i < CALLS; i++) {
        assertThat(free.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
        if (i == CALLS / 3) {
          a.kill();
        } else if (i == 2 * CALLS / 3) {
          atRestart = a.calls.get();
          a.restart();
        }
        Client client = new Client();
        var unused = client.end.whenComplete((end, e) -> free.release());
        Exchange exchange = admitted(guard, i % 2 == 0);
        clients.add(client);
        exchanges.add(exchange);
        var unusedCall = proxy.forward(exchange, client);
      }
      assertThat(free.tryAcquire(AT_ONCE, 20, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < CALLS; i++) {
        judge(clients.get(i), i % 2 == 0);
      }
      assertThat(exchanges.stream().mapToInt(Exchange::retries).sum()).isPositive();
      assertThat(a.calls.get()).as("calls after it came back").isGreaterThan(atRestart + 100);
      assertThat(proxy.active()).isZero();
    }
  }

  private static void judge(Client client, boolean plain) {
    assertThat(client.status).isEqualTo(200);
    String whole = (plain ? PLAIN : STREAM).responseText().replace("\"gemma3:270m\"", "\"gemma\"");
    if (!client.text().equals(whole)) {
      // a stream that had begun: nobody can take back what its client has seen
      assertThat(plain).isFalse();
      String first = whole.substring(0, whole.indexOf('\n'));
      assertThat(client.text()).startsWith(first).contains("\"error\"");
    }
  }

  private static Upstream upstream(String name, Server server, UpstreamTransport transport) {
    return Upstream.builder(name, server.uri(), transport).build();
  }

  private static Exchange admitted(Guard guard, boolean plain) {
    TestRequest request =
        TestRequest.post(
            "/api/chat",
            "{\"model\":\"gemma\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
                + (plain ? ",\"stream\":false}" : "}"));
    return ((Decision.Admit) guard.admit(request).toCompletableFuture().join()).exchange();
  }
}
