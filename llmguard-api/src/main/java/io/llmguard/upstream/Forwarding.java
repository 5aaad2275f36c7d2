package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.RequestBody;
import io.llmguard.policy.Endpoint;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.upstream.UpstreamTransport.UpstreamCall;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.Dialect;
import io.llmguard.wire.StreamEnd;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.Flow;
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
final class Forwarding
    implements Proxy.ProxiedCall, UpstreamTransport.ResponseHandler, ClientResponse.WriteCallback {
  private static final byte[] NOTHING = {};
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

  // written before the upstream is asked
  private final ClientResponse client;
  private @Nullable Upstream upstream;
  private Route.@Nullable AnswerTransforms answers;

  // written by the upstream's side only
  private boolean bodiless;
  private boolean stream;
  private boolean flush;
  private @Nullable AnswerTransform transform;
  private int answerStatus;
  private Headers answerFields = Headers.empty();
  private volatile boolean ending;
  private long bytes;

  // guarded by this
  private State state = State.WAITING;
  private @Nullable UpstreamCall call;
  private boolean cancelled;
  private boolean writing;
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
  }

  // ---- the way there

  void refuseDraining() {
    refuse(
        Refusal.of(503, "draining", "the server is about to stop: try again")
            .with("Retry-After", "5"),
        Outcome.refused("draining"));
  }

  void begin(UpstreamRouter router) {
    Route route;
    try {
      route = router.route(exchange);
    } catch (RuntimeException e) {
      log.error("the router failed with {}", e.getClass().getName());
      log.debug("the router failed", e);
      route =
          new Route.Refused(Refusal.of(503, "no-upstream", "no server could be chosen for this"));
    }
    if (route instanceof Route.Refused refused) {
      refuse(refused.refusal(), Outcome.refused(refused.refusal().reason()));
    } else if (route instanceof Route.Answered answered) {
      answer(answered);
    } else if (route instanceof Route.To to) {
      attempt(to);
    }
  }

  private void answer(Route.Answered known) {
    synchronized (this) {
      if (state != State.WAITING) {
        return;
      }
      state = State.ENDED;
    }
    HeaderMap fields =
        new HeaderMap().add("Content-Type", known.contentType()).addAll(exchange.responseHeaders());
    write(200, fields, known.body(), Outcome.COMPLETED);
  }

  /** Sends the call; before the first byte of an answer, it could be sent to another one. */
  private void attempt(Route.To route) {
    Upstream target = route.upstream();
    upstream = target;
    answers = route.answers();
    exchange.upstream(target.name());
    UpstreamRequest request;
    try {
      request = request(target, route.body());
    } catch (IllegalArgumentException e) {
      refuse(
          Refusal.of(400, "malformed", "the request cannot be passed on as it is"),
          Outcome.refused("malformed"));
      return;
    }
    UpstreamCall sent = target.transport().send(request, this);
    boolean over;
    synchronized (this) {
      call = sent;
      over = cancelled;
    }
    if (over) {
      sent.cancel();
    }
  }

  private UpstreamRequest request(Upstream target, RequestBody body) {
    HeaderMap fields = RequestFields.of(exchange.request().headers(), target, body);
    return new UpstreamRequest(
        exchange.request().method(),
        target.targets().of(exchange.path(), exchange.request().rawQuery()),
        fields,
        content(body),
        timeouts(target));
  }

  private UpstreamTimeouts timeouts(Upstream target) {
    UpstreamTimeouts timeouts = target.timeouts();
    Duration most = proxy.maxDuration();
    return most == null || most.compareTo(timeouts.total()) >= 0
        ? timeouts
        : new UpstreamTimeouts(timeouts.connect(), timeouts.firstByte(), timeouts.idle(), most);
  }

  private UpstreamRequest.Content content(RequestBody body) {
    if (body instanceof RequestBody.InMemory memory) {
      return new UpstreamRequest.Content.Bytes(memory.content());
    }
    if (body instanceof RequestBody.InFile file) {
      return new UpstreamRequest.Content.InFile(file.file(), file.length());
    }
    if (body instanceof RequestBody.PassThrough && passThroughBody != null) {
      return new UpstreamRequest.Content.Streamed(passThroughBody, passThroughLength);
    }
    return new UpstreamRequest.Content.None();
  }

  // ---- the way back

  @Override
  public void onHead(int status, Headers headers) {
    boolean redirect = status >= 300 && status < 400 && status != 304;
    if (redirect || status == 407) {
      fail(new UpstreamFailure(Kind.BEFORE_HEAD, "the upstream answered with status " + status));
      cancelUpstream();
      return;
    }
    String type = headers.first("Content-Type");
    bodiless = status == 204 || status == 304 || exchange.request().method().equals("HEAD");
    stream = !bodiless && ResponseFields.isStream(type);
    flush = stream || !headers.contains("Content-Length");
    HeaderMap fields;
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
      transform = answers == null || bodiless ? null : answers.transform(status, headers);
      fields = ResponseFields.of(headers, exchange.responseHeaders(), stream);
      if (transform != null) {
        ResponseFields.withoutDigests(fields);
      }
      answerStatus = status;
      answerFields = fields;
      if (transform != null && !stream) {
        return; // whether there is an answer at all shows with its first bytes
      }
      state = State.ANSWERING;
      writing = true;
    }
    client.head(status, fields);
    written();
  }

  @Override
  public void onBytes(ByteBuffer chunk, Runnable next) {
    boolean discard;
    synchronized (this) {
      if (state != State.ENDED) {
        exchange.onResponseBytes(chunk);
      }
      discard = state == State.ENDED || state == State.DISCARDING;
    }
    bytes += chunk.remaining();
    if (discard) {
      next.run();
      return;
    }
    if (bytes > proxy.maxResponseBytes()) {
      fail(
          new UpstreamFailure(Kind.AFTER_HEAD, "the answer is longer than is allowed here"),
          StreamEnd.Cause.CUT_OFF);
      cancelUpstream();
      next.run();
      return;
    }
    ByteBuffer out = transformed(chunk);
    if (out == null || !out.hasRemaining() || !write(out, flush, next)) {
      next.run();
    }
  }

  private @Nullable ByteBuffer transformed(ByteBuffer chunk) {
    AnswerTransform change = transform;
    if (change == null) {
      return chunk;
    }
    try {
      return change.apply(chunk);
    } catch (RuntimeException e) {
      notTransformed(e);
      return null;
    }
  }

  private void notTransformed(RuntimeException e) {
    log.error("an answer could not be changed: {}", e.getClass().getName());
    log.debug("an answer could not be changed", e);
    fail(new UpstreamFailure(Kind.AFTER_HEAD, "the answer cannot be passed on as it is"));
    cancelUpstream();
  }

  /** Writes to the client, after the head if that has not gone yet; false if it is too late. */
  private boolean write(ByteBuffer out, boolean now, @Nullable Runnable next) {
    boolean first;
    synchronized (this) {
      if (state != State.WAITING && state != State.ANSWERING) {
        return false;
      }
      first = state == State.WAITING;
      state = State.ANSWERING;
      writing = true;
      consumed = next;
    }
    if (first) {
      client.head(answerStatus, answerFields);
    }
    client.write(out, now, this);
    return true;
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
      fail(failure, cause);
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
      late = null;
      next = consumed;
      consumed = null;
    }
    clientGone();
    if (next != null) {
      next.run();
    }
  }

  @Override
  public void onEnd() {
    boolean discarded;
    boolean whole;
    synchronized (this) {
      if (state == State.ENDED) {
        return;
      }
      discarded = state == State.DISCARDING;
      whole = bodiless || exchange.meter().failed() || exchange.meter().finished();
      if (discarded) {
        state = State.ENDED;
      }
    }
    if (discarded) {
      complete(Outcome.CLIENT_GONE);
    } else if (!whole) {
      fail(
          new UpstreamFailure(Kind.AFTER_HEAD, "the answer ended before its end was said"),
          StreamEnd.Cause.TRUNCATED);
    } else if (transform == null) {
      finish();
    } else {
      finish(transform);
    }
  }

  private void finish(AnswerTransform change) {
    ByteBuffer rest;
    try {
      rest = change.end();
    } catch (RuntimeException e) {
      notTransformed(e);
      return;
    }
    boolean headGone;
    synchronized (this) {
      headGone = state != State.WAITING;
    }
    if (rest.hasRemaining() || !headGone) {
      ending = true;
      write(rest, false, null);
    } else {
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
    complete(failed ? Outcome.UPSTREAM_FAILED : Outcome.COMPLETED);
    client.end();
  }

  @Override
  public void onFailure(UpstreamFailure failure) {
    fail(failure);
  }

  /** Ends the call because of this, with what the client can still be told. */
  private void fail(UpstreamFailure failure) {
    boolean timeout = outcome(failure, true).kind() == Outcome.Kind.TIMEOUT;
    fail(failure, timeout ? StreamEnd.Cause.TIMEOUT : StreamEnd.Cause.FAILED);
  }

  private void fail(UpstreamFailure failure, StreamEnd.Cause cause) {
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
      complete(Outcome.CLIENT_GONE);
      return;
    }
    Outcome outcome = outcome(failure, answered);
    if (outcome.kind() == Outcome.Kind.CLIENT_GONE) {
      complete(outcome);
      client.abort();
    } else if (!answered) {
      answer(refusal(outcome, failure), outcome);
    } else {
      breakOff(cause, outcome, cutNow);
    }
  }

  private static Outcome outcome(UpstreamFailure failure, boolean answered) {
    return switch (failure.kind()) {
      case CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, IDLE_TIMEOUT, TOTAL_TIMEOUT -> Outcome.TIMEOUT;
      case REQUEST_BODY -> Outcome.CLIENT_GONE;
      default -> answered ? Outcome.TRUNCATED : Outcome.UPSTREAM_FAILED;
    };
  }

  private static Refusal refusal(Outcome outcome, UpstreamFailure failure) {
    return switch (outcome.kind()) {
      case TIMEOUT ->
          Refusal.of(504, "upstream-timeout", "the model server did not answer in time");
      default ->
          Refusal.of(
              502,
              "upstream-failed",
              failure.kind() == Kind.CONNECT
                  ? "the model server cannot be reached"
                  : "the model server gave no usable answer");
    };
  }

  /** A stream is told what happened and ended; anything else is cut. */
  private void breakOff(StreamEnd.Cause cause, Outcome outcome, boolean cutNow) {
    complete(outcome);
    Endpoint endpoint = exchange.endpoint();
    byte[] error =
        stream && !cutNow && endpoint != null
            ? StreamEnd.after(endpoint.operation(), exchange.meter(), cause)
            : NOTHING;
    if (error.length == 0) {
      client.abort();
      return;
    }
    client.write(
        ByteBuffer.wrap(error),
        true,
        new ClientResponse.WriteCallback() {
          @Override
          public void written() {
            client.end();
          }

          @Override
          public void failed(Throwable cause) {
            client.abort();
          }
        });
  }

  private void refuse(Refusal refusal, Outcome outcome) {
    synchronized (this) {
      if (state != State.WAITING) {
        return;
      }
      state = State.ENDED;
    }
    answer(refusal, outcome);
  }

  /** Answers in place of the upstream, of which the client has seen nothing. */
  private void answer(Refusal refusal, Outcome outcome) {
    RefusalRenderer.Rendered rendered = RefusalRenderer.render(refusal, dialect());
    HeaderMap fields = HeaderMap.copyOf(rendered.headers()).addAll(exchange.responseHeaders());
    write(rendered.status(), fields, rendered.body(), outcome);
  }

  private void write(int status, HeaderMap fields, ByteBuffer body, Outcome outcome) {
    fields.set("Content-Length", Integer.toString(body.remaining()));
    exchange.status(status);
    complete(outcome);
    client.head(status, fields);
    if (exchange.request().method().equals("HEAD")) {
      client.end();
      return;
    }
    client.write(
        body,
        false,
        new ClientResponse.WriteCallback() {
          @Override
          public void written() {
            client.end();
          }

          @Override
          public void failed(Throwable cause) {
            client.abort();
          }
        });
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
    Upstream target = upstream;
    synchronized (this) {
      if (state == State.ENDED || state == State.DISCARDING) {
        return;
      }
      if (target != null && !target.cancelOnClientGone()) {
        state = State.DISCARDING;
        return;
      }
      state = State.ENDED;
    }
    cancelUpstream();
    complete(Outcome.CLIENT_GONE);
  }

  /** Ends the call because the server stops. */
  void cut() {
    refuseDraining();
    fail(new UpstreamFailure(Kind.AFTER_HEAD, "the server stops"), StreamEnd.Cause.SHUTDOWN);
    cancelUpstream();
  }

  private void cancelUpstream() {
    UpstreamCall sent;
    synchronized (this) {
      cancelled = true;
      sent = call;
    }
    if (sent != null) {
      sent.cancel();
    }
  }

  private void complete(Outcome outcome) {
    exchange.onComplete(outcome);
    proxy.ended(this);
  }
}
