package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Guard;
import io.llmguard.testkit.HttpContract;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.TestAuthority;
import io.llmguard.upstream.Proxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** A gateway with and without TLS, and clients that leave it. */
abstract class DepartureTestBase extends HttpContract {
  static final Recording CHAT = Recording.of("chat-stream");
  static final Recording VERSION = Recording.of("version");

  @TempDir private static Path folder = Path.of("");
  private static TestAuthority authority;
  static SSLContext tls;

  @BeforeAll
  static void issue() throws Exception {
    authority = new TestAuthority(folder).issue("server", "CN=localhost");
    tls = authority.context("");
  }

  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    return Gateway.start(guard, proxy, BODY_DEADLINE, authority);
  }

  /** Each call is settled once, and nothing of it is left. */
  @AfterEach
  void nothingIsLeft() throws Exception {
    assertNothingElseEnded();
    // long after the wait for it, so that nothing is cancelled that should have ended by itself
    proxy.drain(Duration.ofMinutes(2)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    assertThat(proxy.active()).isZero();
    assertNothingElseEnded();
  }

  int tlsPort() {
    return ((Gateway) server).tlsPort();
  }

  /** A client, and the socket below its TLS. */
  record Client(RawHttp http, Socket wire) implements AutoCloseable {
    /** Drops the connection with a reset (RST), whatever TLS would still say. */
    void reset() throws IOException {
      wire.setSoLinger(true, 0);
      wire.close();
    }

    /** Closes the connection (FIN) without TLS's goodbye. */
    void vanish() throws IOException {
      wire.close();
    }

    @Override
    public void close() throws IOException {
      wire.close();
    }
  }

  Client open(boolean secure) throws IOException {
    Socket wire = new Socket(InetAddress.getLoopbackAddress(), secure ? tlsPort() : server.port());
    if (!secure) {
      return new Client(RawHttp.over(wire), wire);
    }
    wire.setTcpNoDelay(true);
    return new Client(
        RawHttp.over(tls.getSocketFactory().createSocket(wire, "localhost", wire.getPort(), true)),
        wire);
  }

  /** A client that has sent a chat. */
  Client chatting(boolean secure) throws IOException {
    Client client = open(secure);
    client.http().post(CHAT.path(), CHAT.bodyText(), authorization());
    return client;
  }
}
