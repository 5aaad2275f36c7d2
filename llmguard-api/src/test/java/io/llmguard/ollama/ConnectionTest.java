package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.testkit.TestAuthority;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** How the client gets to a server: TLS, client certificates, proxies, and no answer at all. */
@Timeout(60)
class ConnectionTest {
  @TempDir private Path folder = Path.of("");

  private static OllamaClient.Builder builder(String url) {
    return OllamaClient.builder().baseUrl(url).retry(RetryPolicy.NONE);
  }

  /** A server that tells the version, and to whom. */
  private static HttpsServer server(
      SSLContext tls, boolean wantsCertificate, BlockingQueue<String> callers) throws Exception {
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(tls) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters ssl = tls.getDefaultSSLParameters();
            ssl.setNeedClientAuth(wantsCertificate);
            parameters.setSSLParameters(ssl);
          }
        });
    server.createContext(
        "/api/version",
        call -> {
          if (call instanceof HttpsExchange secure && wantsCertificate) {
            callers.add(secure.getSSLSession().getPeerPrincipal().getName());
          }
          byte[] body = "{\"version\":\"0.24.0\"}".getBytes(StandardCharsets.US_ASCII);
          call.sendResponseHeaders(200, body.length);
          call.getResponseBody().write(body);
          call.close();
        });
    server.start();
    return server;
  }

  private static String url(HttpsServer server) {
    return "https://localhost:" + server.getAddress().getPort();
  }

  @Test
  void tlsIsTrustedWhereTheContextSaysSoAndNowhereElse() throws Exception {
    TestAuthority authority = new TestAuthority(folder).issue("server", "CN=localhost");
    HttpsServer server = server(authority.context("server"), false, new LinkedBlockingQueue<>());
    try (OllamaClient trusting = builder(url(server)).tls(authority.context("")).build();
        OllamaClient other = builder(url(server)).build()) {
      assertThat(trusting.version()).isEqualTo("0.24.0");
      assertThatThrownBy(other::version)
          .isInstanceOf(OllamaException.Unreachable.class)
          .hasMessageContaining("localhost");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aClientCertificateIsShownToAServerThatWantsOne() throws Exception {
    TestAuthority authority =
        new TestAuthority(folder).issue("server", "CN=localhost").issue("app", "CN=app,O=Example");
    BlockingQueue<String> callers = new LinkedBlockingQueue<>();
    HttpsServer server = server(authority.context("server"), true, callers);
    try (OllamaClient known = builder(url(server)).tls(authority.context("app")).build();
        OllamaClient unknown = builder(url(server)).tls(authority.context("")).build()) {
      assertThat(known.version()).isEqualTo("0.24.0");
      assertThat(callers).containsExactly("CN=app,O=Example");
      assertThatThrownBy(unknown::version).isInstanceOf(OllamaException.class);
      assertThat(callers).hasSize(1);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aProxyIsAskedForTheServer() throws Exception {
    try (ReplayUpstream proxy = ReplayUpstream.start(List.of());
        OllamaClient client =
            builder("http://ollama.example:11434")
                .proxy(
                    ProxySelector.of(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port())))
                .build()) {
      proxy.enqueue(Answer.replay(Recording.of("chat-stream")));
      try (var stream = client.chatStream(ChatRequest.of("gemma3:270m", "hi"))) {
        assertThat(stream.result().text()).isNotEmpty();
      }
      assertThat(proxy.takeRequest().target()).isEqualTo("http://ollama.example:11434/api/chat");
    }
  }

  @Test
  void theJvmsProxySettingsAreNotTakenUnasked() throws Exception {
    ProxySelector before = ProxySelector.getDefault();
    try (ReplayUpstream proxy = ReplayUpstream.start(List.of());
        ReplayUpstream upstream = ReplayUpstream.start(List.of())) {
      ProxySelector.setDefault(
          ProxySelector.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port())));
      upstream.enqueue(Answer.replay(Recording.of("version")));
      try (OllamaClient client = builder(upstream.uri().toString()).build()) {
        assertThat(client.version()).isNotEmpty();
      }
      assertThat(proxy.connections()).isZero();
      proxy.enqueue(Answer.replay(Recording.of("version")));
      try (OllamaClient client =
          builder("http://ollama.example").proxy(ProxySelector.getDefault()).build()) {
        assertThat(client.version()).isNotEmpty();
      }
      assertThat(proxy.connections()).isOne();
    } finally {
      ProxySelector.setDefault(before);
    }
  }

  /** Elsewhere a full backlog refuses; Linux leaves the caller waiting, as a firewall does. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aServerThatNeverAcceptsIsGivenUpAtTheConnectLimit() throws Exception {
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      List<SocketChannel> waiting = new ArrayList<>();
      try (OllamaClient client =
          builder("http://127.0.0.1:" + full.getLocalPort())
              .timeouts(Timeouts.DEFAULT.withConnect(Duration.ofMillis(300)))
              .build()) {
        for (int i = 0; i < 4; i++) {
          SocketChannel channel = SocketChannel.open();
          waiting.add(channel);
          channel.configureBlocking(false);
          channel.connect(full.getLocalSocketAddress());
        }
        long begin = System.nanoTime();
        assertThatThrownBy(client::version)
            .asInstanceOf(type(OllamaException.TimedOut.class))
            .satisfies(
                timedOut ->
                    assertThat(timedOut.limit()).isEqualTo(OllamaException.TimedOut.Limit.CONNECT));
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .isBetween(Duration.ofMillis(250), Duration.ofSeconds(10));
      } finally {
        for (SocketChannel channel : waiting) {
          channel.close();
        }
      }
    }
  }

  @Test
  void anErrorBeforeTheHeadOfAPullIsTypedAndNotTriedAgain() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of());
        OllamaClient client = OllamaClient.create(upstream.uri().toString())) {
      upstream.enqueue(
          Answer.status(500, "application/json", "{\"error\":\"no space left on device\"}"));
      try (var stream = client.pullStream(PullRequest.of("gemma3:270m"))) {
        assertThatThrownBy(stream::result)
            .isInstanceOf(OllamaException.ServerFailed.class)
            .hasMessageContaining("no space left on device");
      }
      upstream.enqueue(Answer.closing());
      assertThatThrownBy(() -> client.pull(PullRequest.of("gemma3:270m")))
          .isInstanceOf(OllamaException.Truncated.class);
      assertThat(upstream.requests()).hasSize(2);
    }
  }
}
