package io.llmguard.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.upstream.UpstreamRequest.Content;
import io.llmguard.upstream.UpstreamTransport.UpstreamCall;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every transport does, whichever client carries it. */
@Timeout(120)
abstract class UpstreamTransportContract {
  private static final int DEADLINE = 20;
  private static final UpstreamTimeouts SHORT_FIRST_BYTE =
      timeouts(Duration.ofMillis(150), Duration.ofMinutes(1), Duration.ofMinutes(1));
  private static final UpstreamTimeouts SHORT_IDLE =
      timeouts(Duration.ofMinutes(1), Duration.ofMillis(150), Duration.ofMinutes(1));
  private static final UpstreamTimeouts SHORT_TOTAL =
      timeouts(Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMillis(300));

  final ReplayUpstream upstream = ReplayUpstream.start();
  UpstreamTransport transport;

  abstract UpstreamTransport transport(TransportSettings settings);

  @BeforeEach
  void open() {
    transport = transport(TransportSettings.builder().build());
  }

  @AfterEach
  void close() {
    transport.close();
    upstream.close();
  }

  private static UpstreamTimeouts timeouts(Duration firstByte, Duration idle, Duration total) {
    return new UpstreamTimeouts(Duration.ofSeconds(10), firstByte, idle, total);
  }

  private UpstreamRequest request(String method, String target, Headers headers, Content content) {
    return new UpstreamRequest(
        method, upstream.uri().resolve(target), headers, content, UpstreamTimeouts.DEFAULTS);
  }

  final UpstreamRequest post(String text) {
    return post(text, UpstreamTimeouts.DEFAULTS);
  }

  private UpstreamRequest post(String text, UpstreamTimeouts timeouts) {
    return new UpstreamRequest(
        "POST",
        upstream.uri().resolve("/api/chat"),
        new HeaderMap().add("Content-Type", "application/json"),
        bytes(text),
        timeouts);
  }

  private static Content bytes(String text) {
    return new Content.Bytes(
        ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)).asReadOnlyBuffer());
  }

  private Answered send(UpstreamRequest request) {
    Answered answered = Answered.keeping();
    UpstreamCall unused = transport.send(request, answered);
    return answered;
  }

  // ---- what goes there and what comes back

  @Test
  void everyRecordedAnswerComesBackByteForByte() throws Exception {
    for (Recording recording : Recording.all()) {
      upstream.enqueue(Answer.replay(recording));
      Content content =
          recording.body().length == 0
              ? new Content.None()
              : new Content.Bytes(ByteBuffer.wrap(recording.body()));
      Answered answered =
          send(request(recording.method(), recording.path(), Headers.empty(), content));
      assertThat(answered.awaitText()).as(recording.name()).isEqualTo(recording.responseText());
      assertThat(answered.awaitStatus()).isEqualTo(recording.status());
      ReceivedRequest received = upstream.takeRequest();
      assertThat(received.body().bytes()).isEqualTo(recording.body());
    }
    assertThat(upstream.connections())
        .as("connections, most of them used more than once")
        .isLessThan(Recording.all().size() / 2);
  }

  @Test
  void sendsNoFieldOfItsOwnBesideFraming() throws Exception {
    upstream.enqueue(Answer.plain("text/plain", "x"));
    assertThat(
            send(request(
                    "POST",
                    "/api/%C3%A4?q=a%20b",
                    new HeaderMap().add("X-One", "1").add("User-Agent", "me").add("X-One", "2"),
                    bytes("hello")))
                .awaitText())
        .isEqualTo("x");
    ReceivedRequest received = upstream.takeRequest();
    assertThat(received.target()).isEqualTo("/api/%C3%A4?q=a%20b");
    assertThat(received.headerValues("X-One")).containsExactly("1", "2");
    assertThat(received.headers())
        .extracting(header -> header.name().toLowerCase(java.util.Locale.ROOT))
        .containsExactlyInAnyOrder("host", "content-length", "user-agent", "x-one", "x-one");
    assertThat(received.header("Host")).hasValue("127.0.0.1:" + upstream.port());
  }

  @ParameterizedTest
  @ValueSource(ints = {2_000, 9_000, 40_000, 200_000})
  void whatAClientsServerHasLetInGoesOut(int length) throws Exception {
    String value = "x".repeat(length);
    upstream.enqueue(Answer.plain("text/plain", "x"));
    Headers large = new HeaderMap().add("X-Large", value);
    Answered answered = send(request("POST", "/api/chat", large, bytes("hello")));
    assertThat(answered.awaitText()).isEqualTo("x");
    ReceivedRequest received = upstream.takeRequest();
    assertThat(received.header("X-Large")).hasValue(value);
    assertThat(received.bodyText()).isEqualTo("hello");
  }

  @Test
  void inventsNoUserAgent() throws Exception {
    upstream.enqueue(Answer.plain("text/plain", "x"));
    send(request("GET", "/", Headers.empty(), new Content.None())).awaitText();
    assertThat(upstream.takeRequest().header("User-Agent").orElse("")).isEmpty();
  }

  @Test
  void aHeadAnswerHasItsLengthAndNoBody() throws Exception {
    upstream.enqueue(Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 17\r\nX-A: b\r\n\r\n"));
    Answered answered = send(request("HEAD", "/api/tags", Headers.empty(), new Content.None()));
    assertThat(answered.awaitText()).isEmpty();
    assertThat(answered.headers().first("content-length")).isEqualTo("17");
  }

  @Test
  void followsNoRedirect() throws Exception {
    upstream.enqueue(
        Answer.bytes(
            "HTTP/1.1 307 Go\r\nLocation: "
                + upstream.uri()
                + "/other\r\nContent-Length: 0\r\n\r\n"));
    assertThat(send(post("{}")).awaitStatus()).isEqualTo(307);
    assertThat(upstream.requests()).hasSize(1);
  }

  @Test
  void answersNoChallengeAndKeepsNoCookie() throws Exception {
    upstream.enqueue(
        Answer.bytes(
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nSet-Cookie: a=b\r\n"
                + "Content-Length: 2\r\n\r\nno"));
    upstream.enqueue(Answer.plain("text/plain", "x"));
    Answered refused = send(post("{}"));
    assertThat(refused.awaitText()).isEqualTo("no");
    assertThat(refused.awaitStatus()).isEqualTo(401);
    send(post("{}")).awaitText();
    assertThat(upstream.requests()).hasSize(2);
    assertThat(upstream.requests().get(1).header("Cookie")).isEmpty();
  }

  @Test
  void decodesNoContentCoding() throws Exception {
    upstream.enqueue(
        Answer.bytes(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip"));
    Answered answered = send(post("{}"));
    assertThat(answered.awaitText()).isEqualTo("not gzip");
    assertThat(answered.headers().first("Content-Encoding")).isEqualTo("gzip");
  }

  @Test
  void eachPieceComesAsItIsWritten() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(
        Answer.stream("application/x-ndjson").chunk("one\n").then(gate).chunk("two\n").endChunks());
    Answered answered = Answered.holding();
    UpstreamCall unused = transport.send(post("{}"), answered);
    Runnable first = answered.awaitPiece();
    assertThat(answered.text()).isEqualTo("one\n");
    first.run();
    gate.open();
    answered.awaitPiece().run();
    assertThat(answered.awaitText()).isEqualTo("one\ntwo\n");
  }

  @Test
  void aBodyInAFileGoesOutWhole(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("body");
    Files.writeString(file, "from a file".repeat(50_000));
    upstream.enqueue(Answer.plain("text/plain", "x"));
    send(request("POST", "/api/x", Headers.empty(), new Content.InFile(file, Files.size(file))))
        .awaitText();
    ReceivedRequest received = upstream.takeRequest();
    assertThat(received.bodyText()).isEqualTo("from a file".repeat(50_000));
    assertThat(received.header("Content-Length")).hasValue("550000");
    assertThat(received.header("Transfer-Encoding")).isEmpty();
  }

  @Test
  void aBodyOfUnknownLengthGoesOutInChunksAndNothingElse() throws Exception {
    upstream.enqueue(Answer.plain("text/plain", "x"));
    Generated source = new Generated(300_000, 7_000, false);
    send(request("POST", "/api/x", Headers.empty(), new Content.Streamed(source, -1))).awaitText();
    ReceivedRequest received = upstream.takeRequest();
    assertThat(received.body().length()).isEqualTo(300_000);
    assertThat(received.body().sha256Hex()).isEqualTo(source.sha256());
    assertThat(received.headerValues("Transfer-Encoding")).containsExactly("chunked");
    assertThat(received.header("Content-Length")).isEmpty();
  }

  @Test
  void aSourceMayUseItsBufferAgain() throws Exception {
    upstream.enqueue(Answer.plain("text/plain", "x"));
    Generated source = new Generated(3_000_000, 9_000, true);
    send(request("POST", "/api/x", Headers.empty(), new Content.Streamed(source, 3_000_000)))
        .awaitText();
    ReceivedRequest received = upstream.takeRequest();
    assertThat(received.body().sha256Hex()).isEqualTo(source.sha256());
    assertThat(received.header("Content-Length")).hasValue("3000000");
  }

  @Test
  void twoGibibytesGoBothWaysInConstantMemory() throws Exception {
    long size = 2L << 30;
    byte[] piece = new byte[1 << 16];
    upstream.enqueue(
        Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n")
            .repeat(piece, size / piece.length));
    Answered answered = Answered.counting();
    UpstreamCall unused =
        transport.send(
            request(
                "POST",
                "/api/blobs/sha256:0",
                Headers.empty(),
                new Content.Streamed(new Generated(size, 1 << 16, true), size)),
            answered);
    answered.over.get(100, TimeUnit.SECONDS);
    assertThat(answered.failure).isNotDone();
    assertThat(answered.length).hasValue(size);
    assertThat(upstream.takeRequest().body().length()).isEqualTo(size);
    assertThat(Runtime.getRuntime().maxMemory()).as("heap").isLessThan(size);
  }

  @Test
  void aHandlerThatHoldsItsPieceHoldsTheUpstream() throws Exception {
    byte[] piece = new byte[1 << 16];
    long size = 64L << 20;
    upstream.enqueue(
        Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n")
            .repeat(piece, size / piece.length));
    Answered answered = Answered.holding();
    UpstreamCall call = transport.send(post("{}"), answered);
    answered.awaitPiece();
    assertThat(answered.held).as("pieces beyond the one that is held").isEmpty();
    call.cancel();
    long written = upstream.takeRequest().cancelled().get(DEADLINE, TimeUnit.SECONDS).written();
    assertThat(written).as("what sockets and one piece hold").isLessThan(size / 2);
  }

  // ---- cancelling, in every phase

  @Test
  void cancelledWhileConnecting() throws Exception {
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      List<Socket> fill = new ArrayList<>();
      for (int i = 0; i < 3; i++) { // the queue of connections that nobody accepts
        Socket socket = new Socket();
        fill.add(socket);
        var unused =
            CompletableFuture.runAsync(
                () -> {
                  try {
                    socket.connect(full.getLocalSocketAddress());
                  } catch (java.io.IOException e) {
                    // closed at the end of the test
                  }
                });
      }
      Answered answered = Answered.keeping();
      UpstreamCall call =
          transport.send(
              new UpstreamRequest(
                  "GET",
                  URI.create("http://127.0.0.1:" + full.getLocalPort() + "/"),
                  Headers.empty(),
                  new Content.None(),
                  UpstreamTimeouts.DEFAULTS),
              answered);
      call.cancel();
      assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.CANCELLED);
      for (Socket socket : fill) {
        socket.close();
      }
    }
  }

  @Test
  void cancelledWhileTheRequestBodyIsUnderWay() throws Exception {
    Generated endless = new Generated(Long.MAX_VALUE, 1 << 16, true);
    upstream.enqueue(Answer.silence());
    Answered answered = Answered.keeping();
    UpstreamCall call =
        transport.send(
            request("POST", "/api/blobs/x", Headers.empty(), new Content.Streamed(endless, -1)),
            answered);
    endless.passed(1 << 20);
    call.cancel();
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.CANCELLED);
    ReceivedRequest received = upstream.takeRequest();
    assertThat(received.body().complete()).isFalse();
    endless.cancelled.get(DEADLINE, TimeUnit.SECONDS);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void cancelledBeforeTheHeadTheUpstreamSeesItAtOnce(boolean streams) throws Exception {
    Gate gate = Gate.closed();
    Answer answer = streams ? Answer.stream("text/event-stream") : Answer.plain("a/b", "x");
    upstream.enqueue(answer.gateBeforeHead(gate));
    Answered answered = Answered.keeping();
    UpstreamCall call = transport.send(post("{}"), answered);
    ReceivedRequest received = upstream.takeRequest();
    gate.reached().get(DEADLINE, TimeUnit.SECONDS);
    call.cancel();
    received.cancelled().get(DEADLINE, TimeUnit.SECONDS);
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.CANCELLED);
    assertThat(answered.status).isNotDone();
  }

  @Test
  void cancelledInTheBodyTheUpstreamSeesItAtOnce() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.stream("text/event-stream").chunk("data: 1\n\n").then(gate));
    Answered answered = Answered.holding();
    UpstreamCall call = transport.send(post("{}"), answered);
    answered.awaitPiece().run();
    ReceivedRequest received = upstream.takeRequest();
    call.cancel();
    call.cancel();
    received.cancelled().get(DEADLINE, TimeUnit.SECONDS);
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.CANCELLED);
    assertThat(answered.overlaps).hasValue(0);
  }

  @Test
  void aThousandCancelledCallsLeaveNoConnectionAndNoThread() throws Exception {
    upstream.on(
        "POST", "/api/chat", Answer.stream("application/x-ndjson").chunk("{}\n").thenSilence());
    for (int round = 0; round < 10; round++) {
      List<UpstreamCall> calls = new ArrayList<>();
      List<Answered> answers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        Answered answered = Answered.holding();
        answers.add(answered);
        calls.add(transport.send(post("{}"), answered));
      }
      for (int i = 0; i < 100; i++) {
        upstream.takeRequest();
      }
      for (int i = 0; i < 100; i++) {
        if (i % 2 == 0) {
          answers.get(i).awaitPiece();
        }
        calls.get(i).cancel();
        assertThat(answers.get(i).awaitFailure().kind()).isEqualTo(Kind.CANCELLED);
      }
    }
    for (ReceivedRequest request : upstream.requests()) {
      request.cancelled().get(DEADLINE, TimeUnit.SECONDS);
    }
    assertThat(upstream.openConnections()).as("made to spare, and not used yet").isLessThan(10);
    transport.close();
    awaitTrue("open connections", () -> upstream.openConnections() == 0);
    awaitTrue(
        "threads",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(
                    thread ->
                        thread.isAlive() && thread.getName().startsWith("llmguard-upstream")));
  }

  private static void awaitTrue(String what, java.util.function.BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(deadline);
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }

  // ---- time-outs

  @Test
  void connectTimeout() throws Exception {
    TransportSettings one = TransportSettings.builder().maxConnections(1).build();
    try (UpstreamTransport narrow = transport(one)) {
      upstream.enqueue(Answer.silence());
      UpstreamCall first = narrow.send(post("{}"), Answered.keeping());
      upstream.takeRequest();
      Answered second = Answered.keeping();
      UpstreamTimeouts quick =
          new UpstreamTimeouts(
              Duration.ofMillis(150),
              Duration.ofMinutes(1),
              Duration.ofMinutes(1),
              Duration.ofMinutes(1));
      UpstreamCall unused = narrow.send(post("{}", quick), second);
      assertThat(second.awaitFailure().kind()).isEqualTo(Kind.CONNECT_TIMEOUT);
      assertThat(upstream.requests()).hasSize(1);
      first.cancel();
    }
  }

  @Test
  void aCallThatWaitsForAConnectionGetsTheNextFreeOne() throws Exception {
    TransportSettings one = TransportSettings.builder().maxConnections(1).build();
    try (UpstreamTransport narrow = transport(one)) {
      Gate gate = Gate.closed();
      upstream.enqueue(Answer.plain("a/b", "first").gateBeforeHead(gate));
      upstream.enqueue(Answer.plain("a/b", "second"));
      Answered first = Answered.keeping();
      Answered second = Answered.keeping();
      UpstreamCall unused = narrow.send(post("{}"), first);
      UpstreamCall unused2 = narrow.send(post("{}"), second);
      gate.open();
      assertThat(first.awaitText()).isEqualTo("first");
      assertThat(second.awaitText()).isEqualTo("second");
      assertThat(upstream.connections()).isEqualTo(1);
    }
  }

  @Test
  void firstByteTimeout() throws Exception {
    upstream.enqueue(Answer.silence());
    Answered answered = send(post("{}", SHORT_FIRST_BYTE));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.FIRST_BYTE_TIMEOUT);
    upstream.takeRequest().cancelled().get(DEADLINE, TimeUnit.SECONDS);
  }

  @Test
  void idleTimeoutInTheBody() throws Exception {
    upstream.enqueue(Answer.stream("a/b").chunk("x").thenSilence());
    Answered answered = send(post("{}", SHORT_IDLE));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.IDLE_TIMEOUT);
    assertThat(answered.text()).isEqualTo("x");
    upstream.takeRequest().cancelled().get(DEADLINE, TimeUnit.SECONDS);
  }

  @Test
  void aColdModelLoadsLongerThanTheIdleTimeout() throws Exception {
    Gate loaded = Gate.closed();
    upstream.enqueue(Answer.plain("a/b", "loaded").gateBeforeHead(loaded));
    var unused = threeIdleTimeouts().thenRun(loaded::open);
    assertThat(send(post("{}", SHORT_IDLE)).awaitText()).isEqualTo("loaded");
  }

  private static CompletableFuture<Void> threeIdleTimeouts() {
    return CompletableFuture.runAsync(
        () -> {}, CompletableFuture.delayedExecutor(450, TimeUnit.MILLISECONDS));
  }

  @Test
  void aSlowReaderIsNotTheUpstreamsIdleness() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.stream("a/b").chunk("x").then(gate).chunk("y").endChunks());
    Answered answered = Answered.holding();
    UpstreamCall unused = transport.send(post("{}", SHORT_IDLE), answered);
    Runnable piece = answered.awaitPiece();
    threeIdleTimeouts().join();
    assertThat(answered.failure).isNotDone();
    gate.open();
    piece.run();
    answered.awaitPiece().run();
    assertThat(answered.awaitText()).isEqualTo("xy");
  }

  @Test
  void totalTimeoutOfALivelyStream() throws Exception {
    upstream.enqueue(
        Answer.stream("a/b").chunk("x".repeat(2_000)).endChunks().trickle(1, Duration.ofMillis(5)));
    Answered answered = send(post("{}", SHORT_TOTAL));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.TOTAL_TIMEOUT);
    upstream.takeRequest().cancelled().get(DEADLINE, TimeUnit.SECONDS);
  }

  // ---- upstreams that break

  @Test
  void nobodyListens() throws Exception {
    Answered answered =
        send(
            new UpstreamRequest(
                "GET",
                Nobody.listens(),
                Headers.empty(),
                new Content.None(),
                UpstreamTimeouts.DEFAULTS));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.CONNECT);
  }

  @Test
  void closedBeforeTheHead() throws Exception {
    upstream.enqueue(Answer.closing());
    assertThat(send(post("{}")).awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
    assertThat(upstream.requests()).as("a new connection is no stale one").hasSize(1);
  }

  @Test
  void resetInMidStream() throws Exception {
    upstream.enqueue(Answer.stream("a/b").chunk("one").thenReset());
    assertThat(send(post("{}")).awaitFailure().kind()).isEqualTo(Kind.AFTER_HEAD);
  }

  @Test
  void closedWithinALength() throws Exception {
    upstream.enqueue(Answer.plain("a/b", "0123456789").cutAfter(70));
    assertThat(send(post("{}")).awaitFailure().kind()).isEqualTo(Kind.AFTER_HEAD);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"
      })
  void badChunkFraming(String raw) throws Exception {
    upstream.enqueue(Answer.bytes(raw).thenClose());
    assertThat(send(post("{}")).awaitFailure().kind()).isEqualTo(Kind.AFTER_HEAD);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabcd",
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
      })
  void anAmbiguousHeadIsNoAnswer(String raw) throws Exception {
    upstream.enqueue(Answer.bytes(raw));
    Answered answered = send(post("{}"));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
    assertThat(answered.status).isNotDone();
  }

  @Test
  void anOversizedHeadIsNoAnswer() throws Exception {
    upstream.enqueue(Answer.bytes("HTTP/1.1 200 OK\r\nX-Big: " + "x".repeat(1 << 20) + "\r\n\r\n"));
    assertThat(send(post("{}")).awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
  }

  @Test
  void anInterimAnswerIsNeverReported() throws Exception {
    upstream.enqueue(
        Answer.bytes(
            "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    Answered answered = send(post("{}"));
    answered.over.get(DEADLINE, TimeUnit.SECONDS);
    if (answered.status.isDone()) {
      assertThat(answered.awaitStatus()).isEqualTo(200);
      assertThat(answered.text()).isEqualTo("ok");
    } else {
      assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
    }
  }

  /** For the transports that hear an answer before their request is sent. */
  final void anEarlyAnswerArrivesAndTheConnectionIsNotUsedAgain() throws Exception {
    upstream.enqueue(
        Answer.status(413, "application/json", "{\"error\":\"too large\"}")
            .withoutReadingBody()
            .thenSilence());
    Generated endless = new Generated(Long.MAX_VALUE, 1 << 16, true);
    Answered answered =
        send(request("POST", "/api/x", Headers.empty(), new Content.Streamed(endless, -1)));
    assertThat(answered.awaitStatus()).isEqualTo(413);
    assertThat(answered.awaitText()).contains("too large");
    endless.cancelled.get(DEADLINE, TimeUnit.SECONDS);
    upstream.enqueue(Answer.plain("a/b", "next"));
    assertThat(send(post("{}")).awaitText()).isEqualTo("next");
    assertThat(upstream.takeRequest().connection())
        .isNotEqualTo(upstream.takeRequest().connection());
  }

  @Test
  void aKeptConnectionThatWasClosedIsMadeGoodOnce() throws Exception {
    upstream.enqueue(Answer.plain("a/b", "first"));
    send(post("{}")).awaitText();
    upstream.enqueue(Answer.closing());
    upstream.enqueue(Answer.plain("a/b", "second"));
    assertThat(send(post("{}")).awaitText()).isEqualTo("second");
    assertThat(upstream.requests()).hasSize(3);
    upstream.enqueue(Answer.closing());
    upstream.enqueue(Answer.closing());
    assertThat(send(post("{}")).awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
    assertThat(upstream.requests()).hasSizeLessThanOrEqualTo(5);
  }

  @Test
  void aCallThatIsCancelledAfterItsEndLeavesItsConnectionToOthers() throws Exception {
    upstream.enqueue(Answer.plain("a/b", "first"));
    Answered first = Answered.keeping();
    UpstreamCall over = transport.send(post("{}"), first);
    assertThat(first.awaitText()).isEqualTo("first");
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.plain("a/b", "second").gateBeforeHead(gate));
    Answered second = send(post("{}"));
    gate.reached().get(DEADLINE, TimeUnit.SECONDS);
    over.cancel();
    gate.open();
    assertThat(second.awaitText()).isEqualTo("second");
    assertThat(upstream.connections()).isEqualTo(1);
  }

  @Test
  void whatAServerHasWorkedOnIsNotSentAgain() throws Exception {
    upstream.enqueue(Answer.plain("a/b", "first"));
    send(post("{}")).awaitText();
    Gate worked = Gate.closed();
    upstream.enqueue(Answer.gated(worked).thenClose());
    upstream.enqueue(Answer.plain("a/b", "second"));
    Answered answered = send(post("{}"));
    worked.reached().get(DEADLINE, TimeUnit.SECONDS);
    var unused =
        CompletableFuture.runAsync(
            worked::open, CompletableFuture.delayedExecutor(1_200, TimeUnit.MILLISECONDS));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
    assertThat(upstream.requests()).hasSize(2);
  }

  @Test
  void whatMustNotHappenTwiceIsNotSentAgain() throws Exception {
    upstream.enqueue(Answer.plain("a/b", "first"));
    send(post("{}")).awaitText();
    upstream.enqueue(Answer.closing());
    upstream.enqueue(Answer.plain("a/b", "second"));
    UpstreamRequest once =
        new UpstreamRequest(
            "DELETE",
            upstream.uri().resolve("/api/delete"),
            Headers.empty(),
            bytes("{}"),
            UpstreamTimeouts.DEFAULTS,
            false);
    assertThat(send(once).awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
    assertThat(upstream.requests()).hasSize(2);
  }

  @Test
  void aBodyThatCannotBeSentAgainIsNot() throws Exception {
    upstream.enqueue(Answer.plain("a/b", "first"));
    send(post("{}")).awaitText();
    upstream.enqueue(Answer.closing());
    Answered answered =
        send(
            request(
                "POST",
                "/api/x",
                Headers.empty(),
                new Content.Streamed(new Generated(1000, 100, false), 1000)));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.BEFORE_HEAD);
    assertThat(upstream.requests()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(longs = {999, 1001})
  void aBodyOfAnotherLengthThanAnnouncedFailsAndCannotSmuggle(long announced) throws Exception {
    upstream.enqueue(Answer.silence());
    Answered answered =
        send(
            request(
                "POST",
                "/api/x",
                Headers.empty(),
                new Content.Streamed(new Generated(1000, 100, false), announced)));
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.REQUEST_BODY);
    awaitTrue("open connections", () -> upstream.openConnections() == 0);
  }

  @Test
  void aSourceThatFailsEndsTheCall() throws Exception {
    upstream.enqueue(Answer.silence());
    Flow.Publisher<ByteBuffer> failing =
        subscriber ->
            subscriber.onSubscribe(
                new Flow.Subscription() {
                  @Override
                  public void request(long n) {
                    subscriber.onError(new java.io.IOException("the client is gone"));
                  }

                  @Override
                  public void cancel() {}
                });
    Answered answered =
        send(request("POST", "/api/x", Headers.empty(), new Content.Streamed(failing, 1000)));
    UpstreamFailure failure = answered.awaitFailure();
    assertThat(failure.kind()).isEqualTo(Kind.REQUEST_BODY);
    assertThat(failure.detail()).doesNotContain("gone");
  }

  @Test
  void aRequestThatHttpCannotExpressFailsWithoutItsValue() throws Exception {
    Headers odd =
        new Headers() {
          @Override
          public String first(String name) {
            return "";
          }

          @Override
          public List<String> all(String name) {
            return List.of();
          }

          @Override
          public void forEach(java.util.function.BiConsumer<String, String> action) {
            action.accept("X-Secret", "sk-planted\r\nX-Injected: 1");
          }
        };
    upstream.enqueue(Answer.plain("a/b", "x"));
    Answered answered = send(request("GET", "/", odd, new Content.None()));
    answered.over.get(DEADLINE, TimeUnit.SECONDS);
    if (answered.failure.isDone()) {
      assertThat(answered.awaitFailure().detail()).doesNotContain("planted");
    } else {
      assertThat(upstream.takeRequest().header("X-Injected")).isEmpty();
    }
  }

  @Test
  void closingCancelsWhatIsUnderWay() throws Exception {
    upstream.enqueue(Answer.silence());
    Answered answered = send(post("{}"));
    ReceivedRequest received = upstream.takeRequest();
    transport.close();
    assertThat(answered.awaitFailure().kind()).isEqualTo(Kind.CANCELLED);
    received.cancelled().get(DEADLINE, TimeUnit.SECONDS);
  }
}
