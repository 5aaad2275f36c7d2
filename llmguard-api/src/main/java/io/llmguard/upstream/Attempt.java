package io.llmguard.upstream;

import io.llmguard.Headers;
import io.llmguard.upstream.UpstreamTransport.UpstreamCall;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt of a call at an upstream; what comes from an attempt that was given up for another
 * one is read and thrown away, so that its connection can be used again.
 */
final class Attempt implements UpstreamTransport.ResponseHandler {
  private static final Logger log = LoggerFactory.getLogger(Attempt.class);

  /** From an attempt that was given up, more is not worth a kept connection. */
  private static final int MOST_DISCARDED = 16 * 1024;

  private final Forwarding forwarding;
  private final Route.To route;
  private final long begunNanos;
  private final AtomicBoolean reported = new AtomicBoolean();

  // by the upstream's side only
  private int status;
  private long headNanos = -1;
  private @Nullable Duration retryAfter;
  private int discarded;
  private volatile boolean givenUp;

  // guarded by this
  private @Nullable UpstreamCall call;
  private boolean cancelled;

  Attempt(Forwarding forwarding, Route.To route, long begunNanos) {
    this.forwarding = forwarding;
    this.route = route;
    this.begunNanos = begunNanos;
  }

  Route.To route() {
    return route;
  }

  void send(UpstreamRequest request) {
    UpstreamCall sent = route.upstream().transport().send(request, this);
    boolean over;
    synchronized (this) {
      call = sent;
      over = cancelled;
    }
    if (over) {
      sent.cancel();
    }
  }

  void cancel() {
    UpstreamCall sent;
    synchronized (this) {
      cancelled = true;
      sent = call;
    }
    if (sent != null) {
      sent.cancel();
    }
  }

  /** Another attempt takes its place: nothing of this one is reported any more. */
  void giveUp() {
    givenUp = true;
  }

  /** When it began, in nanoseconds of the call's duration. */
  long begunNanos() {
    return begunNanos;
  }

  /** The failure that the status of its answer is. */
  UpstreamFailure asFailure() {
    return new UpstreamFailure(
        UpstreamFailure.Kind.BEFORE_HEAD, "the upstream answered with status " + status);
  }

  /** How long the upstream wants to be left alone, or null if it did not say. */
  @Nullable Duration retryAfter() {
    return retryAfter;
  }

  /** Tells the router how it went; the first report counts. */
  void report(@Nullable UpstreamFailure failure, long now) {
    Placement placement = route.placement();
    if (placement != null && reported.compareAndSet(false, true)) {
      try {
        placement.ended(
            new AttemptResult(failure, status, headNanos, now - begunNanos, retryAfter));
      } catch (RuntimeException e) {
        // the call itself still has to be settled
        log.error("the router failed with {}", e.getClass().getName());
        log.debug("the router failed", e);
      }
    }
  }

  @Override
  public void onHead(int code, Headers headers) {
    status = code;
    headNanos = forwarding.elapsedNanos() - begunNanos;
    if (code == 429 || code == 503) {
      retryAfter = RetryAfter.of(headers, forwarding.now());
    }
    forwarding.onHead(this, code, headers);
  }

  @Override
  public void onBytes(ByteBuffer chunk, Runnable consumed) {
    if (!givenUp) {
      forwarding.onBytes(this, chunk, consumed);
      return;
    }
    discarded += chunk.remaining();
    if (discarded > MOST_DISCARDED) {
      cancel();
    }
    consumed.run();
  }

  @Override
  public void onEnd() {
    if (!givenUp) {
      forwarding.onEnd(this);
    }
  }

  @Override
  public void onFailure(UpstreamFailure failure) {
    if (!givenUp) {
      forwarding.onFailure(this, failure);
    }
  }
}
