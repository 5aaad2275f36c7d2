package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Clients that leave while something is read from them or written to them. */
public abstract class DepartureContract extends DepartureTries {
  private static final Recording CHAT = Recording.of("chat-stream");
  private static final int PIECE = 10_000;

  private static String head(String path, String authorization, String type, int length) {
    return "POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        .formatted(path, authorization, type, length);
  }

  @Test
  void inTheMiddleOfABodyThatIsRead() throws Exception {
    assertKnownSoon(
        way -> {
          Exchange before = latest();
          try (RawHttp client = connect()) {
            client.send(head("/api/chat", authorization(), "application/json", 3 * PIECE));
            client.send("{\"model\":\"" + "m".repeat(PIECE));
            callAfter(before);
            return untilSettled(client, way);
          }
        });
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void inTheMiddleOfABlobThatPassesThrough() throws Exception {
    upstream.on("POST", "/api/blobs/sha256:abc", Answer.status(201, "text/plain", ""));
    long[] sent = {0};
    assertKnownSoon(
        way -> {
          try (RawHttp client = connect()) {
            client.send(
                head(
                    "/api/blobs/sha256:abc",
                    adminAuthorization(),
                    "application/octet-stream",
                    100 * PIECE));
            client.send(new byte[PIECE]);
            sent[0] += PIECE;
            upstream.awaitBodyBytes(sent[0]);
            return untilCancelled(client, way);
          }
        });
  }

  @Test
  void inTheMiddleOfAForm() throws Exception {
    String head =
        head(
            "/v1/audio/transcriptions",
            authorization(),
            "multipart/form-data; boundary=b0undary",
            3 * PIECE);
    String part = "--b0undary\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
    assertKnownSoon(
        way -> {
          try (RawHttp client = connect()) {
            client.send(head + part + "R".repeat(PIECE));
            await(() -> formsKept() == 1);
            long took = untilSettled(client, way);
            await(() -> formsKept() == 0);
            return took;
          }
        });
    assertThat(upstream.requests()).isEmpty();
  }

  private long formsKept() {
    try (var kept = Files.list(forms)) {
      return kept.count();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void whileAWriteWaitsForAClientThatReadsNothing() throws Exception {
    byte[] line = new byte[64 << 10];
    Arrays.fill(line, (byte) ' ');
    line[line.length - 1] = '\n';
    long most = 10_000;
    assertKnownSoon(
        way -> {
          upstream.enqueue(
              Answer.bytes("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n")
                  .raw("Content-Length: " + line.length * most + "\r\n\r\n")
                  .repeat(line, most));
          Socket socket = new Socket();
          socket.setReceiveBufferSize(8 << 10);
          socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
          int before = upstream.requests().size();
          try (RawHttp client = RawHttp.over(socket)) {
            client.post(CHAT.path(), CHAT.bodyText(), authorization());
            await(() -> upstream.requests().size() > before);
            stuck(upstream.requests().get(before));
            return untilCancelled(client, way);
          }
        });
  }

  /**
   * Waits until an upstream writes no more, because nobody reads: for so long that no thread still
   * pays for what it has carried before.
   */
  private void stuck(ReceivedRequest request) {
    long[] written = {0};
    await(
        () -> {
          long last = written[0];
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
          written[0] = request.written();
          return last > 0 && written[0] == last;
        });
  }
}
