package io.llmguard.ollama;

import static io.llmguard.testkit.Eventually.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.ReplayUpstream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a server, or who stands between, may try with HTTP itself: no call gets another's answer.
 */
@Timeout(60)
class HostileServerTest {
  private static final String DIGEST = "sha256:" + "0".repeat(64);
  private static final String BODY = "{\"version\":\"1\"}";
  private static final Answer GOOD = Answer.plain("application/json", BODY);
  private static final Answer GONE = Answer.bytes("HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n");

  /** Another whole answer, for whoever would take it as his. */
  private static final String SMUGGLED =
      "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"version\":\"6\"}";

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private OllamaClient client = builder().build();

  private OllamaClient.Builder builder() {
    return OllamaClient.builder().baseUrl(upstream.uri().toString()).retry(RetryPolicy.NONE);
  }

  private void use(OllamaClient.Builder builder) {
    client.close();
    client = builder.build();
  }

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private void assertFresh(int connections) {
    upstream.enqueue(GOOD);
    assertThat(client.version()).isEqualTo("1");
    assertThat(upstream.connections()).isEqualTo(connections);
  }

  // ---- answers

  static Stream<String> framings() {
    String ok = "HTTP/1.1 200 OK\r\n";
    String chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    return Stream.of(
        ok
            + "Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n"
            + BODY
            + "\r\n0\r\n\r\n",
        ok + "Content-Length: 15\r\nContent-Length: 16\r\n\r\n" + BODY + " ",
        ok + "Content-Length: 15, 16\r\n\r\n" + BODY,
        ok + "Content-Length: -15\r\n\r\n" + BODY,
        ok + "Content-Length: 0x0f\r\n\r\n" + BODY,
        ok + "Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
        ok + "Transfer-Encoding: xchunked\r\n\r\nf\r\n" + BODY + "\r\n0\r\n\r\n",
        ok + "Transfer-Encoding : chunked\r\n\r\nf\r\n" + BODY + "\r\n0\r\n\r\n",
        ok + "X: a\r\n Content-Length: 0\r\nContent-Length: 15\r\n\r\n" + BODY,
        ok + "X: a\rContent-Length: 0\r\nContent-Length: 15\r\n\r\n" + BODY,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + SMUGGLED,
        chunked + "-f\r\n" + BODY + "\r\n0\r\n\r\n",
        chunked + "ffffffffffffffffffff\r\n" + BODY,
        chunked + "e\r\n" + BODY + "\r\n0\r\n\r\n",
        chunked + "f\r\n" + BODY + "0\r\n\r\n");
  }

  @ParameterizedTest
  @MethodSource("framings")
  void anAnswerWithoutOneFramingIsNoneAndItsConnectionIsNotUsedAgain(String raw) {
    upstream.enqueue(Answer.bytes(raw));
    assertThatThrownBy(client::version)
        .isInstanceOfAny(OllamaException.Malformed.class, OllamaException.Truncated.class)
        .hasMessageNotContaining("version");
    assertFresh(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + BODY,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n" + BODY + "\r\n0\r\n\r\n"
      })
  void whatComesBehindAnAnswerIsNobodys(String answer) {
    upstream.enqueue(Answer.bytes(answer + SMUGGLED));
    assertThat(client.version()).isEqualTo("1");
    assertFresh(2);
  }

  @Test
  void aBodyWhereNoneCanBeIsNotTheNextAnswer() {
    upstream.enqueue(Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 58\r\n\r\n" + SMUGGLED));
    assertThat(client.blobExists(DIGEST)).isTrue();
    assertFresh(2);
    upstream.enqueue(
        Answer.bytes("HTTP/1.1 204 No Content\r\nContent-Length: 58\r\n\r\n" + SMUGGLED));
    client.delete("m");
    assertFresh(3);
  }

  @Test
  void aLengthThatAStatusCannotHaveEndsTheConnection() {
    // the body would come later, when the next call waits for its answer
    upstream.enqueue(Answer.bytes("HTTP/1.1 204 No Content\r\nContent-Length: 58\r\n\r\n"));
    client.delete("m");
    await(() -> upstream.openConnections() == 0);
    upstream.enqueue(Answer.bytes("HTTP/1.1 204 No Content\r\n\r\n"));
    client.delete("m");
    assertFresh(2);
  }

  @Test
  void whatNobodyAskedForEndsAnIdleConnection() {
    Gate later = Gate.closed();
    upstream.enqueue(GOOD.then(later).then(Answer.bytes(SMUGGLED)));
    assertThat(client.version()).isEqualTo("1");
    later.open();
    await(() -> upstream.openConnections() == 0);
    assertFresh(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "HTTP/1.1 200 ",
        "HTTP/1.1 200 OK\r\nX: "
      })
  void whatIsNoContentIsBounded(String begin) throws Exception {
    String more = begin.contains("100") ? begin : begin.endsWith("0\r\n") ? "T: 1\r\n" : "x";
    byte[] piece = more.repeat(1000).getBytes(StandardCharsets.US_ASCII);
    upstream.enqueue(Answer.bytes(begin).repeat(piece, 1_000_000));
    assertThatThrownBy(client::version)
        .isInstanceOfAny(OllamaException.Malformed.class, OllamaException.Truncated.class);
    assertThat(upstream.takeRequest().cancelled().get().written()).isLessThan(64_000_000);
  }

  // ---- connections

  @Test
  void aKeptConnectionThatIsClosedInsteadOfAnsweringIsTriedOnceMore() {
    assertFresh(1);
    upstream.enqueue(Answer.closing());
    assertFresh(2);
    upstream.enqueue(Answer.closing());
    upstream.enqueue(Answer.closing());
    assertThatThrownBy(client::version).isInstanceOf(OllamaException.Truncated.class);
    assertThat(upstream.requests()).hasSize(5);
  }

  @Test
  void anAnswerThatHasBegunIsNotAskedForAgain() {
    assertFresh(1);
    upstream.enqueue(Answer.bytes("H").thenClose());
    assertThatThrownBy(client::version).isInstanceOf(OllamaException.Truncated.class);
    assertThat(upstream.requests()).hasSize(2);
  }

  @Test
  void whatChangesSomethingGetsAConnectionThatCannotBeStale() throws Exception {
    assertFresh(1);
    upstream.enqueue(Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    client.copy("a", "b");
    assertThat(upstream.connections()).isEqualTo(2);
    upstream.enqueue(Answer.closing());
    assertThatThrownBy(() -> client.copy("a", "b")).isInstanceOf(OllamaException.Truncated.class);
    assertThat(upstream.requests()).hasSize(3);
  }

  @Test
  void anAnswerBeforeTheEndOfTheRequestLeavesNoConnection(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("blob"), new byte[64 << 20]);
    upstream.enqueue(GONE);
    upstream.enqueue(
        Answer.bytes("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            .thenSilence()
            .withoutReadingBody());
    client.createBlob(file);
    assertFresh(2);
    assertThat(upstream.requests())
        .extracting(ReceivedRequest::connection)
        .containsExactly(1, 2, 1);
  }

  // ---- requests

  @Test
  void aPathOfAnyLanguageIsSentEncoded() throws Exception {
    use(builder().baseUrl(upstream.uri() + "/ünï/Ċ"));
    upstream.enqueue(GOOD);
    client.version();
    assertThat(upstream.takeRequest().target()).isEqualTo("/%C3%BCn%C3%AF/%C4%8A/api/version");
  }

  @Test
  void aRequestWithoutABodySaysNothingOfOne() throws Exception {
    assertFresh(1);
    ReceivedRequest sent = upstream.takeRequest();
    assertThat(sent.header("Content-Length")).isEmpty();
    assertThat(sent.header("Transfer-Encoding")).isEmpty();
    assertThat(sent.headerValues("Host")).containsExactly("127.0.0.1:" + upstream.port());
  }

  private static CallObserver sending(String name, String value) {
    return call ->
        new CallObserver.Observed() {
          @Override
          public Map<String, String> headers() {
            return Map.of(name, value);
          }

          @Override
          public void ended(CallObserver.CallEnd end) {
            // not looked at
          }
        };
  }

  @Test
  void whatAnObserverSendsAlongCannotSplitTheRequest() {
    for (CallObserver observer :
        List.of(
            sending("traceparent", "1\r\nContent-Length: 0\r\n\r\nGET /geheim HTTP/1.1"),
            sending("trace\r\nparent", "1"),
            sending("Transfer-Encoding", "chunked"),
            sending("Content-Length", "0"),
            sending("Host", "geheim"))) {
      use(builder().observer(observer));
      assertThatThrownBy(client::version)
          .isInstanceOf(OllamaException.Malformed.class)
          .hasMessageNotContaining("geheim");
    }
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void aRedirectIsNotFollowedAndSaysWhereTo() throws Exception {
    try (ReplayUpstream other = ReplayUpstream.start(List.of())) {
      for (int status : new int[] {301, 302, 303, 307, 308}) {
        upstream.enqueue(
            Answer.bytes(
                "HTTP/1.1 %d Moved\r\nLocation: %s/api?key=geheim\r\nContent-Length: 0\r\n\r\n"
                    .formatted(status, other.uri())));
        assertThatThrownBy(client::version)
            .isInstanceOf(OllamaException.BadRequest.class)
            .hasMessageContaining(other.uri().toString())
            .hasMessageNotContaining("geheim");
      }
      upstream.enqueue(
          Answer.bytes("HTTP/1.1 302 Moved\r\nLocation: \\\\\r\nContent-Length: 0\r\n\r\n"));
      assertThatThrownBy(client::version).hasMessageContaining("redirects to elsewhere");
      assertThat(other.connections()).isZero();
    }
  }

  // ---- proxies

  private static ProxySelector selector(Proxy... proxies) {
    return new ProxySelector() {
      @Override
      public List<Proxy> select(URI uri) {
        return List.of(proxies);
      }

      @Override
      public void connectFailed(URI uri, SocketAddress address, IOException failure) {
        // nothing is learnt
      }
    };
  }

  @Test
  void whatIsForAProxyGoesToNoServer() throws Exception {
    use(builder().header("Proxy-Authorization", "Basic Z2VoZWlt"));
    upstream.enqueue(GOOD);
    client.version();
    assertThat(upstream.takeRequest().header("Proxy-Authorization")).isEmpty();
    InetSocketAddress address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), upstream.port());
    use(
        builder()
            .baseUrl("http://ollama.example")
            .proxy(ProxySelector.of(address))
            .header("Proxy-Authorization", "Basic Z2VoZWlt"));
    upstream.enqueue(GOOD);
    client.version();
    assertThat(upstream.takeRequest().header("Proxy-Authorization")).contains("Basic Z2VoZWlt");
  }

  @Test
  void aProxyThatCannotBeUsedIsNotLeftOut() {
    InetSocketAddress address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), upstream.port());
    use(builder().proxy(selector(new Proxy(Proxy.Type.SOCKS, address))));
    assertThatThrownBy(client::version)
        .isInstanceOf(OllamaException.Unreachable.class)
        .hasMessageContaining("SOCKS");
    use(
        builder()
            .proxy(
                new ProxySelector() {
                  @Override
                  public List<Proxy> select(URI uri) {
                    throw new IllegalStateException("geheim");
                  }

                  @Override
                  public void connectFailed(URI uri, SocketAddress at, IOException failure) {
                    // nothing is learnt
                  }
                }));
    assertThatThrownBy(client::version)
        .isInstanceOf(OllamaException.Unreachable.class)
        .hasMessageContaining("IllegalStateException")
        .hasMessageNotContaining("geheim");
    assertThat(upstream.connections()).isZero();
  }

  // ---- what is left behind

  @Test
  @EnabledOnOs(OS.LINUX)
  void aCancelledUploadHoldsNoFile(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("blob"), new byte[64 << 20]);
    upstream.enqueue(GONE);
    upstream.enqueue(Answer.silence().withoutReadingBody());
    CompletableFuture<String> sending = client.createBlobAsync(file);
    upstream.takeRequest();
    upstream.takeRequest();
    await(() -> open(file.toString()) == 1);
    sending.cancel(true);
    await(() -> open(file.toString()) == 0);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aClosedClientHoldsNoDescriptor() {
    long before = open("eventpoll") + open("socket");
    for (int i = 0; i < 20; i++) {
      use(builder());
      upstream.enqueue(GOOD);
      client.version();
    }
    client.close();
    await(() -> open("eventpoll") + open("socket") <= before);
  }

  /** How many of this process's descriptors lead to what is so named. */
  private static long open(String name) {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.filter(descriptor -> target(descriptor).contains(name)).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException e) {
      // closed meanwhile
      return "";
    }
  }
}
