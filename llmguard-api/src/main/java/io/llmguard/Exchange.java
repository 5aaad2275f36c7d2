package io.llmguard;

import io.llmguard.auth.Caller;
import io.llmguard.policy.Endpoint;
import io.llmguard.wire.Call;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One call on its way through a {@link Guard}: what the stages established about it, what is to go
 * upstream, and what came back.
 *
 * <p>Stages fill it in order; an adapter then reports the answer with {@link #onResponseHead},
 * {@link #onResponseBytes} and, exactly once for the stages however often it is called, {@link
 * #onComplete}. Apart from {@link #onComplete}, which any thread may call at any time, an exchange
 * is used by one thread at a time: a call that ends while a guard decides about it is settled when
 * the guard has decided, by the thread that has.
 */
public final class Exchange {
  private static final long NO_ATTEMPT = Long.MIN_VALUE;

  // what a phase is made of
  private static final int DECIDING = 1;
  private static final int ENDED = 2;

  private Guard guard;
  private final TimeSource time;
  private final GuardRequest request;
  private final String method;
  private final @Nullable String traceParent;
  private final String id;
  private final Instant startedAt;
  private final long startedNanos;
  private final CompletableFuture<Decision> admitted;
  private final HeaderMap responseHeaders = new HeaderMap();
  private final AtomicReference<@Nullable Outcome> outcome = new AtomicReference<>();
  private final AtomicInteger phase = new AtomicInteger(DECIDING);
  private final ArrayList<Object> attributes = new ArrayList<>(16);
  private int entered;
  private @Nullable Joined before;

  private InetAddress clientAddress;
  private boolean secure;
  private String path;
  private @Nullable Endpoint endpoint;
  private @Nullable Caller caller;
  private @Nullable String credentialHash;
  private @Nullable Call call;
  private @Nullable String model;
  private RequestBody body = new RequestBody.PassThrough();
  private @Nullable String upstream;
  private int retries;
  private volatile int status;
  private ResponseMeter meter = ResponseMeter.none();
  private @Nullable Usage estimate;
  private long firstByteNanos;
  private long responseBytes;
  private volatile long endedNanos;
  private boolean forwarded;
  private volatile long attemptNanos = NO_ATTEMPT;
  private long upstreamNanos; // written before attemptNanos, read after it
  private volatile List<FailedAttempt> failedAttempts = List.of();
  private @Nullable AnswerCeiling ceiling;

  Exchange(Guard guard, GuardRequest request, String id) {
    this.guard = guard;
    this.time = guard.time();
    this.request = request;
    // read now: a container may take its request back before the call is settled
    this.method = request.method();
    this.traceParent = request.headers().first("traceparent");
    this.id = id;
    this.startedAt = time.now();
    this.startedNanos = time.nanos();
    this.clientAddress = request.peer();
    this.secure = request.secure();
    this.path = request.rawPath();
    this.admitted = CompletableFuture.completedFuture(new Decision.Admit(this));
  }

  // ---- its guards

  /** A guard that has admitted the call before the present one. */
  private record Joined(Guard guard, int entered, @Nullable Joined before) {}

  /**
   * Has another guard's stages follow those that have admitted the call.
   *
   * @return false if the call has ended, and there is nothing more to decide
   */
  boolean join(Guard next) {
    if (!phase.compareAndSet(0, DECIDING)) {
      if (completed()) {
        return false;
      }
      throw new IllegalStateException("another guard still decides about this call");
    }
    before = new Joined(guard, entered, before);
    guard = next;
    entered = 0;
    return true;
  }

  /**
   * The present guard has decided.
   *
   * @return false if the call has ended meanwhile; it was settled now
   */
  boolean decided() {
    if ((phase.getAndAdd(-DECIDING) & ENDED) == 0) {
      return true;
    }
    settle();
    return false;
  }

  /** The number of the next stage of the present guard, which counts as entered from now on. */
  int enter() {
    return entered++;
  }

  int entered() {
    return entered;
  }

  private void settle() {
    Outcome reported = outcome.get();
    if (reported == null) {
      throw new IllegalStateException("no end was reported");
    }
    estimateWhatWasNotReported();
    guard.settle(this, entered, reported);
    for (Joined joined = before; joined != null; joined = joined.before) {
      joined.guard.settle(this, joined.entered, reported);
    }
  }

  private ResponseMeter newMeter(Headers headers) {
    ResponseMeter made = guard.meterFor(this, status, headers);
    for (Joined j = before; j != null && made == ResponseMeter.none(); j = j.before) {
      made = j.guard.meterFor(this, status, headers);
    }
    made = guard.watched(this, status, headers, made);
    for (Joined j = before; j != null; j = j.before) {
      made = j.guard.watched(this, status, headers, made);
    }
    return made;
  }

  // ---- answers of stages

  /** The completed answer of a stage that lets this call pass. */
  public CompletionStage<Decision> admit() {
    return admitted;
  }

  /** The completed answer of a stage that refuses this call. */
  public CompletionStage<Decision> refuse(Refusal refusal) {
    return CompletableFuture.completedFuture(new Decision.Refuse(refusal));
  }

  // ---- the call

  /** The call as it was received. */
  public GuardRequest request() {
    return request;
  }

  /** A unique id of the call: 32 hex digits that sort by time. */
  public String id() {
    return id;
  }

  /** When the call came. */
  public Instant startedAt() {
    return startedAt;
  }

  /** The caller's address, behind trusted proxies; the peer's until a stage has found it. */
  public InetAddress clientAddress() {
    return clientAddress;
  }

  /** Sets the caller's address. */
  public void clientAddress(InetAddress value) {
    clientAddress = value;
  }

  /** True if the caller's own connection is TLS, be it ended by a trusted proxy. */
  public boolean secure() {
    return secure;
  }

  /** Sets whether the caller's own connection is TLS. */
  public void secure(boolean value) {
    secure = value;
  }

  /**
   * The one path of this call, decoded and normalised, which is judged and also forwarded; the raw
   * one until the endpoint policy has looked.
   */
  public String path() {
    return path;
  }

  /** Sets the normalised path. */
  public void path(String value) {
    path = value;
  }

  /** What the path is, or null until the endpoint policy has looked. */
  public @Nullable Endpoint endpoint() {
    return endpoint;
  }

  /** Sets what the path is. */
  public void endpoint(Endpoint value) {
    endpoint = value;
  }

  /** Who calls, or null before authentication. */
  public @Nullable Caller caller() {
    return caller;
  }

  /** Sets who calls. */
  public void caller(Caller value) {
    caller = value;
  }

  /** The hex SHA-256 of the presented credential, good or not, or null when there was none. */
  public @Nullable String credentialHash() {
    return credentialHash;
  }

  /** Sets the hash of the presented credential. */
  public void credentialHash(String value) {
    credentialHash = value;
  }

  /** What the body asks for, or null before it was read and where there is none. */
  public @Nullable Call call() {
    return call;
  }

  /** Sets what the body asks for. */
  public void call(Call value) {
    call = value;
  }

  /**
   * The one name of the model that the call asks for: its router's own where a stage knows it, else
   * as the call has it; null where it names none.
   */
  public @Nullable String model() {
    Call asked = call;
    return model != null || asked == null ? model : asked.model();
  }

  /** Sets the router's own name of the model. */
  public void model(String value) {
    model = value;
  }

  /** What goes upstream as the body: what was checked, or what passes through unread. */
  public RequestBody body() {
    return body;
  }

  /** Sets what goes upstream as the body. */
  public void body(RequestBody value) {
    body = value;
  }

  /** The method of the call, also when the request is no longer there to be asked. */
  public String method() {
    return method;
  }

  /** The caller's {@code traceparent} (W3C Trace Context) as it came, or null. */
  public @Nullable String traceParent() {
    return traceParent;
  }

  /** The trace id of the caller's {@code traceparent}, or null. */
  public @Nullable String traceId() {
    String parent = traceParent;
    if (parent == null || parent.length() < 55 || parent.charAt(2) != '-') {
      return null;
    }
    for (int i = 3; i < 35; i++) {
      if (Character.digit(parent.charAt(i), 16) < 0 || parent.charAt(i) > 'f') {
        return null;
      }
    }
    return parent.substring(3, 35);
  }

  /** What a stage keeps under a key of its own, or null. */
  public <T> @Nullable T get(Key<T> key) {
    for (int i = 0; i < attributes.size(); i += 2) {
      if (attributes.get(i) == key) {
        return key.type.cast(attributes.get(i + 1));
      }
    }
    return null;
  }

  /** Keeps something for a stage until the call is settled, in place of what the key had. */
  public <T> void put(Key<T> key, T value) {
    for (int i = 0; i < attributes.size(); i += 2) {
      if (attributes.get(i) == key) {
        attributes.set(i + 1, value);
        return;
      }
    }
    attributes.add(key);
    attributes.add(value);
  }

  /**
   * Under what a stage keeps something with a call; each instance is a key of its own.
   *
   * @param <T> what is kept
   */
  public static final class Key<T> {
    private final String name;
    private final Class<T> type;

    /** A new key; the name is for people only. */
    public Key(String name, Class<T> type) {
      this.name = name;
      this.type = type;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  // ---- the upstream's time

  /** Reports that a proxy carries the call, which says when each attempt at an upstream begins. */
  public void onForward() {
    forwarded = true;
  }

  /** True if a proxy carries the call. */
  public boolean forwarded() {
    return forwarded;
  }

  /** Reports that an attempt at an upstream begins. */
  public void onAttempt() {
    attemptNanos = time.nanos();
  }

  /**
   * Nanoseconds that upstreams have worked on the call, up to its end or to now; without a proxy
   * the whole duration.
   */
  public long upstreamNanos() {
    long since = sinceAttempt();
    return forwarded ? upstreamNanos + since : durationNanos();
  }

  /** True if a proxy carries the call, and no attempt has begun after those that failed. */
  public boolean betweenAttempts() {
    return forwarded && attemptNanos == NO_ATTEMPT;
  }

  /** The attempts that failed and were followed by others, in order. */
  public List<FailedAttempt> failedAttempts() {
    return failedAttempts;
  }

  /** The attempt under way, as it would be kept if it failed now. */
  public FailedAttempt asFailed(@Nullable String group, @Nullable String deployment) {
    return new FailedAttempt(
        group,
        deployment,
        status,
        meter.usage(),
        meter.outputEvents(),
        responseBytes,
        Math.max(0, sinceAttempt()));
  }

  private long sinceAttempt() {
    long begun = attemptNanos;
    return begun == NO_ATTEMPT ? 0 : (completed() ? endedNanos : time.nanos()) - begun;
  }

  /** What a stage allows the answer to be, or null for no bounds. */
  public @Nullable AnswerCeiling ceiling() {
    return ceiling;
  }

  /** Sets what the answer may be; who carries the call cuts what goes beyond. */
  public void ceiling(AnswerCeiling value) {
    ceiling = value;
  }

  /** True if the answer so far is more than its ceiling allows. */
  public boolean aboveCeiling() {
    AnswerCeiling most = ceiling;
    if (most == null || meter.finished()) {
      return false;
    }
    Usage reported = meter.usage();
    long output = reported == null ? 0 : reported.outputTokens();
    return Math.max(output, meter.outputEvents()) > most.outputTokens();
  }

  // ---- the answer

  /** Fields that stages add to the answer, be it the upstream's or a refusal. */
  public HeaderMap responseHeaders() {
    return responseHeaders;
  }

  /** The name of the upstream that answers, or null before one was chosen. */
  public @Nullable String upstream() {
    return upstream;
  }

  /** Sets the name of the upstream that answers. */
  public void upstream(String value) {
    upstream = value;
  }

  /** How often the call was tried again. */
  public int retries() {
    return retries;
  }

  /** Sets how often the call was tried again. */
  public void retries(int value) {
    retries = value;
  }

  /**
   * Reports that the call is tried again. What came of the attempt before is no part of the answer,
   * as the client has seen nothing of it; what it used is kept.
   *
   * @param failed the attempt before, by {@link #asFailed}
   */
  public void onRetry(FailedAttempt failed) {
    retries++;
    List<FailedAttempt> all = new ArrayList<>(failedAttempts);
    all.add(failed);
    failedAttempts = List.copyOf(all);
    upstreamNanos += failed.nanos();
    attemptNanos = NO_ATTEMPT;
    status = 0;
    meter = ResponseMeter.none();
    responseBytes = 0;
  }

  /** Reports that the answer begins, with its status and fields as the upstream sent them. */
  public void onResponseHead(int responseStatus, Headers headers) {
    status = responseStatus;
    meter = newMeter(headers);
  }

  /** Reports bytes of the answer as they pass; reads them and leaves the position as it was. */
  public void onResponseBytes(ByteBuffer bytes) {
    if (responseBytes == 0 && bytes.hasRemaining()) {
      firstByteNanos = time.nanos();
    }
    responseBytes += bytes.remaining();
    meter.accept(bytes);
  }

  /**
   * Reports that the call has ended. The first report counts: it settles every stage that admitted
   * the call, in reverse order; later ones do nothing.
   *
   * @return true if this was the first report
   */
  public boolean onComplete(Outcome end) {
    return complete(
        end,
        switch (end.kind()) {
          case CLIENT_GONE -> 499;
          case TIMEOUT -> 504;
          case UPSTREAM_FAILED, TRUNCATED -> 502;
          case COMPLETED -> 200;
          case REFUSED -> 403;
        });
  }

  /** The present guard refuses the call; that settles it, unless it has ended already. */
  void refused(Refusal refusal) {
    complete(Outcome.refused(refusal.reason()), refusal.status());
    decided();
  }

  private boolean complete(Outcome end, int unlessKnown) {
    if (!outcome.compareAndSet(null, end)) {
      return false;
    }
    endedNanos = time.nanos();
    if (status == 0) {
      status = unlessKnown;
    }
    if ((phase.getAndAdd(ENDED) & DECIDING) == 0) {
      settle();
    }
    return true;
  }

  /** An answer that was left, or that never says what it used, has used what has passed. */
  private void estimateWhatWasNotReported() {
    Call asked = call;
    long events = meter.outputEvents();
    if (estimate == null && asked != null && events > 0 && meter.usage() == null) {
      estimate = new Usage(asked.details().promptTokens() + 1, events, true);
    }
  }

  /** True once {@link #onComplete} was called. */
  public boolean completed() {
    return outcome.get() != null;
  }

  /** Reads what the answer used; reads nothing before the answer's head was reported. */
  public ResponseMeter meter() {
    return meter;
  }

  /** Sets what tells the answer's use, where the call is made by other means than bytes here. */
  public void meter(ResponseMeter value) {
    meter = value;
  }

  /**
   * The status of the answer, or 0 before it is known; 499 for a client that left before the head.
   */
  public int status() {
    return status;
  }

  /** Sets the status of an answer that the guard itself or the adapter makes. */
  public void status(int value) {
    status = value;
  }

  /** Tokens as the upstream reported them, else as they were estimated, else null. */
  public @Nullable Usage usage() {
    Usage reported = meter.usage();
    Usage guessed = estimate;
    // counts in the middle of a stream are behind what has passed
    return reported != null && (guessed == null || meter.finished()) ? reported : guessed;
  }

  /** Sets an estimate, for an upstream that reports nothing, or whose answer broke off. */
  public void estimate(Usage value) {
    estimate = value;
  }

  /** Bytes of the answer's body that have passed. */
  public long responseBytes() {
    return responseBytes;
  }

  /**
   * True if a call with this outcome was refused before an upstream had answered, so that nothing
   * is owed for it; an answer that was refused itself has cost what it has cost.
   */
  public boolean refusedUnanswered(Outcome outcome) {
    return outcome.kind() == Outcome.Kind.REFUSED
        && responseBytes == 0
        && meter.outputEvents() == 0
        && meter.usage() == null;
  }

  /** Nanoseconds from the call's coming to its end, or to now while it goes on. */
  public long durationNanos() {
    return (completed() ? endedNanos : time.nanos()) - startedNanos;
  }

  /** Nanoseconds from the call's coming to the answer's first byte, or -1 without one. */
  public long firstByteNanos() {
    return responseBytes == 0 ? -1 : firstByteNanos - startedNanos;
  }

  @Override
  public String toString() {
    return "Exchange[" + id + "]";
  }
}
