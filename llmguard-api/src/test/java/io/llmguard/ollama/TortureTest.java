package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.ollama.OllamaException.TimedOut.Limit;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that does all that a server must not: every case ends in time, in its own type. */
@Timeout(60)
class TortureTest {
  private static final String TYPE = "application/x-ndjson";
  private static final Recording CHAT = Recording.of("chat-unicode");
  private static final ChatRequest REQUEST = ChatRequest.of("gemma3:270m", "hi");
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final Duration LONG = Duration.ofSeconds(30);

  /** Within which every case must end, whatever its own limit of time. */
  private static final Duration DEADLINE = Duration.ofSeconds(10);

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private OllamaClient client = client(new Timeouts(LONG, LONG, LONG, null));

  private OllamaClient client(Timeouts timeouts) {
    return OllamaClient.builder()
        .baseUrl(upstream.uri().toString())
        .timeouts(timeouts)
        .retry(RetryPolicy.NONE)
        .build();
  }

  private void limits(Timeouts timeouts) {
    client.close();
    client = client(timeouts);
  }

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private static String line(String content, boolean done) {
    return "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\""
        + content
        + "\"},\"done\":"
        + done
        + "}\n";
  }

  private static Answer chunks(byte[]... pieces) {
    Answer answer = Answer.stream(TYPE);
    for (byte[] piece : pieces) {
      if (piece.length > 0) {
        answer = answer.chunk(piece);
      }
    }
    return answer.endChunks();
  }

  private ChatResponse result(Answer answer) {
    upstream.enqueue(answer);
    try (var stream = client.chatStream(REQUEST)) {
      return stream.result();
    }
  }

  private <X extends OllamaException> X failure(Answer answer, Class<X> type) {
    long begin = System.nanoTime();
    X failure = catchThrowableOfType(type, () -> result(answer));
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    assertThat(took).isLessThan(DEADLINE);
    if (failure instanceof OllamaException.TimedOut) {
      assertThat(took).isGreaterThanOrEqualTo(SHORT);
    }
    assertThat(failure).as("the failure").isNotNull().hasMessageMatching("(?s).+");
    return failure;
  }

  @Test
  @Timeout(600)
  void utf8AndLinesSplitAtEveryByte() {
    byte[] body = CHAT.responseBody();
    byte[] marker = line("first", false).getBytes(StandardCharsets.UTF_8);
    String whole = result(Answer.replay(CHAT)).text();
    assertThat(whole).contains("où").contains("français");
    for (int at = 1; at < body.length; at++) {
      byte[] first = Arrays.copyOf(marker, marker.length + at);
      System.arraycopy(body, 0, first, marker.length, at);
      Gate gate = Gate.closed();
      upstream.enqueue(
          Answer.stream(TYPE)
              .chunk(first)
              .then(gate)
              .chunk(Arrays.copyOfRange(body, at, body.length))
              .endChunks());
      try (var stream = client.chatStream(REQUEST)) {
        // the first event came in the same write as the bytes before the split: they are read
        assertThat(stream.iterator().next().text()).isEqualTo("first");
        gate.open();
        assertThat(stream.result().text()).as("split at byte %d", at).isEqualTo("first" + whole);
      }
    }
  }

  @Test
  void everyByteInAChunkOfItsOwn() {
    byte[] body = CHAT.responseBody();
    byte[][] bytes = new byte[body.length][];
    for (int i = 0; i < body.length; i++) {
      bytes[i] = new byte[] {body[i]};
    }
    assertThat(result(chunks(bytes)).text()).isEqualTo(result(Answer.replay(CHAT)).text());
  }

  @Test
  void aLineOf20MiB() {
    String prefix = "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"";
    String suffix = "\"},\"done\":true}\n";
    int length = 20 * 1024 * 1024;
    ChatResponse answer = result(Answer.stream(TYPE).longLine(prefix, length, suffix).endChunks());
    assertThat(answer.text()).hasSize(length - prefix.length() - suffix.length());
  }

  @Test
  void aLineWithoutAnEndIsRefusedAtTheBound() throws Exception {
    client.close();
    client =
        OllamaClient.builder()
            .baseUrl(upstream.uri().toString())
            .maxResponse(1 << 20)
            .retry(RetryPolicy.NONE)
            .build();
    byte[] piece = "10000\r\n".getBytes(StandardCharsets.US_ASCII);
    byte[] chunk = new byte[piece.length + 65536 + 2];
    Arrays.fill(chunk, (byte) 'x');
    System.arraycopy(piece, 0, chunk, 0, piece.length);
    chunk[chunk.length - 2] = '\r';
    chunk[chunk.length - 1] = '\n';
    OllamaException.Malformed failure =
        failure(Answer.stream(TYPE).repeat(chunk, 100_000), OllamaException.Malformed.class);
    assertThat(failure).hasMessageContaining("1048576");
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void anErrorFirst() {
    OllamaException.ServerFailed failure =
        failure(
            Answer.stream(TYPE).chunk("{\"error\":\"out of memory\"}\n").endChunks(),
            OllamaException.ServerFailed.class);
    assertThat(failure).hasMessage("out of memory");
    assertThat(failure.partialText()).isEmpty();
  }

  @Test
  void anErrorBeforeEveryChunkBringsTheTextSoFar() throws Exception {
    int count = CHAT.chunks().size();
    StringBuilder before = new StringBuilder();
    for (int at = 0; at < count; at++) {
      Answer answer = Answer.replay(CHAT).insertBeforeChunk(at, "{\"error\":\"gone wrong\"}\n");
      OllamaException.ServerFailed failure = failure(answer, OllamaException.ServerFailed.class);
      assertThat(failure.partialText()).as("before chunk %d", at).isEqualTo(before.toString());
      String chunk = new String(CHAT.chunks().get(at), StandardCharsets.UTF_8);
      before.append(new ObjectMapper().readTree(chunk).path("message").path("content").asText());
    }
  }

  @Test
  void anErrorAfterTheLastChunk() {
    Answer answer =
        Answer.stream(TYPE).chunk(line("all", true)).chunk("{\"error\":\"late\"}\n").endChunks();
    OllamaException.ServerFailed failure = failure(answer, OllamaException.ServerFailed.class);
    assertThat(failure).hasMessage("late");
    assertThat(failure.partialText()).isEqualTo("all");
  }

  private static List<String> texts() {
    List<String> texts = new ArrayList<>();
    try {
      for (byte[] chunk : CHAT.chunks()) {
        texts.add(new ObjectMapper().readTree(chunk).path("message").path("content").asText());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return texts;
  }

  @Test
  void aCutBeforeEveryChunk() {
    List<String> texts = texts();
    for (int at = 0; at < CHAT.chunks().size(); at++) {
      OllamaException.Truncated failure =
          failure(Answer.replay(CHAT).closeBeforeChunk(at), OllamaException.Truncated.class);
      assertThat(failure.status()).isEqualTo(200);
      assertThat(failure.partialText())
          .as("before chunk %d", at)
          .isEqualTo(String.join("", texts.subList(0, at)));
    }
  }

  @Test
  @Timeout(600)
  void aCutAtEveryByteBeforeTheEndOfTheLastLineIsTruncation() {
    byte[] response = CHAT.response();
    List<byte[]> chunks = CHAT.chunks();
    List<String> texts = texts();
    // the last line without its end, and the empty chunk after it, may be read as whole
    int end = response.length - "\n\r\n0\r\n\r\n".length() - 1;
    int at = 0;
    int complete = 0;
    int next = CHAT.headLength() + frame(chunks.get(0));
    while (at < end) {
      OllamaException.Truncated failure =
          failure(Answer.replay(CHAT).cutAfter(at), OllamaException.Truncated.class);
      String before = String.join("", texts.subList(0, complete));
      // a line is complete with its last byte, two before the end of its chunk's frame
      boolean between = at >= next - 3;
      assertThat(failure.partialText())
          .as("cut after byte %d", at)
          .isIn(before, between ? before + texts.get(complete) : before);
      at++;
      if (at >= next && complete < chunks.size() - 1) {
        complete++;
        next += frame(chunks.get(complete));
      }
    }
  }

  private static int frame(byte[] chunk) {
    return Integer.toHexString(chunk.length).length() + chunk.length + 4;
  }

  @Test
  @Timeout(600)
  void aWholeAnswerCutAtEveryByteIsNoValue() {
    for (String name : List.of("chat-once", "tags")) {
      Recording recording = Recording.of(name);
      byte[] response = recording.response();
      for (int at = 0; at < response.length; at++) {
        upstream.enqueue(Answer.replay(recording).cutAfter(at));
        OllamaException.Truncated failure =
            catchThrowableOfType(
                OllamaException.Truncated.class,
                () -> {
                  if (name.equals("tags")) {
                    client.list();
                  } else {
                    client.chat(REQUEST);
                  }
                });
        assertThat(failure).as("%s cut after byte %d", name, at).isNotNull();
      }
    }
  }

  @Test
  void garbageForAWholeAnswerIsNoValue() {
    for (String garbage :
        List.of(
            "<html>",
            "null",
            "[1]",
            "{\"message\":{\"content\":\"x\"",
            "{} {}",
            "{\"done\":\"yes\"}",
            "{\"message\":[]}",
            "{\"models\":{}}",
            "{\"models\":[1]}",
            "{\"models\":[{\"size\":\"big\"}]}",
            "\u0000",
            "{\"a\":" + "[".repeat(5000))) {
      upstream.enqueue(Answer.plain("application/json", garbage));
      OllamaException chat =
          catchThrowableOfType(OllamaException.class, () -> client.chat(REQUEST));
      assertThat(chat)
          .as(garbage)
          .isInstanceOfAny(OllamaException.Malformed.class, OllamaException.Truncated.class);
      upstream.enqueue(Answer.plain("application/json", garbage));
      assertThat(catchThrowableOfType(OllamaException.Malformed.class, client::list))
          .as(garbage)
          .isNotNull();
    }
  }

  @Test
  void aWholeAnswerThatStallsIsGivenUp() throws Exception {
    limits(new Timeouts(LONG, SHORT, LONG, null));
    Recording recording = Recording.of("chat-once");
    int head = recording.headLength() + 20;
    upstream.enqueue(
        Answer.bytes(new String(Arrays.copyOf(recording.response(), head), StandardCharsets.UTF_8))
            .thenSilence());
    long begin = System.nanoTime();
    OllamaException.TimedOut failure =
        catchThrowableOfType(OllamaException.TimedOut.class, () -> client.chat(REQUEST));
    assertThat(failure.limit()).isEqualTo(Limit.FIRST_TOKEN);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isBetween(SHORT, DEADLINE);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void aStalledErrorBody() throws Exception {
    limits(new Timeouts(LONG, SHORT, LONG, null));
    OllamaException.TimedOut failure =
        failure(
            Answer.bytes(
                    "HTTP/1.1 500 Failed\r\nContent-Length: 100\r\n\r\n{\"error\":\"out of mem")
                .thenSilence(),
            OllamaException.TimedOut.class);
    assertThat(failure.limit()).isEqualTo(Limit.FIRST_TOKEN);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void anErrorBodyCutInTheMiddle() {
    OllamaException.ServerFailed failure =
        failure(
            Answer.bytes("HTTP/1.1 500 Failed\r\nContent-Length: 100\r\n\r\nout of mem")
                .thenClose(),
            OllamaException.ServerFailed.class);
    assertThat(failure.status()).isEqualTo(500);
  }

  @Test
  void anEndlessErrorBodyIsReadUpToABound() throws Exception {
    byte[] piece = "x".repeat(4096).getBytes(StandardCharsets.US_ASCII);
    OllamaException.ServerFailed failure =
        failure(
            Answer.bytes("HTTP/1.1 500 Failed\r\nConnection: close\r\n\r\n")
                .repeat(piece, 1_000_000),
            OllamaException.ServerFailed.class);
    assertThat(failure.getMessage()).hasSizeLessThan(4096);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void aTrickleInsideALineDoesNotFeedTheIdleLimit() throws Exception {
    limits(new Timeouts(LONG, LONG, SHORT, null));
    String line = line("x".repeat(50), false);
    Answer answer =
        Answer.stream(TYPE)
            .chunk(line("half", false))
            .then(
                Answer.bytes(Integer.toHexString(line.length()) + "\r\n" + line + "\r\n")
                    .trickle(1, Duration.ofMillis(100)));
    OllamaException.TimedOut failure = failure(answer, OllamaException.TimedOut.class);
    assertThat(failure.limit()).isEqualTo(Limit.IDLE);
    assertThat(failure.partialText()).isEqualTo("half");
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void aResetInTheMiddle() {
    failure(Answer.replay(CHAT).resetAfter(1000), OllamaException.Truncated.class);
  }

  @Test
  void anOrderlyEndWithoutDone() {
    // langchain4j's parser calls nobody here, and its future hangs
    OllamaException.Truncated failure =
        failure(
            Answer.stream(TYPE).chunk(line("half", false)).endChunks(),
            OllamaException.Truncated.class);
    assertThat(failure.partialText()).isEqualTo("half");
  }

  @Test
  void anEmptyAnswer() {
    failure(Answer.stream(TYPE).endChunks(), OllamaException.Truncated.class);
    OllamaException plain =
        catchThrowableOfType(
            OllamaException.class,
            () -> {
              upstream.enqueue(Answer.plain("application/json", ""));
              client.chat(REQUEST);
            });
    assertThat(plain).isInstanceOf(OllamaException.Malformed.class);
  }

  @Test
  void silenceBeforeTheHead() throws Exception {
    limits(new Timeouts(LONG, SHORT, LONG, null));
    OllamaException.TimedOut failure = failure(Answer.silence(), OllamaException.TimedOut.class);
    assertThat(failure.limit()).isEqualTo(Limit.FIRST_TOKEN);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void silenceBetweenHeadAndFirstChunk() throws Exception {
    limits(new Timeouts(LONG, SHORT, LONG, null));
    OllamaException.TimedOut failure =
        failure(Answer.stream(TYPE).thenSilence(), OllamaException.TimedOut.class);
    assertThat(failure.limit()).isEqualTo(Limit.FIRST_TOKEN);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void silenceBetweenChunks() throws Exception {
    limits(new Timeouts(LONG, LONG, SHORT, null));
    OllamaException.TimedOut failure =
        failure(
            Answer.stream(TYPE).chunk(line("half", false)).thenSilence(),
            OllamaException.TimedOut.class);
    assertThat(failure.limit()).isEqualTo(Limit.IDLE);
    assertThat(failure.partialText()).isEqualTo("half");
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void silenceAfterTheLastChunkIsNoFailure() {
    ChatResponse answer = result(Answer.stream(TYPE).chunk(line("all", true)).thenSilence());
    assertThat(answer.text()).isEqualTo("all");
  }

  @Test
  void aTrickleOfBytesDoesNotFeedTheIdleLimit() {
    limits(new Timeouts(LONG, LONG, SHORT, null));
    Answer answer =
        Answer.stream(TYPE)
            .chunk(line("half", false))
            .then(Answer.bytes("1\r\n \r\n".repeat(100)).trickle(6, Duration.ofMillis(100)));
    OllamaException.TimedOut failure = failure(answer, OllamaException.TimedOut.class);
    assertThat(failure.limit()).isEqualTo(Limit.IDLE);
  }

  @Test
  void theTotalLimitEndsALivelyStream() throws Exception {
    limits(new Timeouts(LONG, LONG, LONG, Duration.ofMillis(500)));
    String line = line("x", false);
    String chunk = Integer.toHexString(line.length()) + "\r\n" + line + "\r\n";
    Answer answer =
        Answer.stream(TYPE)
            .then(Answer.bytes(chunk.repeat(100)).trickle(chunk.length(), Duration.ofMillis(100)));
    OllamaException.TimedOut failure = failure(answer, OllamaException.TimedOut.class);
    assertThat(failure.limit()).isEqualTo(Limit.TOTAL);
    assertThat(failure.partialText()).startsWith("x");
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void aSlowReaderIsNoIdleServer() {
    limits(new Timeouts(LONG, LONG, Duration.ofMillis(100), null));
    upstream.enqueue(Answer.replay(CHAT));
    try (var stream = client.chatStream(REQUEST)) {
      Iterator<ChatResponse> chunks = stream.iterator();
      chunks.next();
      // the reader is away for longer than the idle limit, which the timer itself measures here
      CompletableFuture<Void> later =
          CompletableFuture.runAsync(
              () -> {}, CompletableFuture.delayedExecutor(400, TimeUnit.MILLISECONDS));
      later.join();
      assertThat(stream.result().text()).contains("gare");
    }
  }

  @Test
  void garbageBetweenLines() {
    for (String garbage :
        List.of(
            "<html>\n",
            "null\n",
            "[1]\n",
            "{\"message\":{\"content\":\"x\"\n",
            "{} {}\n",
            "{\"done\":\"yes\"}\n",
            "{\"message\":[]}\n",
            "{\"created_at\":\"yesterday\"}\n",
            "\u0000\n",
            "{\"a\":" + "[".repeat(5000) + "\n")) {
      Answer answer =
          Answer.stream(TYPE)
              .chunk(line("half", false))
              .chunk(garbage)
              .chunk(line("x", true))
              .endChunks();
      OllamaException.Malformed failure = failure(answer, OllamaException.Malformed.class);
      assertThat(failure.partialText()).as(garbage).isEqualTo("half");
    }
  }

  @Test
  void garbageIsNotRepeatedInTheMessage() {
    OllamaException.Malformed failure =
        failure(
            Answer.stream(TYPE).chunk("{\"message\": Geheimnis}\n").endChunks(),
            OllamaException.Malformed.class);
    assertThat(failure).hasMessageNotContaining("Geheimnis").hasNoCause();
  }

  @Test
  void blankLinesAndCarriageReturnsAreNothing() {
    Answer answer =
        Answer.stream(TYPE)
            .chunk("\n\r\n" + line("a", false).replace("\n", "\r\n") + "\n\n")
            .chunk(line("b", true).strip())
            .endChunks();
    assertThat(result(answer).text()).isEqualTo("ab");
  }

  @Test
  void whatIsNoHttp() {
    failure(Answer.bytes("SSH-2.0-OpenSSH_9\r\n\r\n").thenClose(), OllamaException.class);
  }

  @Test
  void aConnectionClosedWithoutAByte() {
    failure(Answer.closing(), OllamaException.Truncated.class);
  }

  @Test
  void nobodyListens() throws IOException {
    int port;
    try (ServerSocket nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = nobody.getLocalPort();
    }
    try (OllamaClient other =
        OllamaClient.builder()
            .baseUrl("http://127.0.0.1:" + port)
            .retry(RetryPolicy.NONE)
            .build()) {
      assertThatThrownBy(() -> other.chat(REQUEST)).isInstanceOf(OllamaException.Unreachable.class);
    }
  }

  @Test
  void cancelBeforeTheHeadFromAnotherThread() throws Exception {
    upstream.enqueue(Answer.silence());
    try (var stream = client.chatStream(REQUEST)) {
      ReceivedRequest request = upstream.takeRequest();
      CompletableFuture<Throwable> reader =
          CompletableFuture.supplyAsync(
              () -> catchThrowableOfType(OllamaException.Cancelled.class, stream::result));
      stream.cancel();
      request.cancelled().get(5, TimeUnit.SECONDS);
      assertThat(reader.get(5, TimeUnit.SECONDS)).isNotNull();
    }
  }

  @Test
  void closeInTheMiddleIsSeenByTheServer() throws Exception {
    Gate never = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(2, never));
    try (var stream = client.chatStream(REQUEST)) {
      assertThat(stream.iterator().next().text()).isEqualTo("É");
    }
    upstream.takeRequest().cancelled().get(5, TimeUnit.SECONDS);
  }

  @Test
  void anInterruptCancelsAndStays() throws Exception {
    upstream.enqueue(Answer.silence());
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    Thread reader =
        new Thread(
            () -> {
              try (var stream = client.chatStream(REQUEST)) {
                stream.result();
              } catch (OllamaException.Cancelled e) {
                interrupted.complete(Thread.currentThread().isInterrupted());
              } catch (RuntimeException e) {
                interrupted.completeExceptionally(e);
              }
            });
    reader.start();
    ReceivedRequest request = upstream.takeRequest();
    reader.interrupt();
    assertThat(interrupted.get(5, TimeUnit.SECONDS)).isTrue();
    request.cancelled().get(5, TimeUnit.SECONDS);
  }

  @Test
  void aCancelledFutureCancelsThePlainCall() throws Exception {
    // plain calls never cancel elsewhere, and the model writes on for nobody
    upstream.enqueue(Answer.silence());
    CompletableFuture<ChatResponse> future = client.chatAsync(REQUEST);
    ReceivedRequest request = upstream.takeRequest();
    future.cancel(true);
    request.cancelled().get(5, TimeUnit.SECONDS);
  }

  @Test
  void closingTheClientCancelsWhatRuns() throws Exception {
    upstream.enqueue(Answer.silence());
    CompletableFuture<ChatResponse> future = client.chatAsync(REQUEST);
    ReceivedRequest request = upstream.takeRequest();
    client.close();
    request.cancelled().get(5, TimeUnit.SECONDS);
    assertThat(future).failsWithin(5, TimeUnit.SECONDS);
  }

  @Test
  void aFinishedAnswerLeavesItsConnectionForTheNext() throws Exception {
    for (int i = 0; i < 5; i++) {
      result(Answer.replay(CHAT));
    }
    List<Integer> connections = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      connections.add(upstream.takeRequest().connection());
    }
    assertThat(connections).containsOnly(1);
  }
}
