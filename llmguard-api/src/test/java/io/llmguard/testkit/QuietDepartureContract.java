package io.llmguard.testkit;

import io.llmguard.Exchange;
import org.junit.jupiter.api.Test;

/**
 * Clients that leave while nothing is read from them or written to them; for servers that notice it
 * all the same.
 */
public abstract class QuietDepartureContract extends DepartureTries {
  private static final Recording CHAT = Recording.of("chat-stream");
  private static final Recording ONCE = Recording.of("chat-once");

  @Test
  void beforeTheHead() throws Exception {
    assertKnownSoon(
        way -> {
          Gate gate = Gate.closed();
          upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(gate));
          try (RawHttp client = calling(CHAT)) {
            gate.reached().get();
            return untilCancelled(client, way);
          }
        });
  }

  @Test
  void beforeTheHeadOfAPlainAnswer() throws Exception {
    assertKnownSoon(
        way -> {
          Gate gate = Gate.closed();
          upstream.enqueue(Answer.replay(ONCE).gateBeforeHead(gate));
          try (RawHttp client = calling(ONCE)) {
            gate.reached().get();
            return untilCancelled(client, way);
          }
        });
  }

  @Test
  void betweenTheHeadAndTheFirstByte() throws Exception {
    assertKnownSoon(
        way -> {
          upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(0, Gate.closed()));
          Exchange before = latest();
          try (RawHttp client = calling(CHAT)) {
            Exchange call = callAfter(before);
            await(() -> call.status() == 200);
            return untilCancelled(client, way);
          }
        });
  }

  @Test
  void inTheMiddleOfASmallPlainAnswer() throws Exception {
    inTheMiddleOfAPlainAnswer(1_000);
  }

  @Test
  void inTheMiddleOfALargePlainAnswer() throws Exception {
    inTheMiddleOfAPlainAnswer(100_000);
  }

  private void inTheMiddleOfAPlainAnswer(int half) throws Exception {
    String text = "{\"model\":\"m\",\"response\":\"" + "x".repeat(half);
    assertKnownSoon(
        way -> {
          upstream.enqueue(
              Answer.bytes("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                  .raw("Content-Length: " + (text.length() + half) + "\r\n\r\n")
                  .raw(text)
                  .then(Gate.closed()));
          Exchange before = latest();
          try (RawHttp client = calling(ONCE)) {
            Exchange call = callAfter(before);
            await(() -> call.responseBytes() == text.length());
            return untilCancelled(client, way);
          }
        });
  }

  @Test
  void inTheMiddleOfAStream() throws Exception {
    assertKnownSoon(
        way -> {
          Gate gate = Gate.closed();
          upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(2, gate));
          try (RawHttp client = calling(CHAT)) {
            client.readHead();
            client.readSome();
            gate.reached().get();
            return untilCancelled(client, way);
          }
        });
  }

  /** A client that has sent a whole call. */
  private RawHttp calling(Recording recording) throws Exception {
    return connect().post(recording.path(), recording.bodyText(), authorization());
  }
}
