package io.llmguard.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.ConcurrencyStage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Clients that leave, and upstreams that break off, at any moment of any call: each call is settled
 * once and wholly, so that nothing of it is left: no place among the calls at once, no reservation,
 * no file, no call upstream.
 */
public abstract class AnyMomentContract extends HttpContract {
  private static final int CALLS = 300;
  private static final long LATEST_NANOS = TimeUnit.MILLISECONDS.toNanos(3);
  private static final Recording STREAM = Recording.of("chat-stream");
  private static final Recording ONCE = Recording.of("chat-once");

  private final ConcurrencyStage concurrency = new ConcurrencyStage(1, 1);
  private final LateLedger ledger = new LateLedger();

  @Override
  protected StandardGuard.Builder guard() throws Exception {
    return super.guard().stage(Place.CALLER_LIMIT, concurrency).stage(Place.BUDGET, ledger.stage());
  }

  @AfterEach
  void closeLedger() {
    ledger.close();
  }

  @Test
  void nothingIsLeftOfACallWhoseClientLeavesAtAnyMoment() throws Exception {
    upstream.on("POST", "/api/blobs/sha256:abc", Answer.status(201, "text/plain", ""));
    upstream.on("POST", "/v1/audio/transcriptions", Answer.plain("application/json", "{}"));
    Random random = new Random(4711);
    for (int i = 0; i < CALLS; i++) {
      Exchange before = latest();
      boolean reset = random.nextInt(3) == 0;
      try (RawHttp client = connect()) {
        send(client, i);
        if (reset) {
          // else the server may never see what was sent
          while (latest() == before) {
            LockSupport.parkNanos(10_000);
          }
        }
        LockSupport.parkNanos((long) (LATEST_NANOS * random.nextDouble() * random.nextDouble()));
        if (reset) {
          client.reset();
        } else {
          client.leave();
        }
        assertThat(nextEnded().outcome().word())
            .as("call %d", i)
            .matches("completed|client-gone|refused:body-.*");
      }
    }
    assertNothingIsLeft();
  }

  @Test
  void nothingIsLeftOfACallWhoseUpstreamBreaksOffAtAnyMoment() throws Exception {
    Random random = new Random(4712);
    for (int i = 0; i < CALLS; i++) {
      Recording asked = i % 2 == 0 ? STREAM : ONCE;
      int bytes = random.nextInt(asked.response().length + 1);
      Answer answer = Answer.replay(asked);
      upstream.enqueue(random.nextBoolean() ? answer.cutAfter(bytes) : answer.resetAfter(bytes));
      try (RawHttp client = connect()) {
        client.post(asked.path(), asked.bodyText(), authorization());
        if (random.nextInt(3) == 0) {
          LockSupport.parkNanos((long) (LATEST_NANOS * random.nextDouble()));
          client.leave();
        } else {
          readAll(client);
        }
        assertThat(nextEnded().outcome().word())
            .as("call %d", i)
            .matches("completed|client-gone|truncated|upstream-failed");
      }
    }
    assertNothingIsLeft();
  }

  private static void readAll(RawHttp client) {
    try {
      client.readHead();
      client.readBody();
    } catch (IOException e) {
      // an answer that cannot be ended well is cut
    }
  }

  private void assertNothingIsLeft() {
    assertNothingElseEnded();
    assertThat(concurrency.underWay()).isZero();
    Eventually.await(() -> proxy.active() == 0 && ledger.reserved() == 0 && formsLeft() == 0);
  }

  private long formsLeft() {
    try (var files = Files.list(forms)) {
      return files.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void send(RawHttp client, int call) throws Exception {
    switch (call % 6) {
      case 0 -> client.post(STREAM.path(), STREAM.bodyText(), authorization());
      case 1 -> client.post(ONCE.path(), ONCE.bodyText(), authorization());
      case 2 -> client.get("/api/tags", authorization());
      case 3 -> half(client, "/api/chat", "application/json", ONCE.body(), authorization());
      case 4 ->
          half(
              client,
              "/api/blobs/sha256:abc",
              "application/octet-stream",
              new byte[50_000],
              adminAuthorization());
      default -> form(client, call % 12 < 6);
    }
  }

  private static void half(
      RawHttp client, String path, String type, byte[] body, String authorization)
      throws Exception {
    client.send(head(path, type, body.length, authorization));
    client.send(Arrays.copyOf(body, body.length / 2));
  }

  private void form(RawHttp client, boolean whole) throws Exception {
    String part = "--b0undary\r\nContent-Disposition: form-data; name=";
    byte[] form =
        (part
                + "\"model\"\r\n\r\nwhisper-1\r\n"
                + part
                + "\"file\"; filename=\"a.wav\"\r\n\r\n"
                + "R".repeat(20_000)
                + "\r\n--b0undary--\r\n")
            .getBytes(UTF_8);
    String path = "/v1/audio/transcriptions";
    String type = "multipart/form-data; boundary=b0undary";
    if (whole) {
      client.send(head(path, type, form.length, authorization())).send(form);
    } else {
      half(client, path, type, form, authorization());
    }
  }

  private static String head(String path, String type, int length, String authorization) {
    return "POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        .formatted(path, authorization, type, length);
  }
}
