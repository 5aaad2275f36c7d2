package io.llmguard.ollama.internal;

import io.llmguard.ollama.CallObserver;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.OllamaException.TimedOut.Limit;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call from its start to its end, over all its attempts. The transport's threads bring bytes;
 * one reader at a time takes events, by waiting ({@link #take}) or by being told ({@link
 * #onSignal}, {@link #poll}); anybody cancels. Bytes are parsed by the reader, so that the
 * transport is free to bring the next ones meanwhile, and no more of them are asked for than a
 * small window.
 *
 * @param <E> the events
 * @param <R> the whole answer
 */
public final class LiveCall<E, R> {
  private static final Logger LOG = LoggerFactory.getLogger(LiveCall.class);

  /** After the last event: how long an error that may still come is waited for. */
  private static final long GRACE = TimeUnit.SECONDS.toNanos(1);

  private final Transport transport;
  private final CallSpec<E, R> spec;
  private final Decoder<E> decoder;
  private final Assembler<E, R> assembler;
  private final LineBuffer lines;
  private final CallObserver.Observed observed;
  private final long started;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<List<ByteBuffer>> input = new ArrayDeque<>();
  private Attempt attempt;
  private @Nullable ScheduledFuture<?> alarm;
  private long alarmAt;
  private boolean alarmSet;
  private boolean inputEnded;
  private boolean ended;

  /** Ends the input after what was received. */
  private @Nullable OllamaException inputFailure;

  /** Ends the call at once. */
  private volatile @Nullable OllamaException abort;

  private volatile @Nullable Runnable signal;

  // the reader's own
  private boolean first = true;
  private boolean complete;
  private boolean lastTaken;
  private @Nullable E pending;
  private @Nullable OllamaException failure;
  private volatile boolean finished;

  /** Since when the reader waits for the server; valid while {@code starving}. */
  private volatile long starvingSince;

  private volatile boolean starving;
  private volatile long limit;
  private volatile Limit limitName = Limit.FIRST_TOKEN;

  LiveCall(Transport transport, CallSpec<E, R> spec) {
    this.transport = transport;
    this.spec = spec;
    this.decoder = spec.decoder().get();
    this.assembler = spec.assembler().get();
    this.lines = new LineBuffer(transport.settings().maxLine());
    this.started = transport.settings().time().nanos();
    this.starvingSince = started;
    this.starving = true;
    this.limit = transport.settings().timeouts().firstToken().toNanos();
    this.observed = transport.observe(spec);
    this.attempt = new Attempt(this, 1, transport.firstServer());
  }

  void start() {
    transport.opened(this);
    lock.lock();
    try {
      arm(nextDeadline(started));
      if (!ended) {
        attempt.send();
      }
    } finally {
      lock.unlock();
    }
  }

  /** What to run when there may be something to read, or the end. */
  void onSignal(Runnable run) {
    signal = run;
  }

  // ---- the reader

  /**
   * The next event, waiting for it; null at the end of a complete answer.
   *
   * @throws OllamaException where it failed
   */
  public @Nullable E take() {
    while (true) {
      E event = poll();
      if (event != null) {
        return event;
      }
      if (finished) {
        if (failure != null) {
          throw raised(failure);
        }
        return null;
      }
      try {
        awaitChange();
      } catch (InterruptedException e) {
        cancel("the waiting thread was interrupted");
        Thread.currentThread().interrupt();
      }
    }
  }

  private void awaitChange() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (input.isEmpty() && !inputEnded) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The whole answer, waiting for it. */
  public R await() {
    while (take() != null) {
      // the assembler has seen it
    }
    return assembler.result();
  }

  /** The text so far. */
  public String text() {
    return assembler.text();
  }

  R result() {
    return assembler.result();
  }

  boolean finished() {
    return finished;
  }

  @Nullable OllamaException failure() {
    return failure;
  }

  /** Whether the call is over with no event left; asked for by a reader that wants none now. */
  boolean endedWithoutEvents() {
    OllamaException aborted = abort;
    if (!finished && aborted != null) {
      finish(aborted);
    }
    if (!finished && complete && pending == null) {
      // the last event is given: the end needs no demand
      E event = poll();
      if (event != null) {
        throw new IllegalStateException("an event after the last one");
      }
    }
    return finished;
  }

  /** The next event if there is one; null where there is none yet, or at the end. */
  @Nullable E poll() {
    while (!finished) {
      OllamaException aborted = abort;
      if (aborted != null) {
        finish(aborted);
        return null;
      }
      try {
        E event = parsed();
        if (event != null) {
          delivered(event);
          return event;
        }
        if (!more()) {
          return null;
        }
      } catch (OllamaException e) {
        finish(e);
      } catch (IllegalArgumentException e) {
        finish(
            new OllamaException.Malformed(
                "the server sent what is not of the protocol: " + e.getMessage(), 200, ""));
      } catch (ArithmeticException e) {
        finish(new OllamaException.Malformed("the server sent more than 2 GiB at once", 200, ""));
      }
    }
    return null;
  }

  private @Nullable E parsed() {
    E held = pending;
    if (held != null) {
      pending = null;
      return held;
    }
    while (spec.lines() && lines.next()) {
      E event = decoded();
      if (event != null) {
        return event;
      }
    }
    return null;
  }

  private @Nullable E decoded() {
    E event = decoder.decode(lines.bytes(), lines.lineStart(), lines.lineEnd());
    if (event != null && complete) {
      throw new IllegalArgumentException("an event after the last one");
    }
    return event;
  }

  private void delivered(E event) {
    if (starving) {
      // a write that others see costs more than a look
      starving = false;
    }
    boolean last = assembler.add(event);
    if (first) {
      first = false;
      transport.tell(observed::firstToken);
      limitName = Limit.IDLE;
      limit = transport.settings().timeouts().idle().toNanos();
      rearm();
    }
    if (last) {
      complete = true;
      limit = Math.min(GRACE, limit);
      rearm();
    }
  }

  /** Takes more bytes, or the end; false where there is neither. */
  private boolean more() {
    List<ByteBuffer> bytes;
    OllamaException failed = null;
    Attempt from;
    lock.lock();
    try {
      bytes = input.poll();
      from = attempt;
      if (bytes == null) {
        if (!inputEnded) {
          if (!starving) {
            starvingSince = transport.settings().time().nanos();
            starving = true;
          }
          return false;
        }
        failed = inputFailure;
      }
    } finally {
      lock.unlock();
    }
    if (bytes != null) {
      lines.add(bytes);
      if (!spec.lines()) {
        lines.bound();
      }
      from.taken();
      return true;
    }
    end(failed);
    return true;
  }

  private void end(@Nullable OllamaException failed) {
    if (failed == null && !lastTaken) {
      lastTaken = true;
      boolean rest = lines.last();
      if (rest || !spec.lines()) {
        pending = rest && spec.lines() ? unterminated() : decoded();
        return;
      }
    }
    if (complete) {
      finish(null);
    } else {
      finish(failed != null ? failed : truncated());
    }
  }

  private @Nullable E unterminated() {
    try {
      return decoded();
    } catch (IllegalArgumentException e) {
      throw truncated();
    }
  }

  private static OllamaException truncated() {
    return new OllamaException.Truncated("the answer ended before its last event", 200, "");
  }

  private void finish(@Nullable OllamaException why) {
    failure = why == null ? null : with(why);
    finished = true;
    starving = false;
    release(why != null);
  }

  private OllamaException with(OllamaException why) {
    String text = assembler.text();
    return text.isEmpty() || !why.partialText().isEmpty() ? why : why.withPartialText(text);
  }

  /** An exception of its own for each throw: the stack shows who waited. */
  private OllamaException raised(OllamaException known) {
    OllamaException thrown = known.withPartialText(known.partialText());
    if (thrown != known) {
      thrown.setStackTrace(new Throwable().getStackTrace());
    }
    return thrown;
  }

  private void release(boolean failed) {
    Attempt current = endedNow(null);
    if (current != null) {
      if (failed || !current.over()) {
        current.cancel();
      }
      Metrics used = assembler.metrics();
      tellEnd(
          new CallObserver.CallEnd(
              failure,
              assembler.model(),
              assembler.finishReason(),
              used.promptEvalCount(),
              used.evalCount()));
    }
  }

  /** Marks the call as over; null where it already was. */
  private @Nullable Attempt endedNow(@Nullable OllamaException why) {
    lock.lock();
    try {
      if (ended) {
        return null;
      }
      ended = true;
      abort = why;
      input.clear();
      inputEnded = true;
      if (alarm != null) {
        alarm.cancel(false);
      }
      changed.signalAll();
      return attempt;
    } finally {
      lock.unlock();
    }
  }

  private void tellEnd(CallObserver.CallEnd end) {
    transport.over(this);
    transport.tell(() -> observed.ended(end));
  }

  // ---- everybody

  /** Gives the call up, unless it is over; the server sees it at once. */
  public void cancel(String why) {
    abort(new OllamaException.Cancelled(why, ""));
  }

  private void abort(OllamaException why) {
    Attempt current = endedNow(why);
    if (current == null) {
      return;
    }
    current.cancel();
    tellEnd(new CallObserver.CallEnd(why, null, null, 0, 0));
    Runnable run = signal;
    if (run != null) {
      transport.dispatch(run);
    }
  }

  // ---- attempts

  Transport transport() {
    return transport;
  }

  CallSpec<E, R> spec() {
    return spec;
  }

  CallObserver.Observed observed() {
    return observed;
  }

  void received(Attempt from, List<ByteBuffer> bytes) {
    lock.lock();
    try {
      if (from != attempt || ended) {
        return;
      }
      input.add(bytes);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    signal();
  }

  void completed(Attempt from, @Nullable OllamaException failed) {
    lock.lock();
    try {
      if (from != attempt || ended || inputEnded) {
        return;
      }
      inputEnded = true;
      inputFailure = failed;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    signal();
  }

  private void signal() {
    Runnable run = signal;
    if (run != null) {
      run.run();
    }
  }

  /** An attempt failed before any byte was passed on: another one, or the end. */
  void failedEarly(Attempt from, OllamaException failed, boolean nothingDone) {
    URI server = transport.server(from.server());
    int attempts = transport.settings().retry().attempts();
    boolean again = from.number() < attempts && (nothingDone || retryable(failed));
    boolean elsewhere =
        nothingDone && from.number() < Math.max(attempts, transport.settings().servers().size());
    if (!again && !elsewhere) {
      completed(from, failed);
      return;
    }
    boolean fresh = from.number() < transport.settings().servers().size();
    Duration wait = fresh ? Duration.ZERO : transport.backOff(from.number(), failed);
    if (wait.compareTo(longest(failed)) > 0) {
      completed(from, failed);
      return;
    }
    LOG.debug("attempt {} at {} failed, another in {}", from.number(), server.getHost(), wait);
    try {
      ScheduledFuture<?> unused =
          transport.timer().schedule(() -> again(from), wait.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      completed(from, failed);
    }
  }

  private Duration longest(OllamaException failed) {
    Duration most = transport.settings().retry().maxWait();
    boolean told =
        failed instanceof OllamaException.Limited || failed instanceof OllamaException.Busy;
    return told ? most : most.plus(transport.settings().retry().firstWait());
  }

  private boolean retryable(OllamaException failed) {
    return failed instanceof OllamaException.Limited
        || failed instanceof OllamaException.Busy
        || (spec.readOnly()
            && (failed instanceof OllamaException.Truncated
                || failed.status() == 502
                || failed.status() == 504));
  }

  private void again(Attempt from) {
    lock.lock();
    try {
      if (from == attempt && !ended) {
        attempt = new Attempt(this, from.number() + 1, from.server() + 1);
        attempt.send();
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- time

  private void rearm() {
    lock.lock();
    try {
      arm(nextDeadline(transport.settings().time().nanos()));
    } finally {
      lock.unlock();
    }
  }

  /** When to look next. */
  private long nextDeadline(long now) {
    long next = (starving ? starvingSince : now) + limit;
    Duration total = transport.settings().timeouts().total();
    return total != null && started + total.toNanos() - next < 0 ? started + total.toNanos() : next;
  }

  private void arm(long at) {
    if (ended || (alarmSet && alarmAt - at <= 0)) {
      return;
    }
    if (alarm != null) {
      alarm.cancel(false);
    }
    alarmAt = at;
    alarmSet = true;
    long wait = Math.max(0, at - transport.settings().time().nanos());
    try {
      alarm = transport.timer().schedule(this::look, wait, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      // a closed client cancels its calls: no more limits to keep
      alarm = null;
    }
  }

  private void look() {
    long now = transport.settings().time().nanos();
    Duration total = transport.settings().timeouts().total();
    OllamaException passed = null;
    boolean over = false;
    lock.lock();
    try {
      alarmSet = false;
      if (ended) {
        return;
      }
      if (total != null && now - started - total.toNanos() >= 0) {
        passed =
            new OllamaException.TimedOut(
                "the call was not complete within " + total, "", Limit.TOTAL);
      } else if (starving && input.isEmpty() && !inputEnded && now - starvingSince - limit >= 0) {
        over = complete;
        passed =
            limitName == Limit.FIRST_TOKEN
                ? new OllamaException.TimedOut(
                    "no first event within " + Duration.ofNanos(limit), "", limitName)
                : new OllamaException.TimedOut(
                    "no further event within " + Duration.ofNanos(limit), "", limitName);
      } else {
        arm(Math.max(nextDeadline(now), now + 1));
        return;
      }
    } finally {
      lock.unlock();
    }
    Attempt current = attempt;
    if (over) {
      // complete, and no error followed: the connection is not waited for
      completed(current, null);
      current.cancel();
    } else {
      abort(passed);
    }
  }
}
