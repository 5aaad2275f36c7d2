package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.wire.Usage;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Answers on their way: byte for byte, piece by piece, and what happens when an end goes away. */
public abstract class StreamingContract extends HttpContract {
  private static final Recording CHAT = Recording.of("chat-stream");
  private static final Recording OPENAI = Recording.of("openai-chat-stream");

  /** True if a client that leaves is noticed while nothing is written to it. */
  protected abstract boolean noticesAtOnce();

  private RawHttp post(Recording recording) throws Exception {
    return connect().post(recording.path(), recording.bodyText(), authorization());
  }

  static Stream<Recording> admitted() {
    // lists and what the guard itself refuses are not passed on as they are
    List<String> refused =
        List.of("error-bad-json", "error-empty-body", "error-method", "error-route");
    return Recording.all().stream()
        .filter(r -> refused.stream().noneMatch(r.name()::endsWith))
        .filter(r -> !r.path().equals("/v1/nonsense"));
  }

  @ParameterizedTest
  @MethodSource("admitted")
  void everyRecordingComesThroughByteForByteAndIsMeteredAsItSays(Recording recording)
      throws Exception {
    upstream.enqueue(Answer.replay(recording));
    try (RawHttp client = connect()) {
      byte[] body = recording.body();
      client.request(
          recording.method(),
          recording.path(),
          body.length == 0 ? null : body,
          adminAuthorization());
      RawHttp.Head head = client.readHead();
      assertThat(head.status()).isEqualTo(recording.status());
      List<String> dates = Wire.values(recording.headers(), "Date").toList();
      assertThat(head.headerValues("Date"))
          .as("the answer's date, and no other")
          .hasSizeLessThan(2)
          .containsAll(dates);
      assertThat(client.readText()).isEqualTo(recording.responseText());
      assertThat(client.end()).isEqualTo(RawHttp.End.COMPLETE);
    }
    Ended ended = nextEnded();
    assertThat(ended.exchange().status()).isEqualTo(recording.status());
    assertThat(ended.exchange().responseBytes()).isEqualTo(recording.responseBody().length);
    Usage usage = ended.exchange().usage();
    RecordedCounts counts = RecordedCounts.of(recording);
    if (counts != null) {
      assertThat(usage)
          .isEqualTo(new Usage(counts.input(), counts.output(), counts.cached(), false));
    }
  }

  static Stream<Recording> refused() {
    List<String> passed = admitted().map(Recording::name).toList();
    return Recording.all().stream().filter(r -> !passed.contains(r.name()));
  }

  /** The rest of the recordings: together with those above none is left out. */
  @ParameterizedTest
  @MethodSource("refused")
  void aRecordedCallThatPolicyRefusesNeverReachesTheUpstream(Recording recording) throws Exception {
    try (RawHttp client = connect()) {
      byte[] body = recording.body();
      client.request(
          recording.method(),
          recording.path(),
          body.length == 0 ? null : body,
          adminAuthorization());
      assertThat(client.readHead().status()).isBetween(400, 499);
      assertThat(nextEnded().outcome().word()).startsWith("refused:");
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(
      strings = {"chat-stream", "openai-chat-stream", "anthropic-messages-stream"})
  void eachPieceGoesOutBeforeTheNextComes(String name) throws Exception {
    Recording recording = Recording.of(name);
    List<byte[]> chunks = recording.chunks();
    int pieces = Math.min(8, chunks.size() - 1);
    Answer answer = Answer.replay(recording);
    Gate[] gates = new Gate[pieces];
    for (int i = 0; i < pieces; i++) {
      gates[i] = Gate.closed();
      answer = answer.gateBeforeChunk(i + 1, gates[i]);
    }
    upstream.enqueue(answer);
    try (RawHttp client = post(recording)) {
      RawHttp.Head head = client.readHead();
      assertThat(head.header("X-Accel-Buffering")).hasValue("no");
      assertThat(head.header("Cache-Control")).hasValue("no-cache");
      for (int i = 0; i < pieces; i++) {
        assertThat(client.readBytes(chunks.get(i).length)).isEqualTo(chunks.get(i));
        gates[i].open();
      }
      client.readBody();
      assertThat(client.end()).isEqualTo(RawHttp.End.COMPLETE);
    }
  }

  @Test
  void aConnectionServesManyCallsOneAfterTheOther() throws Exception {
    try (RawHttp client = connect()) {
      for (int i = 0; i < 50; i++) {
        Recording recording = i % 2 == 0 ? CHAT : Recording.of("chat-once");
        client.post(recording.path(), recording.bodyText(), authorization());
        assertThat(client.readHead().status()).isEqualTo(200);
        assertThat(client.readBody()).isEqualTo(recording.responseBody());
        assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      }
    }
  }

  @Test
  void aNativeStreamThatBreaksOffEndsWithAnErrorLine() throws Exception {
    upstream.enqueue(Answer.replay(CHAT).closeBeforeChunk(3));
    try (RawHttp client = post(CHAT)) {
      assertThat(client.readHead().status()).isEqualTo(200);
      String text = client.readText();
      assertThat(text.lines().skip(3).findFirst().orElse("")).startsWith("{\"error\":");
      assertThat(nextEnded().outcome().word()).isEqualTo("truncated");
    }
  }

  @Test
  void anEventStreamThatBreaksOffEndsWithAnErrorEvent() throws Exception {
    upstream.enqueue(Answer.replay(OPENAI).closeBeforeChunk(3));
    try (RawHttp client = post(OPENAI)) {
      client.readHead();
      assertThat(client.readText()).contains("data: {\"error\":").doesNotContain("[DONE]");
      assertThat(nextEnded().outcome().word()).isEqualTo("truncated");
    }
  }

  @Test
  void anEndWithoutTheTerminatorIsAFailureAlsoWhereTheFramingIsWhole() throws Exception {
    upstream.enqueue(
        Answer.stream("text/event-stream")
            .chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n")
            .endChunks());
    try (RawHttp client = post(OPENAI)) {
      client.readHead();
      assertThat(client.readText()).contains("data: {\"error\":").doesNotContain("[DONE]");
      assertThat(nextEnded().outcome().word()).isEqualTo("truncated");
    }
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .chunk("{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}\n")
            .endChunks());
    try (RawHttp client = post(CHAT)) {
      client.readHead();
      assertThat(client.readText()).contains("\n{\"error\":");
      assertThat(nextEnded().outcome().word()).isEqualTo("truncated");
    }
  }

  @Test
  void whatAClientHasReadOfAnAnswerThatItLeavesIsCounted() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(5, gate));
    try (RawHttp client = post(CHAT)) {
      client.readHead();
      client.readSome();
      gate.reached().get(20, TimeUnit.SECONDS);
      client.reset();
      if (!noticesAtOnce()) {
        gate.open();
      }
      Ended ended = nextEnded();
      assertThat(ended.outcome().word()).isEqualTo("client-gone");
      assertThat(ended.exchange().responseBytes()).isPositive();
      assertThat(ended.exchange().usage().estimated()).isTrue();
      assertThat(ended.exchange().usage().outputTokens()).isPositive();
    }
  }

  @Test
  void aClientThatLeavesWithTheLastLineHasBeenAnswered() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .chunk("{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":true}\n")
            .chunk("\n")
            .gateBeforeChunk(1, gate)
            .endChunks());
    try (RawHttp client = post(CHAT)) {
      client.readHead();
      client.readSome();
      gate.reached().get(20, TimeUnit.SECONDS);
      client.reset();
      gate.open();
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      assertNothingElseEnded();
    }
  }

  @Test
  void aPlainAnswerThatBreaksOffIsCutForTheClientToo() throws Exception {
    upstream.enqueue(
        Answer.bytes(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
            .thenClose());
    Recording once = Recording.of("chat-once");
    try (RawHttp client = post(once)) {
      RawHttp.Head head = client.readHead();
      client.readBody();
      assertThat(head.status() == 502 || client.end() != RawHttp.End.COMPLETE).isTrue();
      assertThat(nextEnded().outcome().word()).isIn("truncated", "upstream-failed");
    }
  }

  @Test
  void anErrorLineInMidStreamPassesAndTheCallHasFailed() throws Exception {
    Answer answer =
        Answer.stream("application/x-ndjson")
            .chunk("{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}\n")
            .chunk("{\"error\":\"an error was encountered while running the model\"}\n")
            .endChunks();
    upstream.enqueue(answer);
    try (RawHttp client = post(CHAT)) {
      client.readHead();
      assertThat(client.readText()).contains("an error was encountered");
      assertThat(nextEnded().outcome().word()).isEqualTo("upstream-failed");
    }
  }

  @Test
  void aLineOf8MiBPasses() throws Exception {
    long length = (8 << 20) + 100;
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .longLine("{\"model\":\"m\",\"message\":{\"content\":\"", length, "\"}}\n")
            .chunk("{\"done\":true}\n")
            .endChunks());
    try (RawHttp client = post(CHAT)) {
      client.readHead();
      long read = 0;
      for (byte[] some = client.readSome(); some != null; some = client.readSome()) {
        read += some.length;
      }
      assertThat(read).isEqualTo(length + "{\"done\":true}\n".length());
      assertThat(client.end()).isEqualTo(RawHttp.End.COMPLETE);
    }
  }

  @Test
  void aClientThatReadsSlowlySlowsItsUpstreamDown() throws Exception {
    byte[] line =
        ("{\"message\":\"" + "x".repeat(65_000) + "\"}\n").getBytes(StandardCharsets.UTF_8);
    int times = 2000;
    upstream.enqueue(
        Answer.bytes("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n")
            .raw("Content-Length: " + (long) line.length * times + "\r\n\r\n")
            .repeat(line, times));
    Socket socket = new Socket();
    socket.setReceiveBufferSize(8 << 10);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
    try (RawHttp client = RawHttp.over(socket)) {
      client.post(CHAT.path(), CHAT.bodyText(), authorization());
      client.readHead();
      client.readBytes(100_000);
      ReceivedRequest request = upstream.takeRequest();
      client.leave();
      // far from all was written before the client left
      assertThat(request.cancelled().get(20, TimeUnit.SECONDS).written())
          .isLessThan((long) line.length * times / 2);
      assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    }
  }

  @Test
  void anUpstreamThatIsDownIs502() throws Exception {
    upstream.close();
    try (RawHttp client = post(CHAT)) {
      assertThat(client.readHead().status()).isEqualTo(502);
      assertThat(client.readText()).startsWith("{\"error\":");
      assertThat(nextEnded().outcome().word()).isEqualTo("upstream-failed");
    }
  }

  @Test
  void aClientThatLeavesInMidStreamCancelsTheUpstream() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(2, gate));
    try (RawHttp client = post(CHAT)) {
      client.readHead();
      client.readSome();
      gate.reached().get(20, TimeUnit.SECONDS);
      ReceivedRequest request = upstream.takeRequest();
      client.reset();
      if (!noticesAtOnce()) {
        gate.open();
      }
      assertThat(nextEnded().outcome().word()).isIn("client-gone");
      if (noticesAtOnce()) {
        request.cancelled().get(20, TimeUnit.SECONDS);
      }
      assertNothingElseEnded();
    }
  }

  @Test
  void aClientThatLeavesBeforeTheFirstByteCancelsTheUpstream() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(gate));
    try (RawHttp client = post(CHAT)) {
      gate.reached().get(20, TimeUnit.SECONDS);
      ReceivedRequest request = upstream.takeRequest();
      client.leave();
      if (noticesAtOnce()) {
        request.cancelled().get(20, TimeUnit.SECONDS);
        Ended ended = nextEnded();
        assertThat(ended.outcome().word()).isEqualTo("client-gone");
        assertThat(ended.exchange().status()).isEqualTo(499);
      } else {
        gate.open();
        nextEnded();
      }
      assertNothingElseEnded();
    }
  }

  @Test
  void aClientThatLeavesAPlainCallCancelsTheUpstream() throws Exception {
    Recording once = Recording.of("chat-once");
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(once).gateBeforeHead(gate));
    try (RawHttp client = post(once)) {
      gate.reached().get(20, TimeUnit.SECONDS);
      ReceivedRequest request = upstream.takeRequest();
      client.leave();
      if (noticesAtOnce()) {
        request.cancelled().get(20, TimeUnit.SECONDS);
        assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
      } else {
        gate.open();
        nextEnded();
      }
    }
  }
}
