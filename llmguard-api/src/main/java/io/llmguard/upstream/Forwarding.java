package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.FailedAttempt;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.policy.Endpoint;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.wire.Dialect;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.StreamEnd;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One call through the proxy.
 *
 * <p>Three sides speak at any time and on any thread: the upstream, the client's writes, and who
 * says that the client has left. The lock guards who was first; nothing is called with it held but
 * the exchange's meter, which no other thread may feed or read meanwhile. It is its own write
 * callback, so that a piece costs no allocation.
 */
final class Forwarding implements Proxy.ProxiedCall, ClientResponse.WriteCallback {
  private static final byte[] NOTHING = {};
  private static final ByteBuffer NO_BYTES = ByteBuffer.allocate(0);

  /** How much of an answer a client is to take within the idle limit, in bytes. */
  private static final int READ_AT_LEAST = 1 << 16;

  private static final long LONGEST_WRITE = TimeUnit.DAYS.toNanos(1);
  private static final Logger log = LoggerFactory.getLogger(Forwarding.class);

  private enum State {
    /** Nothing was said to the client. */
    WAITING,
    /** The head has gone to the client. */
    ANSWERING,
    /** The client has left; the upstream is read to its end. */
    DISCARDING,
    /** The exchange is completed. */
    ENDED
  }

  private final Proxy proxy;
  private final Exchange exchange;
  private final Flow.@Nullable Publisher<ByteBuffer> passThroughBody;
  private final long passThroughLength;

  private final ClientResponse client;
  private final @Nullable Retrying retrying;
  private final Dispatch dispatch = new Dispatch(this);

  // written between attempts
  private int attempts;
  private long triedNanos;
  private UpstreamFailure lastFailure = new UpstreamFailure(Kind.CONNECT, "nothing was sent");

  // written by the side of the attempt under way only
  private volatile @Nullable PassingAnswer passing;
  private volatile boolean ending;

  // guarded by this
  private State state = State.WAITING;
  private @Nullable Attempt current;
  private @Nullable Runnable waiting;
  private boolean writing;
  private long writeBy;
  private long writeNanos;
  private @Nullable Runnable consumed;
  private @Nullable UpstreamFailure late;
  private StreamEnd.Cause lateCause = StreamEnd.Cause.FAILED;

  Forwarding(
      Proxy proxy,
      Exchange exchange,
      Flow.@Nullable Publisher<ByteBuffer> passThroughBody,
      long passThroughLength,
      ClientResponse client) {
    this.proxy = proxy;
    this.exchange = exchange;
    this.passThroughBody = passThroughBody;
    this.passThroughLength = passThroughLength;
    this.client = client;
    this.retrying = proxy.retrying(exchange);
    exchange.onForward();
  }

  // ---- the way there

  void refuseDraining() {
    refuse(OwnAnswer.draining(), Outcome.refused("draining"));
  }

  void begin(UpstreamRouter router) {
    dispatch.begin(router, exchange);
  }

  /**
   * Notes that the call waits for its turn or for its next attempt.
   *
   * @param wake what ends the wait
   * @return false if the call is over, and nothing is to be waited for
   */
  synchronized boolean waits(Runnable wake) {
    boolean over = state != State.WAITING;
    waiting = over ? null : wake;
    return !over;
  }

  synchronized void waitsNoLonger() {
    waiting = null;
  }

  /** Ends a call of which another attempt was refused: the last one's failure stands. */
  void endAsBefore() {
    exchange.retries(Math.max(0, exchange.retries() - 1));
    end(lastFailure, causeOf(lastFailure));
  }

  /**
   * What is left of the time that the call may take in all; without a bound, the longest there is.
   */
  long leftNanos() {
    Duration most = proxy.maxDuration();
    return most == null
        ? Long.MAX_VALUE
        : TimeUnit.NANOSECONDS.convert(most) - exchange.durationNanos();
  }

  void outOfTime() {
    end(
        new UpstreamFailure(Kind.TOTAL_TIMEOUT, "the call waited as long as it may take in all"),
        StreamEnd.Cause.TIMEOUT);
  }

  void answer(Route.Answered known) {
    synchronized (this) {
      if (state != State.WAITING) {
        return;
      }
      state = State.ENDED;
    }
    HeaderMap fields =
        new HeaderMap().add("Content-Type", known.contentType()).addAll(exchange.responseHeaders());
    write(200, withFacts(fields), known.body(), Outcome.COMPLETED, null);
  }

  void attempt(Route.To route) {
    long left = leftNanos();
    if (left <= 0) {
      Retrying.release(route);
      outOfTime();
      return;
    }
    Attempt attempt = new Attempt(this, route, elapsedNanos());
    boolean over;
    synchronized (this) {
      over = state != State.WAITING;
      if (!over) {
        current = attempt;
        attempts++;
        exchange.upstream(route.upstream().name());
        if (route.placement() != null) {
          exchange.put(Proxy.PLACEMENT, route.placement());
        }
        exchange.onAttempt();
      }
    }
    if (over) {
      Retrying.release(route);
      return;
    }
    if (retrying != null) {
      retrying.trying(route);
    }
    UpstreamRequest request;
    try {
      request =
          OutgoingRequest.of(
              exchange,
              route,
              left == Long.MAX_VALUE ? null : Duration.ofNanos(left),
              passThroughBody,
              passThroughLength);
    } catch (IllegalArgumentException e) {
      refuse(
          Refusal.of(400, "malformed", "the request cannot be passed on as it is"),
          Outcome.refused("malformed"));
      return;
    }
    try {
      attempt.send(request);
    } catch (RuntimeException e) {
      log.error("a transport failed with {}", e.getClass().getName());
      log.debug("a transport failed", e);
      fail(attempt, new UpstreamFailure(Kind.CONNECT, "the transport failed"));
    }
  }

  // ---- another attempt

  /** Nanoseconds since the call came. */
  long elapsedNanos() {
    return exchange.durationNanos();
  }

  Instant now() {
    return exchange.startedAt().plusNanos(elapsedNanos());
  }

  /**
   * Sends the call on its way again, if the client need not hear of this attempt's failure.
   *
   * @param failure what failed, or null if it is the status of an answer
   */
  private boolean again(Attempt attempt, @Nullable UpstreamFailure failure) {
    Retrying retry = retrying;
    if (retry == null || !stillWaits(attempt) || !retry.possible(attempt)) {
      return false;
    }
    long now = elapsedNanos();
    long took = now - attempt.begunNanos();
    FailedAttempt failed = mayRetry(attempt);
    if (failed == null) {
      return false;
    }
    attempt.report(failure, now);
    Retrying.Next next = retry.after(attempt, took, leftNanos());
    if (next == null) {
      return false;
    }
    boolean over;
    synchronized (this) {
      over = state != State.WAITING;
      if (!over) {
        current = null;
        exchange.onRetry(failed);
      }
    }
    if (over) {
      Dispatch.drop(next.route());
      return false;
    }
    attempt.giveUp();
    lastFailure = failure == null ? attempt.asFailure() : failure;
    triedNanos += took;
    passing = null;
    dispatch.next(next);
    return true;
  }

  /** The attempt as it is kept if another one follows, or null if none may. */
  private synchronized @Nullable FailedAttempt mayRetry(Attempt attempt) {
    if (state != State.WAITING) {
      return null;
    }
    Placement placement = attempt.route().placement();
    FailedAttempt failed =
        exchange.asFailed(
            placement == null ? null : placement.model(),
            placement == null ? null : placement.deployment());
    RetryGate gate = exchange.get(Proxy.RETRY_GATE);
    return gate == null || gate.mayRetry(exchange, failed) ? failed : null;
  }

  private synchronized boolean stillWaits(Attempt attempt) {
    return state == State.WAITING && current == attempt;
  }

  private HeaderMap withFacts(HeaderMap fields) {
    AnswerFields more = proxy.answerFields();
    if (more != null) {
      PassingAnswer answer = passing;
      Attempt last;
      synchronized (this) {
        last = current;
      }
      long now = elapsedNanos();
      Placement placement = last == null ? null : last.route().placement();
      long upstream = triedNanos + (last == null ? 0 : now - last.begunNanos());
      more.add(
          exchange,
          new AnswerFacts(
              placement == null ? null : placement.deployment(),
              placement == null ? null : placement.model(),
              attempts,
              retrying == null ? 0 : retrying.fallbacks(),
              now - upstream,
              now,
              answer != null && answer.whole(exchange.meter())),
          fields);
    }
    return fields;
  }

  // ---- the way back

  void onHead(Attempt attempt, int status, Headers headers) {
    boolean redirect = status >= 300 && status < 400 && status != 304;
    if (redirect || status == 407) {
      fail(attempt, attempt.asFailure());
      attempt.cancel();
      return;
    }
    if (RetryPolicy.covers(status) && again(attempt, null)) {
      return;
    }
    boolean hideable = retrying != null && retrying.possible(attempt);
    synchronized (this) {
      if (state == State.WAITING || state == State.DISCARDING) {
        exchange.onResponseHead(status, headers);
      }
      if (state == State.DISCARDING) {
        exchange.status(499); // the client has not seen the upstream's
      }
      if (state != State.WAITING) {
        return;
      }
    }
    int heldBytes = hideable && retrying != null ? retrying.heldBytes() : -1;
    PassingAnswer answer = new PassingAnswer(exchange, attempt.route(), status, headers, heldBytes);
    passing = answer;
    // whether there is an answer at all shows with its first bytes, or its last
    if (!hideable && answer.headStands() && headGoes(answer)) {
      written();
    }
  }

  /** Sends the head to the client, whose answer begins so; false if it is too late. */
  private boolean headGoes(PassingAnswer answer) {
    synchronized (this) {
      if (state != State.WAITING) {
        return false;
      }
      state = State.ANSWERING;
      begin(NO_BYTES);
    }
    try {
      client.head(answer.status(), withFacts(answer.fields()));
      return true;
    } catch (RuntimeException | Error e) {
      clientFailed(e);
      return false;
    }
  }

  void onBytes(Attempt attempt, ByteBuffer chunk, Runnable next) {
    PassingAnswer answer = passing;
    boolean discard;
    boolean failed;
    boolean above;
    synchronized (this) {
      if (state != State.ENDED) {
        exchange.onResponseBytes(chunk);
      }
      discard = state == State.ENDED || state == State.DISCARDING || answer == null;
      above = answer != null && answer.stream() && !discard && exchange.aboveCeiling();
      failed = state == State.WAITING && exchange.meter().failed();
    }
    if (answer == null
        || discard
        || (failed
            && again(attempt, new UpstreamFailure(Kind.AFTER_HEAD, "the answer is an error")))) {
      next.run();
      return;
    }
    if (answer.count(chunk) > proxy.maxResponseBytes()) {
      end(
          new UpstreamFailure(Kind.AFTER_HEAD, "the answer is longer than is allowed here"),
          StreamEnd.Cause.CUT_OFF);
      attempt.cancel();
      next.run();
      return;
    }
    ByteBuffer out = taken(attempt, answer, chunk);
    boolean written = out != null && out.hasRemaining() && write(answer, out, answer.flush(), next);
    if (answer.isWithheld()) {
      withhold(attempt);
    } else if (above) {
      end(
          new UpstreamFailure(Kind.AFTER_HEAD, "the answer is longer than was paid for"),
          StreamEnd.Cause.CUT_OFF);
      attempt.cancel();
    }
    if (!written) {
      next.run();
    }
  }

  private @Nullable ByteBuffer taken(Attempt attempt, PassingAnswer answer, ByteBuffer chunk) {
    try {
      return answer.take(chunk);
    } catch (RuntimeException e) {
      notTransformed(attempt, e);
      return null;
    }
  }

  /** Ends the call because its answer says what it may not. */
  private void withhold(Attempt attempt) {
    end(new UpstreamFailure(Kind.CANCELLED, "the answer was withheld"), StreamEnd.Cause.CUT_OFF);
    attempt.cancel();
  }

  private void notTransformed(Attempt attempt, RuntimeException e) {
    log.error("an answer could not be changed: {}", e.getClass().getName());
    log.debug("an answer could not be changed", e);
    end(
        new UpstreamFailure(Kind.AFTER_HEAD, "the answer cannot be passed on as it is"),
        StreamEnd.Cause.FAILED);
    attempt.cancel();
  }

  /** Writes to the client, after the head if that has not gone yet; false if it is too late. */
  private boolean write(
      PassingAnswer answer, ByteBuffer out, boolean now, @Nullable Runnable next) {
    boolean first;
    synchronized (this) {
      if (state != State.WAITING && state != State.ANSWERING) {
        return false;
      }
      first = state == State.WAITING;
      state = State.ANSWERING;
      consumed = next;
      begin(out);
    }
    try {
      if (first) {
        client.head(answer.status(), withFacts(answer.fields()));
      }
      client.write(out, now, this);
    } catch (RuntimeException | Error e) {
      clientFailed(e);
    }
    return true;
  }

  /** The client's server broke: it takes nothing more, and tells nobody of an end. */
  private void clientFailed(Throwable e) {
    log.error("an answer could not be written: {}", e.getClass().getName());
    log.debug("an answer could not be written", e);
    failed(e);
    client.abort();
  }

  /** Notes that this is being written from now on; called with the lock held. */
  private void begin(ByteBuffer out) {
    writing = true;
    if (writeNanos == 0) {
      writeNanos = current == null ? LONGEST_WRITE : writeNanos(current);
    }
    writeBy = System.nanoTime() + writeNanos * (1 + out.remaining() / READ_AT_LEAST);
  }

  private long writeNanos(Attempt attempt) {
    Upstream upstream = attempt.route().upstream();
    UpstreamTimeouts timeouts = isStream() ? upstream.streamTimeouts() : upstream.timeouts();
    long idle = TimeUnit.NANOSECONDS.convert(timeouts.idle());
    return Math.max(1, Math.min(LONGEST_WRITE, idle));
  }

  private boolean isStream() {
    PassingAnswer answer = passing;
    return answer != null && answer.stream();
  }

  /** Ends the call if the client has taken nothing of what is being written for too long. */
  void checkWrite(long now) {
    synchronized (this) {
      if (state != State.ANSWERING || !overdue(now)) {
        return;
      }
    }
    if (leave(true)) {
      client.abort();
    }
  }

  private boolean overdue(long now) {
    return writing && writeBy - now <= 0;
  }

  @Override
  public void written() {
    @Nullable Runnable next;
    @Nullable UpstreamFailure failure;
    StreamEnd.Cause cause;
    synchronized (this) {
      writing = false;
      next = consumed;
      consumed = null;
      failure = late;
      cause = lateCause;
      late = null;
    }
    if (failure != null) {
      end(failure, cause);
    } else if (ending) {
      finish();
    }
    if (next != null) {
      next.run();
    }
  }

  @Override
  public void failed(Throwable cause) {
    @Nullable Runnable next;
    synchronized (this) {
      writing = false;
      next = consumed;
      consumed = null;
    }
    clientGone();
    if (next != null) {
      next.run();
    }
  }

  void onEnd(Attempt attempt) {
    PassingAnswer answer = passing;
    boolean discarded;
    boolean whole;
    synchronized (this) {
      if (state == State.ENDED) {
        return;
      }
      discarded = state == State.DISCARDING;
      ResponseMeter meter = exchange.meter();
      whole = answer != null && (answer.bodiless() || meter.failed() || meter.finished());
      if (discarded) {
        state = State.ENDED;
      }
    }
    if (discarded) {
      complete(Outcome.CLIENT_GONE, null);
    } else if (answer == null || !whole) {
      fail(
          attempt,
          new UpstreamFailure(Kind.AFTER_HEAD, "the answer ended before its end was said"),
          StreamEnd.Cause.TRUNCATED);
    } else {
      finish(attempt, answer);
    }
  }

  /** The upstream's answer is whole; what was held back goes out. */
  private void finish(Attempt attempt, PassingAnswer answer) {
    ByteBuffer rest;
    try {
      rest = answer.rest();
    } catch (RuntimeException e) {
      notTransformed(attempt, e);
      return;
    }
    if (answer.isWithheld()) {
      if (rest.hasRemaining()) {
        write(answer, rest, true, null);
      }
      withhold(attempt);
      return;
    }
    boolean headGone;
    synchronized (this) {
      headGone = state != State.WAITING;
    }
    if (rest.hasRemaining() || (!headGone && !answer.bodiless())) {
      ending = true;
      write(answer, rest, false, null);
    } else if (headGone || headGoes(answer)) {
      finish();
    }
  }

  /** The whole answer is with the client's server. */
  private void finish() {
    boolean failed;
    synchronized (this) {
      if (state == State.ENDED) {
        return;
      }
      state = State.ENDED;
      failed = exchange.meter().failed();
    }
    // settled first: a client that has seen the end may call again at once
    complete(
        failed ? Outcome.UPSTREAM_FAILED : Outcome.COMPLETED,
        failed ? new UpstreamFailure(Kind.AFTER_HEAD, "the answer ended with an error") : null);
    client.end();
  }

  void onFailure(Attempt attempt, UpstreamFailure failure) {
    fail(attempt, failure);
  }

  private void fail(Attempt attempt, UpstreamFailure failure) {
    fail(attempt, failure, causeOf(failure));
  }

  private static StreamEnd.Cause causeOf(UpstreamFailure failure) {
    boolean timeout = OwnAnswer.outcome(failure, true).kind() == Outcome.Kind.TIMEOUT;
    return timeout ? StreamEnd.Cause.TIMEOUT : StreamEnd.Cause.FAILED;
  }

  /** Tries the call again, or ends it because of this. */
  private void fail(Attempt attempt, UpstreamFailure failure, StreamEnd.Cause cause) {
    if (!RetryPolicy.covers(failure.kind()) || !again(attempt, failure)) {
      end(failure, cause);
    }
  }

  /** Ends the call because of this, with what the client can still be told. */
  private void end(UpstreamFailure failure, StreamEnd.Cause cause) {
    boolean answered;
    boolean discarded;
    boolean cutNow;
    synchronized (this) {
      if (state == State.ENDED) {
        return;
      }
      discarded = state == State.DISCARDING;
      cutNow = writing && failure.kind() == Kind.TOTAL_TIMEOUT;
      if (writing && !cutNow && !discarded) {
        if (late == null) {
          late = failure; // said after the piece that is on its way
          lateCause = cause;
        }
        return;
      }
      answered = state == State.ANSWERING;
      state = State.ENDED;
    }
    if (discarded) {
      complete(Outcome.CLIENT_GONE, null);
      return;
    }
    Refusal why = withheld();
    Outcome outcome =
        why == null ? OwnAnswer.outcome(failure, answered) : Outcome.refused(why.reason());
    if (outcome.kind() == Outcome.Kind.CLIENT_GONE) {
      complete(outcome, null);
      client.abort();
    } else if (!answered) {
      answer(why == null ? OwnAnswer.of(outcome, failure) : why, outcome, failure);
    } else {
      breakOff(cause, outcome, failure, cutNow);
    }
  }

  private @Nullable Refusal withheld() {
    PassingAnswer answer = passing;
    return answer == null ? null : answer.withheld();
  }

  /** A stream is told what happened and ended; anything else is cut. */
  private void breakOff(
      StreamEnd.Cause cause, Outcome outcome, UpstreamFailure failure, boolean cutNow) {
    complete(outcome, failure);
    Endpoint endpoint = exchange.endpoint();
    Refusal why = withheld();
    byte[] error = NOTHING;
    if (isStream() && !cutNow && endpoint != null) {
      error =
          why == null
              ? StreamEnd.after(endpoint.operation(), exchange.meter(), cause)
              : StreamEnd.refused(endpoint.operation(), exchange.meter().framing(), why);
    }
    if (error.length == 0) {
      client.abort();
    } else {
      OwnAnswer.writeLast(client, ByteBuffer.wrap(error), true);
    }
  }

  void refuse(Refusal refusal, Outcome outcome) {
    synchronized (this) {
      if (state != State.WAITING) {
        return;
      }
      state = State.ENDED;
    }
    answer(refusal, outcome, null);
  }

  /** Answers in place of the upstream, of which the client has seen nothing. */
  private void answer(Refusal refusal, Outcome outcome, @Nullable UpstreamFailure failure) {
    RefusalRenderer.Rendered rendered = RefusalRenderer.render(refusal, dialect());
    HeaderMap fields = HeaderMap.copyOf(rendered.headers()).addAll(exchange.responseHeaders());
    write(rendered.status(), withFacts(fields), rendered.body(), outcome, failure);
  }

  private void write(
      int status,
      HeaderMap fields,
      ByteBuffer body,
      Outcome outcome,
      @Nullable UpstreamFailure failure) {
    fields.set("Content-Length", Integer.toString(body.remaining()));
    exchange.status(status);
    complete(outcome, failure);
    OwnAnswer.write(client, status, fields, body, exchange.method().equals("HEAD"));
  }

  private Dialect dialect() {
    Endpoint endpoint = exchange.endpoint();
    return endpoint == null
        ? RefusalRenderer.dialectOf(exchange.path())
        : endpoint.operation().dialect();
  }

  // ---- the end

  @Override
  public void clientGone() {
    boolean unused = leave(false);
  }

  /**
   * The client has left, or counts as if it had.
   *
   * @param stalled true if that is so only where the write under way is overdue
   * @return false if the call was over, or goes on
   */
  private boolean leave(boolean stalled) {
    boolean whole;
    synchronized (this) {
      if (state == State.ENDED
          || state == State.DISCARDING
          || (stalled && !overdue(System.nanoTime()))) {
        return false;
      }
      whole = !stalled && hasPassed();
      if (!whole
          && late == null
          && !ending
          && current != null
          && !current.route().upstream().cancelOnClientGone()) {
        state = State.DISCARDING;
        return true;
      }
      state = State.ENDED;
    }
    cancelUpstream();
    complete(whole ? Outcome.COMPLETED : Outcome.CLIENT_GONE, null);
    return true;
  }

  /**
   * True if the client's server has all of the answer, though the upstream has not said its end. A
   * write under way counts: a client that has read the last piece may leave before its server has
   * acknowledged that piece.
   */
  private boolean hasPassed() {
    if (state != State.ANSWERING || exchange.meter().failed()) {
      return false;
    }
    PassingAnswer answer = passing;
    return answer != null && answer.hasCome(exchange.meter());
  }

  /** Ends the call because the server stops. */
  void cut() {
    refuseDraining();
    end(new UpstreamFailure(Kind.AFTER_HEAD, "the server stops"), StreamEnd.Cause.SHUTDOWN);
    cancelUpstream();
  }

  private void cancelUpstream() {
    Attempt sent;
    Runnable wait;
    synchronized (this) {
      sent = current;
      wait = waiting;
      waiting = null;
    }
    if (wait != null) {
      wait.run();
    }
    if (sent != null) {
      sent.cancel();
    }
  }

  /**
   * Settles the call.
   *
   * @param failure what the upstream did wrong, or null where it did nothing wrong
   */
  private void complete(Outcome outcome, @Nullable UpstreamFailure failure) {
    Attempt last;
    synchronized (this) {
      last = current;
    }
    if (last != null) {
      boolean whole = outcome.kind() == Outcome.Kind.COMPLETED;
      last.report(
          failure == null && !whole ? new UpstreamFailure(Kind.CANCELLED, "given up") : failure,
          elapsedNanos());
    }
    exchange.onComplete(outcome);
    proxy.ended(this);
  }
}
