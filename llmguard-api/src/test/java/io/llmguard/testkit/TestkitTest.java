package io.llmguard.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.testkit.RawHttp.End;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class TestkitTest {
  private final ReplayUpstream upstream = ReplayUpstream.start();

  @AfterEach
  void stop() {
    upstream.close();
  }

  static List<Recording> recordings() {
    return Recording.all();
  }

  @Test
  void theIndexNamesEveryRecording() throws Exception {
    URI index = Objects.requireNonNull(Recording.class.getResource("/wire/index.txt")).toURI();
    try (Stream<Path> files = Files.list(Objects.requireNonNull(Path.of(index).getParent()))) {
      assertThat(
              files
                  .map(f -> String.valueOf(f.getFileName()))
                  .filter(f -> f.endsWith(".request"))
                  .map(f -> f.substring(0, f.length() - ".request".length())))
          .containsExactlyInAnyOrderElementsOf(
              Recording.all().stream().map(Recording::name).toList());
    }
  }

  @Test
  void aRecordingIsTakenApart() {
    Recording recording = Recording.of("pull-unreachable");

    assertThat(recording.method()).isEqualTo("POST");
    assertThat(recording.path()).isEqualTo("/api/pull");
    assertThat(recording.bodyText()).startsWith("{").endsWith("}");
    assertThat(recording.status()).isEqualTo(200);
    assertThat(recording.header("content-type")).contains("application/x-ndjson");
    assertThat(recording.chunks()).hasSize(2);
    assertThat(recording.chunks().get(0)).asString(UTF_8).endsWith("manifest\"}\n");
    assertThat(recording.responseText()).contains("{\"error\":");
    assertThat(Recording.of("root").body()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void aReplayIsTheRecordingByteForByte(Recording recording) {
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    for (Answer.Step step : Answer.replay(recording).steps()) {
      written.writeBytes(((Answer.Write) step).bytes());
    }

    assertThat(written.toByteArray()).isEqualTo(recording.response());
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void anotherClientGetsEachRecordingByMethodPathAndBody(Recording recording) throws Exception {
    try (ReplayUpstream only = ReplayUpstream.start(List.of(recording))) {
      HttpRequest request =
          HttpRequest.newBuilder(only.uri().resolve(recording.path()))
              .method(recording.method(), BodyPublishers.ofByteArray(recording.body()))
              .build();
      var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofByteArray());

      assertThat(response.statusCode()).isEqualTo(recording.status());
      assertThat(response.body()).isEqualTo(recording.responseBody());
    }
  }

  @Test
  void oneConnectionCarriesManyCalls() throws IOException {
    Recording chat = Recording.of("chat-stream");
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      for (int i = 0; i < 3; i++) {
        client.request("POST", chat.path(), chat.body());
        assertThat(client.readHead().status()).isEqualTo(200);
        assertThat(client.readBody()).isEqualTo(chat.responseBody());
        assertThat(client.end()).isEqualTo(End.COMPLETE);
      }
      client.get("/api/nothing");
      assertThat(client.readHead().status()).isEqualTo(404);
      assertThat(client.readText()).isEqualTo("no recording for GET /api/nothing");
      client.request("HEAD", "/", null);
      assertThat(client.readHead().header("content-length")).contains("17");
      assertThat(client.readBody()).isEmpty();
    }

    assertThat(upstream.connections()).isEqualTo(1);
  }

  @Test
  void aRequestIsKeptAsItWasSent() throws Exception {
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.send("POST //api/%70ull;a=b?q=1 HTTP/1.1\r\nhOsT:  x \r\nA: 1\r\na: 2\r\n");
      client.send("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
      assertThat(client.readHead().status()).isEqualTo(404);
    }

    ReceivedRequest request = upstream.takeRequest();
    assertThat(request.method()).isEqualTo("POST");
    assertThat(request.target()).isEqualTo("//api/%70ull;a=b?q=1");
    assertThat(request.headers()).startsWith(new Header("hOsT", "x"), new Header("A", "1"));
    assertThat(request.headerValues("A")).containsExactly("1", "2");
    assertThat(request.bodyText()).isEqualTo("abcde");
    assertThat(request.body().complete()).isTrue();
  }

  @Test
  void aHugeBodyLeavesLengthAndDigest() throws Exception {
    int size = 3 << 20;
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.request("POST", "/blob", new byte[size]);
      client.readHead();
    }

    ReceivedBody body = upstream.takeRequest().body();
    assertThat(body.length()).isEqualTo(size);
    assertThat(body.bytes()).isEmpty();
    assertThat(body.sha256Hex())
        .isEqualTo("bbd05cf6097ac9b1f89ea29d2542c1b7b67ee46848393895f5a9e43fa1f621e5");
  }

  @Test
  void aBodyCutShortIsSeen() throws Exception {
    RawHttp client = RawHttp.connect(upstream.port());
    client.send("POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    client.leave();

    ReceivedRequest request = upstream.takeRequest();
    assertThat(request.body().complete()).isFalse();
    assertThat(request.bodyText()).isEqualTo("abc");
    assertThat(request.cancelled()).succeedsWithin(Duration.ofSeconds(20));
  }

  @Test
  void aGateHoldsTheStreamUntilItOpens() throws Exception {
    Recording recording = Recording.of("generate-stream");
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(recording).gateBeforeChunk(2, gate));
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.get("/");
      client.readHead();
      int two = recording.chunks().get(0).length + recording.chunks().get(1).length;
      byte[] first = client.readBytes(two);
      assertThat(first).hasSize(two);
      gate.reached().get(20, TimeUnit.SECONDS);
      client.socket().setSoTimeout(100);
      assertThatThrownBy(client::readSome).isInstanceOf(java.net.SocketTimeoutException.class);
      gate.open();
      client.socket().setSoTimeout(20_000);
      assertThat(client.readBody()).hasSize(recording.responseBody().length - two);
      assertThat(client.end()).isEqualTo(End.COMPLETE);
    }
  }

  @Test
  void aGateMayStandBeforeTheHeadAndBeforeTheEnd() throws Exception {
    Recording recording = Recording.of("generate-stream");
    int chunks = recording.chunks().size();
    Gate head = Gate.closed();
    Gate last = Gate.closed();
    upstream.enqueue(Answer.replay(recording).gateBeforeHead(head).gateBeforeChunk(chunks, last));
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.get("/");
      head.reached().get(20, TimeUnit.SECONDS);
      head.open();
      client.readHead();
      assertThat(client.readBytes(recording.responseBody().length))
          .isEqualTo(recording.responseBody());
      assertThat(client.end()).isNull();
      last.open();
      assertThat(client.readSome()).isNull();
      assertThat(client.end()).isEqualTo(End.COMPLETE);
    }
  }

  @Test
  void anAnswerIsCutAtAnyByte() throws IOException {
    Recording recording = Recording.of("pull-unreachable");
    int length = recording.response().length;
    for (int at = recording.headLength(); at < length; at++) {
      upstream.enqueue(Answer.replay(recording).cutAfter(at));
      try (RawHttp client = RawHttp.connect(upstream.port())) {
        client.get("/");
        client.readHead();
        client.readBody();
        assertThat(client.end()).as("cut at %d", at).isEqualTo(End.CUT);
      }
    }
    upstream.enqueue(Answer.replay(recording).cutAfter(10));
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.get("/");
      assertThatThrownBy(client::readHead).isInstanceOf(EOFException.class);
    }
  }

  @Test
  void aResetIsToldFromAClose() throws IOException {
    upstream.enqueue(Answer.stream("text/plain").chunk("a").thenReset());
    upstream.enqueue(Answer.stream("text/plain").chunk("a").thenClose());
    try (RawHttp reset = RawHttp.connect(upstream.port());
        RawHttp closed = RawHttp.connect(upstream.port())) {
      reset.get("/");
      reset.readHead();
      reset.readBody();
      closed.get("/");
      closed.readHead();
      closed.readBody();

      assertThat(List.of(End.RESET, End.CUT)).containsExactly(reset.end(), closed.end());
    }
  }

  @Test
  void aClientThatLeavesIsNoticedInEveryPhase() throws Exception {
    Gate never = Gate.closed();
    Recording recording = Recording.of("chat-stream");
    upstream.enqueue(Answer.silence());
    upstream.enqueue(Answer.replay(recording).gateBeforeChunk(1, never));
    try (RawHttp before = RawHttp.connect(upstream.port())) {
      before.get("/");
      ReceivedRequest request = upstream.takeRequest();
      assertThat(request.cancelled()).isNotDone();
      before.leave();
      assertThat(request.cancelled().get(20, TimeUnit.SECONDS).written()).isZero();
    }
    try (RawHttp during = RawHttp.connect(upstream.port())) {
      during.get("/");
      during.readHead();
      during.readSome();
      during.reset();
      ReceivedRequest request = upstream.takeRequest();
      assertThat(request.cancelled().get(20, TimeUnit.SECONDS).written()).isPositive();
      assertThat(upstream.cancelled()).isDone();
    }
  }

  @Test
  void aClientThatLeavesAfterTheAnswerCancelsNothing() throws Exception {
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.get("/api/version");
      client.readHead();
      client.readBody();
    }
    ReceivedRequest request = upstream.takeRequest();
    while (upstream.openConnections() > 0) {
      Thread.onSpinWait();
    }

    assertThat(request.cancelled()).isNotDone();
  }

  @Test
  void otherChunksAreInsertedInMidStream() throws IOException {
    Recording recording = Recording.of("generate-stream");
    upstream.enqueue(
        Answer.replay(recording).insertBeforeChunk(1, "{\"error\":\"x\"}\n").closeBeforeChunk(1));
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.get("/");
      client.readHead();

      assertThat(client.readText()).endsWith("\n{\"error\":\"x\"}\n");
      assertThat(client.end()).isEqualTo(End.CUT);
    }
  }

  @Test
  void aLineMayBeVeryLong() throws IOException {
    int length = (8 << 20) + 12345;
    upstream.enqueue(
        Answer.stream("application/x-ndjson").longLine("{\"a\":\"", length, "\"}\n").endChunks());
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.get("/");
      client.readHead();

      assertThat(client.readBody()).hasSize(length).endsWith("x\"}\n".getBytes(UTF_8));
      assertThat(client.end()).isEqualTo(End.COMPLETE);
    }
  }

  @Test
  void aTrickleArrivesWhole() throws IOException {
    Recording recording = Recording.of("version");
    upstream.enqueue(Answer.replay(recording).trickle(1, Duration.ofNanos(1)));
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.get("/");
      client.readHead();

      assertThat(client.readBody()).isEqualTo(recording.responseBody());
    }
  }

  @Test
  void aBodyThatNobodyReadsStaysUnread() throws Exception {
    upstream.enqueue(Answer.plain("text/plain", "early").withoutReadingBody());
    try (RawHttp client = RawHttp.connect(upstream.port())) {
      client.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
      client.readHead();

      assertThat(client.readText()).isEqualTo("early");
      assertThat(upstream.takeRequest().body().length()).isZero();
    }
  }
}
