package io.llmguard.upstream.internal;

import io.llmguard.Headers;
import io.llmguard.upstream.UpstreamFailure;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.upstream.UpstreamRequest;
import io.llmguard.upstream.UpstreamTimeouts;
import io.llmguard.upstream.UpstreamTransport.ResponseHandler;
import io.llmguard.upstream.UpstreamTransport.UpstreamCall;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a call is, whichever client carries it: its phases and their deadlines, one event after the
 * other to the handler, exactly one end.
 *
 * <p>It is its own {@code consumed} callback, so that a piece of an answer costs no allocation.
 */
public abstract class TransportCall implements UpstreamCall, Runnable {
  private static final Logger log = LoggerFactory.getLogger(TransportCall.class);

  /** A server that takes longer than this to close a connection has begun to work on the call. */
  private static final long STALE_NANOS = TimeUnit.SECONDS.toNanos(1);

  // whose turn it is with the piece that was last delivered
  private static final int NONE = 0;
  private static final int DELIVERING = 1;
  private static final int HELD = 2;

  private final UpstreamRequest request;
  private final ResponseHandler handler;
  private final Deadlines deadlines;
  private final AtomicInteger turn = new AtomicInteger(NONE);

  private volatile long connectBy;
  private volatile long firstByteBy = Deadlines.NEVER;
  private volatile long idleBy = Deadlines.NEVER;
  private final long totalBy;
  private volatile boolean connected;
  private volatile boolean headSeen;
  private volatile long sentAt;
  private volatile boolean repeated;

  // guarded by this
  private boolean calling;
  private boolean ended;
  private @Nullable UpstreamFailure pending;

  /** A call that is being watched from now on. */
  @SuppressWarnings("this-escape") // only the watch sees it, which looks at deadlines set before
  protected TransportCall(UpstreamRequest request, ResponseHandler handler, Deadlines deadlines) {
    this.request = request;
    this.handler = handler;
    this.deadlines = deadlines;
    UpstreamTimeouts timeouts = request.timeouts();
    connectBy = deadlines.in(timeouts.connect());
    totalBy = deadlines.in(timeouts.total());
    deadlines.add(this);
  }

  // ---- what a transport provides

  /**
   * The next piece of the body, held until {@link #release}; or null if there is none now, and then
   * the transport calls {@link #pump} when there is, or has called {@link #end} or {@link #fail}.
   */
  protected abstract @Nullable ByteBuffer poll();

  /** Gives back what {@link #poll} answered. */
  protected abstract void release();

  /** Closes the connection, or gives up making it; idempotent. */
  protected abstract void abort();

  /** The call has ended in some way; run once, before the handler hears of it. */
  protected void finished() {}

  // ---- what a transport reports

  /** The request. */
  protected final UpstreamRequest request() {
    return request;
  }

  /** A connection stands. */
  protected final void connected() {
    connected = true;
    connectBy = Deadlines.NEVER;
  }

  /** The request begins to go out, for the first time or once more. */
  protected final void sending() {
    sentAt = System.nanoTime();
  }

  /**
   * True if the request may go out once more, over another connection, as the kept one turned out
   * to be closed: at once, before any byte of an answer, and with a body that can be sent again. At
   * most once for a call, and never for one that must not happen twice.
   */
  protected final boolean repeats() {
    boolean may =
        !repeated
            && !ended()
            && !headSeen
            && request.repeatable()
            && !(request.content() instanceof UpstreamRequest.Content.Streamed)
            && System.nanoTime() - sentAt < STALE_NANOS;
    if (may) {
      repeated = true;
    }
    return may;
  }

  /** The connection is lost before the answer began, and another one is being made. */
  protected final void reconnecting() {
    connected = false;
    firstByteBy = Deadlines.NEVER;
    connectBy = deadlines.in(request.timeouts().connect());
  }

  /** The last byte of the request is on its way. */
  protected final void requestSent() {
    if (!headSeen) {
      firstByteBy = deadlines.in(request.timeouts().firstByte());
      if (headSeen) {
        firstByteBy = Deadlines.NEVER; // the answer overtook this
      }
    }
  }

  /** True once the head of the answer was reported. */
  protected final boolean headSeen() {
    return headSeen;
  }

  /** True once the call has ended in any way. */
  protected final synchronized boolean ended() {
    return ended;
  }

  /**
   * The head of the answer has come.
   *
   * @return false if the call is over, and nothing more of the answer is wanted
   */
  protected final boolean head(int status, Headers headers) {
    connected = true;
    connectBy = Deadlines.NEVER;
    String flaw = flaw(status, headers);
    if (flaw != null) {
      failAndAbort(Kind.BEFORE_HEAD, flaw);
      return false;
    }
    headSeen = true;
    firstByteBy = Deadlines.NEVER;
    if (!enter()) {
      return false;
    }
    try {
      handler.onHead(status, headers);
    } catch (RuntimeException | Error e) {
      broken(e);
    }
    idleBy = deadlines.in(request.timeouts().idle());
    return leave();
  }

  /** What makes an answer's length or kind ambiguous, or null. */
  private static @Nullable String flaw(int status, Headers headers) {
    if (status < 200 || status > 599) {
      return "the upstream answered with status " + status;
    }
    List<String> lengths = headers.all("Content-Length");
    if (lengths.isEmpty()) {
      return null;
    }
    if (headers.contains("Transfer-Encoding")) {
      return "the upstream sent Transfer-Encoding and Content-Length";
    }
    String length = lengths.get(0);
    for (int i = 1; i < lengths.size(); i++) {
      if (!lengths.get(i).equals(length)) {
        return "the upstream sent more than one Content-Length";
      }
    }
    for (int i = 0; i < length.length(); i++) {
      if (length.charAt(i) < '0' || length.charAt(i) > '9') {
        return "the upstream sent a Content-Length that is no number";
      }
    }
    return null;
  }

  /** Delivers pieces for as long as there are any and the handler lets them go at once. */
  protected final void pump() {
    while (true) {
      ByteBuffer piece = poll();
      if (piece == null) {
        return;
      }
      idleBy = Deadlines.NEVER;
      turn.set(DELIVERING);
      if (!enter()) {
        turn.set(NONE);
        release();
        return;
      }
      try {
        handler.onBytes(piece, this);
      } catch (RuntimeException | Error e) {
        broken(e);
        turn.compareAndSet(DELIVERING, NONE);
      }
      leave();
      if (turn.compareAndSet(DELIVERING, HELD)) {
        return;
      }
      consumed();
    }
  }

  /** The handler lets go of the piece. */
  @Override
  public final void run() {
    if (turn.compareAndSet(DELIVERING, NONE)) {
      return; // pump goes on by itself
    }
    if (turn.compareAndSet(HELD, NONE)) {
      consumed();
      pump();
    }
  }

  private void consumed() {
    release();
    idleBy = deadlines.in(request.timeouts().idle());
  }

  /** The body is whole. */
  protected final void end() {
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
    }
    deadlines.remove(this);
    finished();
    handler.onEnd();
  }

  /** The call failed at this side of the transport, in the phase in which it is. */
  protected final void fail(Throwable cause) {
    Kind kind = headSeen ? Kind.AFTER_HEAD : connected ? Kind.BEFORE_HEAD : Kind.CONNECT;
    // the class only: a message may hold bytes of the answer
    fail(kind, cause.getClass().getSimpleName());
  }

  /**
   * The call failed; later reports of an end do nothing.
   *
   * @return false if it had ended before, and its connection may be another call's by now
   */
  protected final boolean fail(Kind kind, String detail) {
    UpstreamFailure failure = new UpstreamFailure(kind, detail);
    boolean later;
    synchronized (this) {
      if (ended) {
        return false;
      }
      ended = true;
      later = calling;
      if (later) {
        pending = failure;
      }
    }
    deadlines.remove(this);
    finished();
    if (!later) {
      handler.onFailure(failure);
    }
    return true;
  }

  /** The call failed, and its connection is of no use; one that had ended before is left alone. */
  protected final void failAndAbort(Kind kind, String detail) {
    if (fail(kind, detail)) {
      abort();
    }
  }

  /**
   * Ends a call whose body broke off, by one of the transport's own threads: the body's may be an
   * event loop, and to close a connection may wait for who reads from it.
   */
  public static void elsewhere(Executor workers, Runnable task) {
    try {
      workers.execute(task);
    } catch (RejectedExecutionException e) {
      task.run(); // the transport was closed
    }
  }

  private void broken(Throwable e) {
    log.error("a response handler failed with {}", e.getClass().getName());
    log.debug("a response handler failed", e);
    failAndAbort(headSeen ? Kind.AFTER_HEAD : Kind.BEFORE_HEAD, "the handler of the answer failed");
  }

  private synchronized boolean enter() {
    calling = !ended;
    return calling;
  }

  /** True if the call goes on. */
  private boolean leave() {
    @Nullable UpstreamFailure failure;
    synchronized (this) {
      calling = false;
      if (!ended) {
        return true;
      }
      failure = pending;
      pending = null;
    }
    if (failure != null) {
      handler.onFailure(failure);
    }
    return false;
  }

  @Override
  public final void cancel() {
    failAndAbort(Kind.CANCELLED, "cancelled");
  }

  final void checkDeadlines(long now) {
    if (now >= connectBy) {
      failAndAbort(Kind.CONNECT_TIMEOUT, "no connection within the connect time-out");
    } else if (now >= firstByteBy) {
      failAndAbort(Kind.FIRST_BYTE_TIMEOUT, "no answer within the first-byte time-out");
    } else if (now >= idleBy) {
      failAndAbort(Kind.IDLE_TIMEOUT, "nothing came within the idle time-out");
    } else if (now >= totalBy) {
      failAndAbort(Kind.TOTAL_TIMEOUT, "the call outlasted the total time-out");
    }
  }
}
