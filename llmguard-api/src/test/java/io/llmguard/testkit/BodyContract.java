package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.wire.Call;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Request bodies: read once, bounded, strictly; and what was checked goes upstream. */
public abstract class BodyContract extends HttpContract {
  private static final Recording CHAT = Recording.of("chat-once");

  private void assertRefused(int status, byte[] body, String... headers) throws Exception {
    try (RawHttp client = connect()) {
      String[] all = Arrays.copyOf(headers, headers.length + 1);
      all[headers.length] = authorization();
      client.request("POST", "/api/chat", body, all);
      assertThat(client.readHead().status()).isEqualTo(status);
      assertThat(nextEnded().exchange().status()).isEqualTo(status);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"model\":\"a\",\"model\":\"b\"}",
        "{\"model\":\"a\",\"MODEL\":\"b\"}",
        "{\"\\u006dodel\":\"a\",\"model\":\"b\"}",
        "{\"model\":\"a\",\"messages\":[],\"\u212Aeep_alive\":1}",
        "{\"model\":1}",
        "{\"messages\":[]}",
        "[]",
        "{\"model\":\"a\"} x",
        "{\"model\":\"a\"",
      })
  void aBodyThatTwoParsersCouldReadDifferentlyIsRefused(String body) throws Exception {
    assertRefused(400, utf8(body));
  }

  @Test
  void deepNestingIsRefused() throws Exception {
    assertRefused(400, utf8("{\"model\":\"a\",\"x\":" + "[".repeat(5000) + "]".repeat(5000) + "}"));
  }

  @Test
  void bytesThatAreNoUtf8AreRefused() throws Exception {
    byte[] body = utf8("{\"model\":\"aX\"}");
    body[body.length - 3] = (byte) 0xff;
    assertRefused(400, body);
  }

  @Test
  void aBodyOverTheLimitIsRefusedByItsAnnouncedLength() throws Exception {
    try (RawHttp client = connect()) {
      client.send(
          "POST /api/chat HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: %d\r\n\r\n{"
              .formatted(authorization(), MAX_BODY + 1));
      assertThat(client.readHead().status()).isEqualTo(413);
    }
  }

  @Test
  void aBodyOverTheLimitIsRefusedByCount() throws Exception {
    try (RawHttp client = connect()) {
      client.send(
          "POST /api/chat HTTP/1.1\r\nHost: localhost\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n"
              .formatted(authorization()));
      client.send(Integer.toHexString(MAX_BODY + 1) + "\r\n" + "x".repeat(MAX_BODY + 1) + "\r\n");
      assertThat(client.readHead().status()).isEqualTo(413);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aBodyAtTheLimitPasses() throws Exception {
    upstream.on("POST", "/api/chat", Answer.plain("application/json", "{}"));
    String frame = "{\"model\":\"a\",\"stream\":false,\"messages\":[],\"x\":\"\"}";
    String body = frame.replace("\"\"", "\"" + "y".repeat(MAX_BODY - frame.length()) + "\"");
    try (RawHttp client = connect()) {
      client.post("/api/chat", body, authorization());
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(upstream.takeRequest().bodyText()).isEqualTo(body);
    }
  }

  @Test
  void aBodyInManyPiecesIsForwardedAsTheSame() throws Exception {
    try (RawHttp client = connect()) {
      byte[] body = CHAT.body();
      client.send(
          "POST /api/chat HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: %d\r\n\r\n"
              .formatted(authorization(), body.length));
      for (byte b : body) {
        client.send(new byte[] {b});
      }
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readBody()).isEqualTo(CHAT.responseBody());
      assertThat(upstream.takeRequest().body().bytes()).isEqualTo(body);
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      assertNothingElseEnded();
    }
  }

  @Test
  void aChunkedBodyIsForwardedWithItsLength() throws Exception {
    try (RawHttp client = connect()) {
      byte[] body = CHAT.body();
      client.send(
          "POST /api/chat HTTP/1.1\r\nHost: localhost\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n"
              .formatted(authorization()));
      for (byte b : body) {
        client.send("1\r\n").send(new byte[] {b}).send("\r\n");
      }
      client.send("0\r\n\r\n");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readBody()).isEqualTo(CHAT.responseBody());
      ReceivedRequest received = upstream.takeRequest();
      assertThat(received.body().bytes()).isEqualTo(body);
      assertThat(received.headerValues("Content-Length")).containsExactly("" + body.length);
      assertThat(received.headerValues("Transfer-Encoding")).isEmpty();
    }
  }

  @Test
  void aBodyThatDoesNotComeIsNotWaitedForForEver() throws Exception {
    try (RawHttp client = connect()) {
      client.send(
          "POST /api/chat HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: 100\r\n\r\n{"
              .formatted(authorization()));
      assertThat(client.readHead().status()).isEqualTo(408);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:body-timeout");
    }
  }

  @Test
  void aClientThatLeavesInTheMiddleOfItsBodyIsSettled() throws Exception {
    try (RawHttp client = connect()) {
      client.send(
          "POST /api/chat HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: 100\r\n\r\n{"
              .formatted(authorization()));
      client.leave();
      assertThat(nextEnded().outcome().word()).startsWith("refused:body-");
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void gzipIsDecodedAndBounded() throws Exception {
    upstream.on("POST", "/api/chat", Answer.replay(CHAT));
    try (RawHttp client = connect()) {
      client.request(
          "POST", "/api/chat", gzip(CHAT.body()), authorization(), "Content-Encoding: gzip");
      assertThat(client.readHead().status()).isEqualTo(200);
      ReceivedRequest received = upstream.takeRequest();
      assertThat(received.body().bytes()).isEqualTo(CHAT.body());
      assertThat(received.header("Content-Encoding")).isEmpty();
    }
    nextEnded();
    try (RawHttp client = connect()) {
      byte[] bomb = gzip(new byte[MAX_BODY * 10]);
      client.request("POST", "/api/chat", bomb, authorization(), "Content-Encoding: gzip");
      assertThat(client.readHead().status()).isEqualTo(413);
    }
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  @Test
  void otherContentCodingsAreRefused() throws Exception {
    assertRefused(415, CHAT.body(), "Content-Encoding: zstd");
  }

  @Test
  void twoFramingsNeverReachTheUpstream() throws Exception {
    try (RawHttp client = connect()) {
      client.send(
          """
          POST /api/chat HTTP/1.1\r
          Host: localhost\r
          %s\r
          Content-Length: 4\r
          Transfer-Encoding: chunked\r
          \r
          0\r
          \r
          """
              .formatted(authorization()));
      assertThat(client.readHead().status()).isEqualTo(400);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aBlobPassesThroughInPieces() throws Exception {
    upstream.on("POST", "/api/blobs/sha256:abc", Answer.status(201, "text/plain", ""));
    int pieces = 64;
    byte[] piece = new byte[128 << 10];
    Arrays.fill(piece, (byte) 'b');
    try (RawHttp client = connect()) {
      client.send(
          "POST /api/blobs/sha256:abc HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: %d\r\n\r\n"
              .formatted(adminAuthorization(), (long) pieces * piece.length));
      for (int i = 0; i < pieces; i++) {
        client.send(piece);
        // nothing of it is held back for the next piece
        upstream.awaitBodyBytes((i + 1L) * piece.length);
      }
      assertThat(client.readHead().status()).isEqualTo(201);
      ReceivedRequest received = upstream.takeRequest();
      assertThat(received.body().length()).isEqualTo((long) pieces * piece.length);
      assertThat(received.body().complete()).isTrue();
    }
  }

  @Test
  void aClientThatLeavesInTheMiddleOfABlobCancelsIt() throws Exception {
    upstream.on("POST", "/api/blobs/sha256:abc", Answer.status(201, "text/plain", ""));
    try (RawHttp client = connect()) {
      client.send(
          "POST /api/blobs/sha256:abc HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: 1000000\r\n\r\n"
              .formatted(adminAuthorization()));
      client.send(new byte[100_000]);
      client.leave();
      assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    }
  }

  private static final String BOUNDARY = "b0undary-b0undary";

  /** The model's name comes after the file: nothing can be judged before the form is whole. */
  private static byte[] form(int fileBytes) {
    return form(fileBytes, "whisper-1");
  }

  private static byte[] form(int fileBytes, String model) {
    String part = "--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=";
    return utf8(
        part
            + "\"file\"; filename=\"a.wav\"\r\n\r\n"
            + "R".repeat(fileBytes)
            + "\r\n"
            + part
            + "\"model\"\r\n\r\n"
            + model
            + "\r\n--"
            + BOUNDARY
            + "--\r\n");
  }

  private String formHead(int length) {
    return formHead(length, authorization());
  }

  private static String formHead(int length, String authorization) {
    return "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\n"
        + authorization
        + "\r\nContent-Type: multipart/form-data; boundary="
        + BOUNDARY
        + "\r\nContent-Length: "
        + length
        + "\r\n\r\n";
  }

  /** The file of a form may go a moment after its call was settled, by another thread. */
  private void assertNoFormIsLeft() throws IOException {
    long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (!formsLeft().isEmpty() && System.nanoTime() < deadline) {
      LockSupport.parkNanos(1_000_000);
    }
    assertThat(formsLeft()).isEmpty();
  }

  private List<Path> formsLeft() throws IOException {
    try (var left = Files.list(forms)) {
      return left.toList();
    }
  }

  @Test
  void aFormIsJudgedWhenItIsWholeAndForwardedByteForByte() throws Exception {
    upstream.enqueue(Answer.plain("application/json", "{\"text\":\"hi\"}"));
    byte[] form = form(200_000);
    try (RawHttp client = connect()) {
      client.send(formHead(form.length)).send(form);
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("{\"text\":\"hi\"}");
      assertThat(upstream.takeRequest().body().bytes()).isEqualTo(form);
      assertThat(nextEnded().exchange().call()).extracting(Call::model).isEqualTo("whisper-1");
      assertNothingElseEnded();
    }
    assertNoFormIsLeft();
  }

  @Test
  void aFormOverTheLimitIsRefusedByItsAnnouncedLength() throws Exception {
    try (RawHttp client = connect()) {
      client.send(formHead(MAX_FORM + 1));
      assertThat(client.readHead().status()).isEqualTo(413);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:body-too-large");
    }
    assertNoFormIsLeft();
  }

  @Test
  void aFormOverTheLimitIsRefusedByCount() throws Exception {
    byte[] form = form(MAX_FORM);
    try (RawHttp client = connect()) {
      client.send(
          formHead(form.length)
              .replace("Content-Length: " + form.length, "Transfer-Encoding: chunked"));
      try {
        client.send(Integer.toHexString(form.length) + "\r\n").send(form);
      } catch (IOException e) {
        // it may be refused, and the connection closed, before all is sent
      }
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:body-too-large");
      assertThat(upstream.requests()).isEmpty();
    }
    assertNoFormIsLeft();
  }

  @Test
  void aFormThatDoesNotComeIsNotWaitedForForEver() throws Exception {
    try (RawHttp client = connect()) {
      client.send(formHead(10_000)).send(Arrays.copyOf(form(10_000), 5_000));
      assertThat(client.readHead().status()).isEqualTo(408);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:body-timeout");
    }
    assertNoFormIsLeft();
  }

  @Test
  void aClientThatLeavesInTheMiddleOfItsFormIsSettled() throws Exception {
    try (RawHttp client = connect()) {
      client.send(formHead(10_000)).send(Arrays.copyOf(form(10_000), 5_000));
      client.leave();
      // it has left where another filter has let it in before
      assertThat(nextEnded().outcome().word()).matches("client-gone|refused:body-.*");
      assertNothingElseEnded();
      assertThat(upstream.requests()).isEmpty();
    }
    assertNoFormIsLeft();
  }

  @Test
  void aClientThatLeavesAtAnyMomentOfItsFormLeavesNoFileAndBlocksNoEventLoop() throws Exception {
    for (int i = 0; i < 300; i++) {
      try (RawHttp client = connect()) {
        client.send(formHead(10_000)).send(Arrays.copyOf(form(10_000), 5_000));
        LockSupport.parkNanos(i * 5_000L);
        client.leave();
        assertThat(nextEnded().outcome().word()).matches("client-gone|refused:body-.*");
      }
    }
    assertNoFormIsLeft();
    assertThat(upstream.requests()).isEmpty();
  }

  // ---- what bodies ask for

  @Test
  void aKeyNamesItsOwnModelsOnlyInJsonAndInForms() throws Exception {
    try (RawHttp client = connect()) {
      client.post("/api/chat", "{\"model\":\"b\",\"messages\":[]}", narrowAuthorization());
      assertThat(client.readHead().status()).isEqualTo(403);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:model-not-allowed");
    }
    byte[] forbidden = form(1000, "forbidden");
    try (RawHttp client = connect()) {
      client.send(formHead(forbidden.length, narrowAuthorization())).send(forbidden);
      assertThat(client.readHead().status()).isEqualTo(403);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:model-not-allowed");
    }
    assertThat(upstream.requests()).isEmpty();
    assertNoFormIsLeft();
    upstream.enqueue(Answer.plain("application/json", "{\"text\":\"hi\"}"));
    byte[] allowed = form(1000, "a");
    try (RawHttp client = connect()) {
      client.send(formHead(allowed.length, narrowAuthorization())).send(allowed);
      assertThat(client.readHead().status()).isEqualTo(200);
    }
  }

  @Test
  void aBodyThatIsNoFormIsRefusedWhereAFormBelongs() throws Exception {
    try (RawHttp client = connect()) {
      client.post(
          "/v1/audio/transcriptions",
          "{\"model\":\"a\"}",
          authorization(),
          "Content-Type: application/json");
      assertThat(client.readHead().status()).isEqualTo(415);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:no-form");
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"file:///etc/passwd", "/etc/passwd", "http://169.254.169.254/latest/meta-data"})
  void mediaOfTheServersDiskAndOfOtherHostsAreRefused(String url) throws Exception {
    try (RawHttp client = connect()) {
      client.post(
          "/v1/chat/completions",
          "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
              + "\"image_url\":{\"url\":\""
              + url
              + "\"}}]}]}",
          authorization());
      assertThat(client.readHead().status()).isEqualTo(403);
      assertThat(nextEnded().outcome().word()).endsWith("-media");
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void theLimitOnOutputThatTheServerObeysIsSentToo() throws Exception {
    upstream.on("POST", "/v1/chat/completions", Answer.plain("application/json", "{}"));
    try (RawHttp client = connect()) {
      client.post(
          "/v1/chat/completions",
          "{\"model\":\"a\",\"messages\":[],\"max_completion_tokens\":5}",
          authorization());
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(upstream.takeRequest().bodyText())
          .contains("\"max_tokens\":5", "\"max_completion_tokens\":5");
    }
  }
}
