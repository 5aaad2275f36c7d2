package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Guard;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.HttpContract;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.upstream.Proxy;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How soon an upstream learns that its client has left. */
@Tag("server")
class CancellationTest extends HttpContract {
  private static final int TIMES = 21;
  private static final Duration SOON = Duration.ofMillis(100);

  /** How far a call is when its client leaves. */
  enum Point {
    BEFORE_THE_FIRST_BYTE,
    IN_THE_STREAM,
    PLAIN
  }

  @Override
  protected Server start(Guard guard, Proxy proxy) {
    return Gateway.start(guard, proxy, BODY_DEADLINE);
  }

  /** One of many, because a machine that does other things may be late for one of them. */
  @ParameterizedTest
  @EnumSource
  void aClientThatLeavesIsNoticedUpstreamWithinATenthOfASecond(Point point) throws Exception {
    long[] nanos = new long[TIMES];
    for (int i = 0; i < TIMES; i++) {
      nanos[i] = leave(point, i % 2 == 0);
      assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    }
    assertNothingElseEnded();
    Arrays.sort(nanos);
    assertThat(Duration.ofNanos(nanos[TIMES / 2])).isLessThan(SOON);
  }

  private long leave(Point point, boolean reset) throws Exception {
    Recording recording = Recording.of(point == Point.PLAIN ? "chat-once" : "chat-stream");
    Gate gate = Gate.closed();
    Answer answer = Answer.replay(recording);
    upstream.enqueue(
        point == Point.IN_THE_STREAM
            ? answer.gateBeforeChunk(2, gate)
            : answer.gateBeforeHead(gate));
    try (RawHttp client = connect()) {
      client.post(recording.path(), recording.bodyText(), authorization());
      if (point == Point.IN_THE_STREAM) {
        client.readHead();
        client.readSome();
      }
      gate.reached().get(20, TimeUnit.SECONDS);
      ReceivedRequest request = upstream.takeRequest();
      long left = System.nanoTime();
      if (reset) {
        client.reset();
      } else {
        client.leave();
      }
      return request.cancelled().get(20, TimeUnit.SECONDS).nanoTime() - left;
    }
  }
}
