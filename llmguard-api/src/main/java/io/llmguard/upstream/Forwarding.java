package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.RequestBody;
import io.llmguard.policy.Endpoint;
import io.llmguard.upstream.UpstreamTransport.UpstreamCall;
import io.llmguard.wire.Dialect;
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
  private ClientResponse client;
  private @Nullable Upstream upstream;

  // written by the upstream's side only
  private boolean bodiless;
  private boolean stream;
  private boolean events;
  private boolean midLine;
  private boolean flush;
  private long bytes;

  // guarded by this
  private State state = State.WAITING;
  private @Nullable UpstreamCall call;
  private boolean cancelled;
  private boolean writing;
  private @Nullable Runnable consumed;
  private @Nullable UpstreamFailure late;

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
    Route.AnswerTransforms answers = route.answers();
    if (answers != null) {
      client = new TransformedResponse(client, answers);
    }
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
      fail(
          new UpstreamFailure(
              UpstreamFailure.Kind.BEFORE_HEAD, "the upstream answered with status " + status));
      cancelUpstream();
      return;
    }
    String type = headers.first("Content-Type");
    bodiless = status == 204 || status == 304 || exchange.request().method().equals("HEAD");
    stream = !bodiless && ResponseFields.isStream(type);
    events = stream && type != null && type.regionMatches(true, 0, "text/event-stream", 0, 17);
    boolean flushEach = stream || !headers.contains("Content-Length");
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
      state = State.ANSWERING;
      flush = flushEach;
    }
    client.head(status, ResponseFields.of(headers, exchange.responseHeaders(), stream));
  }

  @Override
  public void onBytes(ByteBuffer chunk, Runnable next) {
    boolean write;
    synchronized (this) {
      if (state != State.ENDED) {
        exchange.onResponseBytes(chunk);
      }
      write = state == State.ANSWERING;
      if (write) {
        writing = true;
        consumed = next;
      }
    }
    bytes += chunk.remaining();
    if (!write) {
      next.run();
      return;
    }
    if (bytes > proxy.maxResponseBytes()) {
      synchronized (this) {
        writing = false;
        consumed = null;
      }
      fail(
          new UpstreamFailure(
              UpstreamFailure.Kind.AFTER_HEAD, "the answer is longer than is allowed here"));
      cancelUpstream();
      next.run();
      return;
    }
    if (chunk.hasRemaining()) {
      midLine = chunk.get(chunk.limit() - 1) != '\n';
    }
    client.write(chunk, flush, this);
  }

  @Override
  public void written() {
    @Nullable Runnable next;
    @Nullable UpstreamFailure failure;
    synchronized (this) {
      writing = false;
      next = consumed;
      consumed = null;
      failure = late;
      late = null;
    }
    if (failure != null) {
      fail(failure);
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
    boolean failed;
    boolean whole;
    synchronized (this) {
      if (state == State.ENDED) {
        return;
      }
      discarded = state == State.DISCARDING;
      failed = exchange.meter().failed();
      whole = failed || bodiless || exchange.meter().finished();
      if (discarded || whole) {
        state = State.ENDED;
      }
    }
    if (discarded) {
      complete(Outcome.CLIENT_GONE);
    } else if (whole) {
      // settled first: a client that has seen the end may call again at once
      complete(failed ? Outcome.UPSTREAM_FAILED : Outcome.COMPLETED);
      client.end();
    } else {
      fail(
          new UpstreamFailure(
              UpstreamFailure.Kind.AFTER_HEAD, "the answer ended before its end was said"));
    }
  }

  @Override
  public void onFailure(UpstreamFailure failure) {
    fail(failure);
  }

  /** Ends the call because of this, with what the client can still be told. */
  private void fail(UpstreamFailure failure) {
    boolean answered;
    boolean discarded;
    boolean cutNow;
    synchronized (this) {
      if (state == State.ENDED) {
        return;
      }
      discarded = state == State.DISCARDING;
      cutNow = writing && failure.kind() == UpstreamFailure.Kind.TOTAL_TIMEOUT;
      if (writing && !cutNow && !discarded) {
        late = late == null ? failure : late; // said after the piece that is on its way
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
      breakOff(refusal(outcome, failure), outcome, cutNow);
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
      case TRUNCATED ->
          Refusal.of(502, "upstream-truncated", "the answer broke off: " + failure.detail());
      default ->
          Refusal.of(
              502,
              "upstream-failed",
              failure.kind() == UpstreamFailure.Kind.CONNECT
                  ? "the model server cannot be reached"
                  : "the model server gave no usable answer");
    };
  }

  /** A stream is told what happened and ended; anything else is cut. */
  private void breakOff(Refusal refusal, Outcome outcome, boolean cutNow) {
    complete(outcome);
    ByteBuffer error =
        stream && !cutNow ? StreamError.of(refusal, dialect(), events, midLine) : null;
    if (error == null) {
      client.abort();
      return;
    }
    client.write(
        error,
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
    fail(new UpstreamFailure(UpstreamFailure.Kind.AFTER_HEAD, "the server stops"));
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
