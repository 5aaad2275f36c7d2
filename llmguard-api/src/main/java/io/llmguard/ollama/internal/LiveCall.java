package io.llmguard.ollama.internal;

import io.llmguard.ollama.CallObserver;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.OllamaException.TimedOut.Limit;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call from its start to its end, over all its attempts. One reader at a time takes events, by
 * waiting ({@link #take}) or by being told ({@link #onSignal}, {@link #poll}), and reads and parses
 * what the server sent as it goes: what nobody asks for stays with the server. Anybody cancels.
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
  private volatile @Nullable Attempt attempt;
  private @Nullable ScheduledFuture<?> alarm;
  private long alarmAt;
  private boolean alarmSet;
  private boolean ended;

  /** Whether there may be something to read. */
  private volatile boolean ready = true;

  /** Ends the call at once. */
  private volatile @Nullable OllamaException abort;

  private volatile @Nullable Runnable signal;

  /** Whose turn it is to go on with the call, until its request is sent. */
  private final ReentrantLock turn = new ReentrantLock();

  /** Whether the request is sent: from then on the reader alone goes on. */
  private volatile boolean requested;

  // the reader's own
  private boolean first = true;
  private volatile boolean complete;
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
    } finally {
      lock.unlock();
    }
  }

  /** Sends the request, as far as that goes without waiting; the rest goes on by itself. */
  void push() {
    turn.lock();
    try {
      boolean ahead = !requested;
      while (ahead && !finished && abort == null && !sent()) {
        try {
          ahead = more();
        } catch (RuntimeException e) {
          finish(known(e));
        }
      }
      if (ahead) {
        requested = sent();
        tellReady();
      }
    } finally {
      turn.unlock();
    }
  }

  private boolean sent() {
    Attempt current = attempt;
    return current != null && current.sent();
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
      while (!ready && !ended) {
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
    if (requested) {
      return read();
    }
    turn.lock();
    try {
      E event = read();
      requested = sent();
      return event;
    } finally {
      turn.unlock();
    }
  }

  private @Nullable E read() {
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
      } catch (RuntimeException e) {
        finish(known(e));
      }
    }
    return null;
  }

  private static OllamaException known(RuntimeException e) {
    if (e instanceof OllamaException known) {
      return known;
    }
    String why =
        e instanceof IllegalArgumentException
            ? "what is not of the protocol: " + e.getMessage()
            : e instanceof ArithmeticException
                ? "more than 2 GiB at once"
                : "what could not be read: " + e.getClass().getSimpleName();
    OllamaException malformed = new OllamaException.Malformed("the server sent " + why, 200, "");
    if (!(e instanceof IllegalArgumentException || e instanceof ArithmeticException)) {
      malformed.initCause(e);
    }
    return malformed;
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
    ready = false;
    Attempt from = attempt;
    if (from == null) {
      return starve();
    }
    try {
      switch (from.advance(lines)) {
        case WAITING -> {
          return starve();
        }
        case BYTES -> {
          if (!spec.lines()) {
            lines.bound();
          }
        }
        case END -> end(null);
      }
    } catch (Attempt.EarlyFailure e) {
      if (abort == null && !again(from, e) && !absent(e.failure())) {
        end(e.failure());
      }
    } catch (OllamaException e) {
      if (abort == null) {
        end(e);
      }
    }
    return true;
  }

  /** Whether a failure is an answer after all, which is now to be taken. */
  private boolean absent(OllamaException failed) {
    boolean answer = failed.status() == 404 && !complete;
    if (answer) {
      pending = spec.absent();
    }
    return answer && pending != null;
  }

  private boolean starve() {
    if (!starving) {
      starvingSince = transport.settings().time().nanos();
      starving = true;
    }
    return false;
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
    release();
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

  private void release() {
    if (endedNow(null)) {
      giveUp();
      tellEnd(failure);
    }
  }

  /** Marks the call as over; false where it already was. */
  private boolean endedNow(@Nullable OllamaException why) {
    lock.lock();
    try {
      if (ended) {
        return false;
      }
      ended = true;
      abort = why;
      if (alarm != null) {
        alarm.cancel(false);
      }
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Closes the connection, unless the answer has come to its end. */
  private void giveUp() {
    Attempt current = attempt;
    if (current != null) {
      current.cancel();
    }
  }

  private void tellEnd(@Nullable OllamaException why) {
    transport.over(this);
    Metrics used = why instanceof OllamaException.Cancelled ? Metrics.NONE : assembler.metrics();
    CallObserver.CallEnd end =
        new CallObserver.CallEnd(
            why,
            assembler.model(),
            assembler.finishReason(),
            used.promptEvalCount(),
            used.evalCount());
    transport.tell(() -> observed.ended(end));
  }

  // ---- everybody

  /** Gives the call up, unless it is over; the server sees it at once. */
  public void cancel(String why) {
    // who leaves after the last event has had the whole answer
    abort(complete ? null : new OllamaException.Cancelled(why, ""));
  }

  /** The same for who may be an event loop: closing a connection may wait for who reads from it. */
  void cancelElsewhere(String why) {
    if (!finished) {
      transport.dispatch(() -> cancel(why));
    }
  }

  private void abort(@Nullable OllamaException why) {
    if (!endedNow(why)) {
      return;
    }
    giveUp();
    tellEnd(why);
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

  /** Whether the answer has begun: what follows waits for nothing but the connection. */
  boolean answered() {
    Attempt current = attempt;
    return current != null && current.answered();
  }

  /** There may be something to read; told by the connections' thread. */
  void ready() {
    tellReady();
    Runnable run = signal;
    if (run != null) {
      transport.dispatch(run);
    } else if (!requested) {
      transport.dispatch(this::push);
    }
  }

  private void tellReady() {
    lock.lock();
    try {
      ready = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Bytes of the request are on their way: the server has not been asked yet. */
  void sending() {
    starvingSince = transport.settings().time().nanos();
  }

  /** An attempt failed before any byte was passed on: whether another one follows. */
  private boolean again(Attempt from, Attempt.EarlyFailure early) {
    OllamaException failed = early.failure();
    int attempts = transport.settings().retry().attempts();
    int servers = transport.settings().servers().size();
    boolean refused = Errors.certificateRefused(failed);
    boolean same =
        from.number() < attempts && ((early.nothingDone() && !refused) || retryable(failed));
    boolean elsewhere =
        (early.nothingDone() || failed instanceof OllamaException.Busy)
            && from.number() < (servers > 1 && !refused ? Math.max(attempts, servers) : servers);
    if (!same && !elsewhere) {
      return false;
    }
    Duration wait =
        from.number() < servers ? Duration.ZERO : transport.backOff(from.number(), failed);
    // what a server asks for may be more than the caller has patience for
    if (wait.compareTo(transport.settings().retry().maxWait()) > 0) {
      return false;
    }
    LOG.debug("attempt {} failed, another in {}", from.number(), wait);
    Attempt next = new Attempt(this, from.number() + 1, from.server() + 1);
    if (wait.isZero()) {
      begin(from, next);
      return true;
    }
    attempt = null;
    try {
      ScheduledFuture<?> unused =
          transport.timer().schedule(() -> begin(null, next), wait.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (RejectedExecutionException closed) {
      return false;
    }
  }

  private void begin(@Nullable Attempt from, Attempt next) {
    lock.lock();
    try {
      if (ended || attempt != from) {
        return;
      }
      attempt = next;
    } finally {
      lock.unlock();
    }
    if (from == null) {
      ready();
    }
  }

  private boolean retryable(OllamaException failed) {
    return failed instanceof OllamaException.Limited
        || failed instanceof OllamaException.Busy
        || (spec.readOnly()
            && (failed instanceof OllamaException.Truncated
                || failed.status() == 502
                || failed.status() == 504));
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
    long next = (starving && !ready ? starvingSince : now) + limit;
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
      } else if (starving && !ready && now - starvingSince - limit >= 0) {
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
    // complete, and no error followed: the connection is not waited for
    abort(over ? null : passed);
  }
}
