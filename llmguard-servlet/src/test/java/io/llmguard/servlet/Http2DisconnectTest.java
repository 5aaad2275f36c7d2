package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http.MetaData;
import org.eclipse.jetty.http2.ErrorCode;
import org.eclipse.jetty.http2.HTTP2Session;
import org.eclipse.jetty.http2.api.Session;
import org.eclipse.jetty.http2.api.Stream;
import org.eclipse.jetty.http2.client.HTTP2Client;
import org.eclipse.jetty.http2.frames.DataFrame;
import org.eclipse.jetty.http2.frames.HeadersFrame;
import org.eclipse.jetty.http2.frames.ResetFrame;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Clients that leave Jetty over HTTP/2, where a stream ends without its connection. */
@Tag("jetty")
class Http2DisconnectTest extends DepartureTestBase {
  private final HTTP2Client client = new HTTP2Client();

  @BeforeEach
  void startClient() throws Exception {
    client.start();
  }

  @AfterEach
  void stopClient() throws Exception {
    client.stop();
  }

  /** One call on a connection: what has come of its answer. */
  private static final class Call implements Stream.Listener {
    private final CompletableFuture<Integer> status = new CompletableFuture<>();
    private final BlockingQueue<byte[]> pieces = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private Stream stream;

    @Override
    public void onHeaders(Stream from, HeadersFrame frame) {
      if (frame.getMetaData() instanceof MetaData.Response response) {
        status.complete(response.getStatus());
      }
      from.demand();
    }

    @Override
    public void onDataAvailable(Stream from) {
      Stream.Data data = from.readData();
      if (data == null) {
        from.demand();
        return;
      }
      ByteBuffer buffer = data.frame().getByteBuffer();
      byte[] bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      pieces.add(bytes);
      boolean last = data.frame().isEndStream();
      data.release();
      if (last) {
        end.complete(null);
      } else {
        from.demand();
      }
    }

    byte[] body() throws Exception {
      end.get(20, TimeUnit.SECONDS);
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      pieces.forEach(all::writeBytes);
      return all.toByteArray();
    }

    void reset() {
      stream.reset(
          new ResetFrame(stream.getId(), ErrorCode.CANCEL_STREAM_ERROR.code), Callback.NOOP);
    }
  }

  private Session connectHttp2() throws Exception {
    return client
        .connect(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()),
            new Session.Listener() {})
        .get(20, TimeUnit.SECONDS);
  }

  /** Sends a chat, and with it the end of what the client will send. */
  private Call chat(Session session) throws Exception {
    MetaData.Request request =
        new MetaData.Request(
            "POST",
            HttpURI.from("http://localhost:" + server.port() + CHAT.path()),
            HttpVersion.HTTP_2,
            HttpFields.build().put("Authorization", "Bearer " + key));
    Call call = new Call();
    call.stream =
        session.newStream(new HeadersFrame(request, null, false), call).get(20, TimeUnit.SECONDS);
    call.stream
        .data(new DataFrame(call.stream.getId(), ByteBuffer.wrap(CHAT.body()), true))
        .get(20, TimeUnit.SECONDS);
    return call;
  }

  @Test
  void theEndOfARequestIsNoDeparture() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(2, gate));
    Session session = connectHttp2();
    Call call = chat(session);
    assertThat(call.status.get(20, TimeUnit.SECONDS)).isEqualTo(200);
    assertThat(call.pieces.poll(20, TimeUnit.SECONDS)).isEqualTo(CHAT.chunks().get(0));
    gate.open();
    end(call);
    assertThat(nextEnded().outcome().word()).isEqualTo("completed");
  }

  private static void end(Call call) throws Exception {
    call.end.get(20, TimeUnit.SECONDS);
  }

  @Test
  void aStreamThatIsResetBeforeTheFirstByteCancelsItsCallAndNoOther() throws Exception {
    Gate gate = Gate.closed();
    Gate other = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(gate));
    Session session = connectHttp2();
    Call leaving = chat(session);
    ReceivedRequest request = upstream.takeRequest();
    gate.reached().get(20, TimeUnit.SECONDS);
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(other));
    Call staying = chat(session);
    other.reached().get(20, TimeUnit.SECONDS);
    leaving.reset();
    request.cancelled().get(20, TimeUnit.SECONDS);
    Ended ended = nextEnded();
    assertThat(ended.outcome().word()).isEqualTo("client-gone");
    assertThat(ended.exchange().status()).isEqualTo(499);
    other.open();
    assertThat(staying.body()).isEqualTo(CHAT.responseBody());
    assertThat(nextEnded().outcome().word()).isEqualTo("completed");
  }

  @Test
  void aStreamThatIsResetBetweenTwoPiecesCancelsItsCall() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(3, gate));
    Call call = chat(connectHttp2());
    assertThat(call.pieces.poll(20, TimeUnit.SECONDS)).isNotEmpty();
    gate.reached().get(20, TimeUnit.SECONDS);
    ReceivedRequest request = upstream.takeRequest();
    call.reset();
    request.cancelled().get(20, TimeUnit.SECONDS);
    assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
  }

  @Test
  void aConnectionThatIsLostCancelsEveryCallOnIt() throws Exception {
    Session session = connectHttp2();
    List<Gate> gates = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Gate gate = Gate.closed();
      gates.add(gate);
      Answer answer = Answer.replay(CHAT);
      upstream.enqueue(i % 2 == 0 ? answer.gateBeforeHead(gate) : answer.gateBeforeChunk(1, gate));
      Call unused = chat(session);
      gate.reached().get(20, TimeUnit.SECONDS);
    }
    ((HTTP2Session) session).getEndPoint().close();
    for (int i = 0; i < gates.size(); i++) {
      upstream.takeRequest().cancelled().get(20, TimeUnit.SECONDS);
      assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    }
  }

  @Test
  void theJdksClientLeavesOverTlsWhileItWaitsAndWhileItReads() throws Exception {
    HttpClient jdk =
        HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_2).build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("https://localhost:" + tlsPort() + CHAT.path()))
            .header("Authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofByteArray(CHAT.body()))
            .build();
    Gate waiting = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(waiting));
    CompletableFuture<HttpResponse<InputStream>> first =
        jdk.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
    waiting.reached().get(20, TimeUnit.SECONDS);
    assertThat(first.cancel(true)).isTrue();
    upstream.takeRequest().cancelled().get(20, TimeUnit.SECONDS);
    assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");

    Gate reading = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(2, reading));
    HttpResponse<InputStream> second = jdk.send(request, HttpResponse.BodyHandlers.ofInputStream());
    assertThat(second.version()).isEqualTo(HttpClient.Version.HTTP_2);
    try (InputStream body = second.body()) {
      assertThat(body.read()).isEqualTo('{');
      reading.reached().get(20, TimeUnit.SECONDS);
    }
    upstream.takeRequest().cancelled().get(20, TimeUnit.SECONDS);
    assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
  }
}
