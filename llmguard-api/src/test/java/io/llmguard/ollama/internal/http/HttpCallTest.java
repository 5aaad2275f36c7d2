package io.llmguard.ollama.internal.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.testkit.TestAuthority;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names and addresses, TLS, tunnels, and readers that fail. */
@Timeout(60)
class HttpCallTest {
  @TempDir private static Path folder = Path.of("");
  private static TestAuthority authority;

  private final Queue<AutoCloseable> open = new ConcurrentLinkedQueue<>();

  @BeforeAll
  static void certificates() throws Exception {
    authority =
        new TestAuthority(folder)
            .issue("local", "CN=localhost")
            .issue("far", "CN=far", "dns:ollama.example,ip:0:0:0:0:0:0:0:1");
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : open) {
      each.close();
    }
  }

  // ---- the client's side

  /** Connections of a client to which every name is this machine. */
  private HttpConnections connections(ProxySelector proxies) throws Exception {
    return connections(proxies, host -> new InetAddress[] {InetAddress.getLoopbackAddress()});
  }

  private HttpConnections connections(ProxySelector proxies, HttpConnections.Resolver resolver)
      throws Exception {
    HttpConnections made = new HttpConnections("test", proxies, authority.context(""), resolver);
    open.add(made);
    return made;
  }

  private HttpConnections connections() throws Exception {
    return connections(HttpClient.Builder.NO_PROXY);
  }

  /** A call and who waits for it. */
  private static final class Waiting {
    private final Semaphore told = new Semaphore(0);
    private final HttpCall call;

    Waiting(HttpConnections connections, HttpRequest request, RequestBody body) {
      call = new HttpCall(connections, request, body, true, told::release, () -> {});
    }

    /** The whole answer's body. */
    String body() throws IOException, InterruptedException {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      try {
        while (true) {
          switch (call.advance(body::write)) {
            case WAITING ->
                assertThat(told.tryAcquire(30, TimeUnit.SECONDS)).as("something to do").isTrue();
            case END -> {
              return body.toString(ISO_8859_1);
            }
            default -> {
              // on
            }
          }
        }
      } finally {
        call.close();
      }
    }
  }

  private static HttpRequest.Builder request(String url) {
    return HttpRequest.newBuilder(URI.create(url));
  }

  private static String get(HttpConnections connections, String url) throws Exception {
    return new Waiting(connections, request(url).build(), null).body();
  }

  private static String post(HttpConnections connections, String url, byte[] body)
      throws Exception {
    return new Waiting(connections, request(url).build(), RequestBody.of(body)).body();
  }

  // ---- the server's side

  private interface Script {
    /** Serves one connection; without the farewell of TLS if it closes the plain one. */
    void serve(SSLSocket socket, Socket plain) throws Exception;
  }

  private int server(String alias, Script script) throws Exception {
    ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    open.add(server);
    var factory = authority.context(alias).getSocketFactory();
    daemon(
        () -> {
          while (!server.isClosed()) {
            try (Socket plain = server.accept()) {
              SSLSocket socket = (SSLSocket) factory.createSocket(plain, null, 0, false);
              socket.setUseClientMode(false);
              script.serve(socket, plain);
            } catch (IOException e) {
              // the client left
            }
          }
        });
    return server.getLocalPort();
  }

  private interface Work {
    void run() throws Exception;
  }

  private static void daemon(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Exception e) {
                // the test is over, or shows by its client what went wrong
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new EOFException();
      }
      head.append((char) next);
    }
    return head.toString();
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
    socket.getOutputStream().flush();
  }

  private static void greet(SSLSocket socket) throws IOException {
    head(socket.getInputStream());
    write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  }

  // ---- names

  @Test
  void aCertificateIsForTheNameThatWasAskedFor() throws Exception {
    BlockingQueue<String> heads = new LinkedBlockingQueue<>();
    Script script =
        (socket, plain) -> {
          heads.add(head(socket.getInputStream()));
          write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
        };
    int local = server("local", script);
    int far = server("far", script);
    HttpConnections connections = connections();
    for (String good :
        List.of(
            "https://localhost:" + local,
            "https://127.0.0.1:" + local,
            "https://ollama.example:" + far,
            "https://[::1]:" + far)) {
      assertThat(get(connections, good)).as(good).isEqualTo("hi");
      assertThat(heads.take()).contains("Host: " + good.substring("https://".length()));
    }
    for (String bad :
        List.of(
            "https://localhost:" + far,
            "https://127.0.0.1:" + far,
            "https://ollama.example:" + local,
            "https://[::1]:" + local)) {
      assertThatThrownBy(() -> get(connections, bad))
          .as(bad)
          .isInstanceOf(SSLHandshakeException.class);
    }
    assertThat(heads).isEmpty();
  }

  @Test
  void theServersNameIsToldAndNoAddressIs() throws Exception {
    BlockingQueue<String> names = new LinkedBlockingQueue<>();
    int port =
        server(
            "far",
            (socket, plain) -> {
              greet(socket);
              names.add(
                  ((ExtendedSSLSession) socket.getSession()).getRequestedServerNames().toString());
            });
    HttpConnections connections = connections();
    get(connections, "https://ollama.example:" + port);
    assertThat(names.take()).contains("ollama.example");
    get(connections, "https://[::1]:" + port);
    assertThat(names.take()).isEqualTo("[]");
  }

  @Test
  void aZoneIsForThisMachineAlone() throws Exception {
    Origin origin =
        Origin.of(URI.create("http://[fe80::1%25eth0]:11434"), HttpClient.Builder.NO_PROXY);
    assertThat(origin.authority()).isEqualTo("[fe80::1]:11434");
    assertThat(origin.connectHost()).startsWith("fe80::1%");
  }

  @Test
  @EnabledOnOs(OS.LINUX) // where all of 127.0.0.0/8 is this machine
  void theNextAddressIsTriedWhereOneRefuses() throws Exception {
    InetAddress here = InetAddress.getLoopbackAddress();
    InetAddress nobody = InetAddress.getByName("127.0.0.2");
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of())) {
      upstream.on("GET", "/", Answer.plain("text/plain", "here").thenClose());
      String url = "http://ollama.example:" + upstream.port() + "/";
      for (InetAddress[] addresses :
          List.of(
              new InetAddress[] {here, nobody},
              new InetAddress[] {nobody, nobody, here},
              new InetAddress[] {InetAddress.getAllByName("::1")[0], here})) {
        HttpConnections connections =
            connections(HttpClient.Builder.NO_PROXY, host -> addresses.clone());
        assertThat(get(connections, url)).isEqualTo("here");
      }
      HttpConnections none =
          connections(HttpClient.Builder.NO_PROXY, host -> new InetAddress[] {nobody, nobody});
      assertThatThrownBy(() -> get(none, url)).isInstanceOf(ConnectException.class);
    }
  }

  @Test
  void aNameThatNobodyKnowsIsNamed() throws Exception {
    HttpConnections connections =
        connections(
            HttpClient.Builder.NO_PROXY,
            host -> {
              throw new UnknownHostException("geheim");
            });
    assertThatThrownBy(() -> get(connections, "http://ollama.example/"))
        .isInstanceOf(UnknownHostException.class)
        .hasMessage("the host is not known: ollama.example");
  }

  // ---- TLS

  @Test
  void muchGoesBothWays() throws Exception {
    int length = 5_000_000;
    int port =
        server(
            "local",
            (socket, plain) -> {
              String head = head(socket.getInputStream());
              assertThat(head).contains("Content-Length: " + length + "\r\n");
              byte[] body = socket.getInputStream().readNBytes(length);
              write(socket, "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n");
              socket.getOutputStream().write(body);
              socket.close();
            });
    byte[] body = "0123456789".repeat(length / 10).getBytes(ISO_8859_1);
    assertThat(post(connections(), "https://localhost:" + port, body).getBytes(ISO_8859_1))
        .isEqualTo(body);
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void anEndThatTheServerDidNotSayIsACut(String version) throws Exception {
    Script cut =
        (socket, plain) -> {
          socket.setEnabledProtocols(new String[] {version});
          head(socket.getInputStream());
          write(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is");
          plain.close();
        };
    Script whole =
        (socket, plain) -> {
          socket.setEnabledProtocols(new String[] {version});
          head(socket.getInputStream());
          write(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is");
          socket.close();
        };
    HttpConnections connections = connections();
    String end = "https://localhost:" + server("local", whole);
    assertThat(get(connections, end)).isEqualTo("all there is");
    String broken = "https://localhost:" + server("local", cut);
    assertThatThrownBy(() -> get(connections, broken)).isInstanceOf(EOFException.class);
  }

  @Test
  void aHandshakeInTheMiddleOfARequestIsGoneThrough() throws Exception {
    int length = 16 << 20;
    int port =
        server(
            "local",
            (socket, plain) -> {
              socket.setEnabledProtocols(new String[] {"TLSv1.2"});
              head(socket.getInputStream());
              for (int i = 0; i < 4; i++) {
                socket.getInputStream().readNBytes(length / 4);
                socket.getSession().invalidate();
                socket.startHandshake();
              }
              write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
              socket.getInputStream().read();
            });
    assertThat(post(connections(), "https://localhost:" + port, new byte[length])).isEqualTo("hi");
  }

  // ---- tunnels

  /** A proxy that answers this, and leads where it was asked to; gives the heads that it read. */
  private int proxy(String answer, BlockingQueue<String> heads) throws Exception {
    ServerSocket proxy = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    open.add(proxy);
    daemon(
        () -> {
          while (true) {
            Socket client = proxy.accept();
            open.add(client);
            String head = head(client.getInputStream());
            heads.add(head);
            write(client, answer);
            String authority = head.split(" ", 3)[1];
            int port = Integer.parseInt(authority.substring(authority.lastIndexOf(':') + 1));
            Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
            open.add(server);
            daemon(() -> client.getInputStream().transferTo(server.getOutputStream()));
            daemon(() -> server.getInputStream().transferTo(client.getOutputStream()));
          }
        });
    return proxy.getLocalPort();
  }

  private HttpConnections through(int port) throws Exception {
    return connections(
        ProxySelector.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)));
  }

  @Test
  void aTunnelGetsWhatIsForItAndTheServerTheRest() throws Exception {
    BlockingQueue<String> asked = new LinkedBlockingQueue<>();
    BlockingQueue<String> served = new LinkedBlockingQueue<>();
    int server =
        server(
            "far",
            (socket, plain) -> {
              served.add(head(socket.getInputStream()));
              write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
              served.add(head(socket.getInputStream()));
              write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho");
            });
    HttpConnections connections =
        through(proxy("HTTP/1.1 200 Connection established\r\n\r\n", asked));
    HttpRequest request =
        request("https://ollama.example:" + server)
            .setHeader("Authorization", "Bearer for-the-server")
            .setHeader("Proxy-Authorization", "Basic for-the-proxy")
            .build();
    assertThat(new Waiting(connections, request, null).body()).isEqualTo("hi");
    assertThat(new Waiting(connections, request, null).body()).isEqualTo("ho");
    String to = "ollama.example:" + server;
    assertThat(asked.take())
        .isEqualTo(
            "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic for-the-proxy\r\n\r\n"
                .formatted(to, to));
    assertThat(asked).as("one tunnel for both").isEmpty();
    assertThat(served.take())
        .startsWith("GET / HTTP/1.1\r\n")
        .contains("Bearer for-the-server")
        .doesNotContain("for-the-proxy");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
      })
  void aProxyThatMakesNoTunnelIsNoServer(String answer) throws Exception {
    BlockingQueue<String> asked = new LinkedBlockingQueue<>();
    int server = server("far", (socket, plain) -> greet(socket));
    HttpConnections connections = through(proxy(answer, asked));
    HttpRequest request =
        request("https://ollama.example:" + server)
            .setHeader("Proxy-Authorization", "Basic geheim")
            .build();
    Waiting call = new Waiting(connections, request, null);
    assertThatThrownBy(call::body)
        .isInstanceOf(IOException.class)
        .hasMessageNotContaining("geheim");
    assertThat(call.call.status()).as("no answer of the server's").isZero();
  }

  // ---- bodies

  @Test
  void aFileIsSentAsLongAsItWasWhenItWasOpened() throws Exception {
    Path file = Files.write(folder.resolve("file"), new byte[200_000]);
    try (RequestBody.Source source = RequestBody.of(file).open()) {
      Files.write(file, new byte[500_000]);
      long sent = 0;
      for (var piece = source.next(); piece != null; piece = source.next()) {
        assertThat(piece.hasRemaining()).isTrue();
        sent += piece.remaining();
      }
      assertThat(sent).isEqualTo(source.length()).isEqualTo(200_000);
    }
    try (RequestBody.Source source = RequestBody.of(file).open()) {
      assertThat(source.next()).isNotNull();
      Files.write(file, new byte[10]);
      assertThatThrownBy(source::next)
          .isInstanceOf(BodyException.class)
          .hasMessageContaining("shorter");
    }
  }

  // ---- readers

  @Test
  void aReaderThatFailsTakesNoOtherCallAlong() throws Exception {
    Gate first = Gate.closed();
    Gate second = Gate.closed();
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of())) {
      upstream.on("GET", "/1", Answer.plain("text/plain", "one").gateBeforeHead(first));
      upstream.on("GET", "/2", Answer.plain("text/plain", "two").gateBeforeHead(second));
      HttpConnections connections = connections();
      CompletableFuture<Void> failed = new CompletableFuture<>();
      HttpCall failing =
          new HttpCall(
              connections,
              request(upstream.uri() + "/1").build(),
              null,
              true,
              () -> {
                failed.complete(null);
                throw new OutOfMemoryError("unable to create native thread");
              },
              () -> {});
      Waiting other = new Waiting(connections, request(upstream.uri() + "/2").build(), null);
      CompletableFuture<String> answer = new CompletableFuture<>();
      daemon(() -> answer.complete(other.body()));
      upstream.takeRequest();
      while (failing.advance((bytes, from, count) -> {}) == HttpCall.Progress.WAITING
          && upstream.requests().size() < 2) {
        Thread.onSpinWait();
      }
      first.open();
      failed.get(20, TimeUnit.SECONDS);
      second.open();
      assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo("two");
      failing.close();
    }
  }
}
