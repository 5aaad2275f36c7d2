package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Clients that leave at the same point of a call, one after the other, and how soon that is known.
 *
 * <p>Of many tries all but the slowest tenth are held to the limit: on a machine that does other
 * things a thread may sleep for longer than that at any time. What the machine itself takes is
 * measured with each try, and added to the limit.
 */
public abstract class DepartureTries extends HttpContract {
  /** Longer than any try takes: nothing of a call may end by itself before its client leaves. */
  protected static final Duration PATIENCE = Duration.ofMinutes(1);

  private static final Duration SOON = Duration.ofMillis(100);
  private static final int WARM_UP = 5;
  private static final int TRIES = 20;
  private static final int SLOWEST = TRIES / 10;
  private static final long DEADLINE_SECONDS = 20;

  DepartureTries() {}

  /** How a client leaves. */
  enum Way {
    /** As a browser does whose tab is shut (FIN). */
    CLOSE,
    /** As a program does that is killed with bytes unread, or a proxy that gives up (RST). */
    RESET
  }

  /** One call up to the point at which its client leaves. */
  @FunctionalInterface
  interface Try {
    /** Nanoseconds from the client's leaving until that was known where it has to be. */
    long leave(Way way) throws Exception;
  }

  /** Asserts that it is known within 100 ms that clients have left at this point. */
  final void assertKnownSoon(Try point) throws Exception {
    long[] took = new long[TRIES];
    long[] bare = new long[TRIES];
    try (BareRelay relay = BareRelay.open()) {
      for (int i = -WARM_UP; i < TRIES; i++) {
        long known = point.leave(i % 2 == 0 ? Way.CLOSE : Way.RESET);
        long machine = relay.pass();
        if (i >= 0) {
          took[i] = known;
          bare[i] = machine;
        }
      }
    }
    assertNothingElseEnded();
    Arrays.sort(took);
    Arrays.sort(bare);
    assertThat(slow(took))
        .as("of %s ms; a bare relay takes %s ms", millis(took), millis(bare))
        .isLessThan(SOON.plus(slow(bare)));
  }

  private static Duration slow(long[] sorted) {
    return Duration.ofNanos(sorted[TRIES - 1 - SLOWEST]);
  }

  private static String millis(long[] sorted) {
    return Arrays.toString(
        Arrays.stream(sorted).mapToDouble(n -> Math.round(n / 1e5) / 10.0).toArray());
  }

  /** Has a client leave whose call is under way upstream; nanoseconds until that sees it. */
  final long untilCancelled(RawHttp client, Way way) throws Exception {
    long left = leave(client, way);
    long seen =
        upstream.takeRequest().cancelled().get(DEADLINE_SECONDS, TimeUnit.SECONDS).nanoTime();
    assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    return seen - left;
  }

  /** Has a client leave of whose call no upstream knows; nanoseconds until the call is settled. */
  final long untilSettled(RawHttp client, Way way) throws Exception {
    long left = leave(client, way);
    Ended ended = nextEnded();
    assertThat(ended.outcome().word()).matches("client-gone|refused:body-.*");
    return ended.nanoTime() - left;
  }

  private static long leave(RawHttp client, Way way) throws IOException {
    long now = System.nanoTime();
    switch (way) {
      case CLOSE -> client.leave();
      case RESET -> client.reset();
    }
    return now;
  }

  /** The call that has come since {@code before} was the latest; waits for it. */
  final Exchange callAfter(@Nullable Exchange before) {
    await(() -> latest() != before);
    return Objects.requireNonNull(latest());
  }

  /** Waits until this is so. */
  final void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("what was waited for has not come within 20 s: " + state());
      }
      LockSupport.parkNanos(500_000);
    }
  }

  /** How the latest call stands. */
  private String state() {
    Exchange call = latest();
    return call == null
        ? "no call has come"
        : "status %d, upstream %s, %d failed attempts, body %s, %d calls active, %d sent"
            .formatted(
                call.status(),
                call.upstream(),
                call.failedAttempts().size(),
                call.body().getClass().getSimpleName(),
                proxy.active(),
                upstream.requests().size());
  }
}
