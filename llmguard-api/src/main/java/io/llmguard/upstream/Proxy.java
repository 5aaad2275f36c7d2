package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.Headers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Carries admitted calls to their upstreams and the answers back, whatever server stands around it.
 *
 * <p>What was checked is what is sent: the exchange's one path and its body. The client's
 * credential, hop-by-hop fields (RFC 9110, section 7.6.1) and what proxies said about the client
 * stay here. Each piece of a streamed answer goes out as it comes; a client that reads slowly slows
 * its upstream down. An answer that breaks off is told from a whole one: a stream ends with an
 * error in the caller's dialect, anything else with a cut connection. An answer that redirects is
 * refused with 502, because it would lead clients around the guard. Thread-safe.
 */
public final class Proxy {
  /** Where the call was sent last, if its router says so. */
  public static final Exchange.Key<Placement> PLACEMENT =
      new Exchange.Key<>("placement", Placement.class);

  /** How a stage wants the answer changed, before the route's own changes. */
  public static final Exchange.Key<Route.AnswerTransforms> ANSWERS =
      new Exchange.Key<>("answers", Route.AnswerTransforms.class);

  /** Who judges whether the call may be tried again, beside the proxy's own policy. */
  public static final Exchange.Key<RetryGate> RETRY_GATE =
      new Exchange.Key<>("retry-gate", RetryGate.class);

  /** How a stage judges what the answer says, before every other change. */
  public static final Exchange.Key<Route.AnswerTransforms> CONTENT =
      new Exchange.Key<>("content", Route.AnswerTransforms.class);

  private final UpstreamRouter router;
  private final @Nullable Duration maxDuration;
  private final long maxResponseBytes;
  private final @Nullable RetryPolicy retries;
  private final @Nullable RetryBudget retryBudget;
  private final @Nullable AnswerFields answerFields;
  private final Set<Forwarding> active = ConcurrentHashMap.newKeySet();
  private final WriteWatch writes = new WriteWatch(active);
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private volatile boolean draining;

  private Proxy(Builder builder) {
    router = builder.router;
    maxDuration = builder.maxDuration;
    maxResponseBytes = builder.maxResponseBytes;
    retries = builder.retries;
    retryBudget = retries == null ? null : retries.newBudget();
    answerFields = builder.answerFields;
  }

  /** A builder of a proxy that asks this router. */
  public static Builder builder(UpstreamRouter router) {
    return new Builder(router);
  }

  /** A call under way. */
  public interface ProxiedCall {
    /**
     * The client has left: the upstream's work is cancelled in whatever phase it is, and the
     * exchange completed as client-gone, unless it has ended already. Any thread may call it.
     */
    void clientGone();
  }

  /**
   * Sends an admitted call to its upstream and writes the answer, with the body as the request has
   * it. The exchange is completed exactly once, whatever happens.
   *
   * @return at once; the call goes on
   */
  public ProxiedCall forward(Exchange exchange, ClientResponse client) {
    Headers headers = exchange.request().headers();
    String length = headers.first("Content-Length");
    // one that is no number goes in chunks, as far as the client's server let it pass
    long bytes = headers.contentLength();
    boolean none = length == null && !headers.contains("Transfer-Encoding") && bodiless(exchange);
    return forward(
        exchange, none || bytes == 0 ? null : exchange.request().streamBody(), bytes, client);
  }

  private static boolean bodiless(Exchange exchange) {
    return switch (exchange.method()) {
      case "GET", "HEAD", "DELETE", "OPTIONS" -> true;
      default -> false;
    };
  }

  /**
   * The same, with the body that passes through given apart.
   *
   * @param passThroughBody the body of a call whose {@link Exchange#body()} passes through unread,
   *     or null for none; not looked at otherwise
   * @param passThroughLength its length in bytes, or -1 if unknown
   */
  public ProxiedCall forward(
      Exchange exchange,
      Flow.@Nullable Publisher<ByteBuffer> passThroughBody,
      long passThroughLength,
      ClientResponse client) {
    Forwarding call = new Forwarding(this, exchange, passThroughBody, passThroughLength, client);
    active.add(call);
    writes.begun();
    if (draining) {
      call.refuseDraining();
    } else {
      call.begin(router);
    }
    return call;
  }

  /** How many calls are under way. */
  public int active() {
    return active.size();
  }

  /**
   * Takes no new calls (503) and waits for those under way; cuts what is left at the deadline.
   *
   * @return completes when no call is under way
   */
  public CompletionStage<Void> drain(Duration deadline) {
    draining = true;
    if (active.isEmpty()) {
      drained.complete(null);
    }
    CompletableFuture.delayedExecutor(deadline.toNanos(), TimeUnit.NANOSECONDS)
        .execute(() -> active.forEach(Forwarding::cut));
    return drained.minimalCompletionStage();
  }

  void ended(Forwarding call) {
    active.remove(call);
    if (draining && active.isEmpty()) {
      drained.complete(null);
    }
  }

  @Nullable Duration maxDuration() {
    return maxDuration;
  }

  long maxResponseBytes() {
    return maxResponseBytes;
  }

  @Nullable Retrying retrying(Exchange exchange) {
    return Retrying.of(exchange, router, retries, retryBudget);
  }

  @Nullable AnswerFields answerFields() {
    return answerFields;
  }

  /** Collects the settings of a proxy. Not thread-safe. */
  public static final class Builder {
    private final UpstreamRouter router;
    private @Nullable Duration maxDuration;
    private long maxResponseBytes = Long.MAX_VALUE;
    private @Nullable RetryPolicy retries;
    private @Nullable AnswerFields answerFields;

    private Builder(UpstreamRouter router) {
      this.router = Objects.requireNonNull(router);
    }

    /** How long a call may take in all, whatever its upstream allows; without limit unless set. */
    public Builder maxDuration(Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException("the longest duration must be positive: " + value);
      }
      maxDuration = value;
      return this;
    }

    /** How many bytes an answer's body may have; without limit unless set. */
    public Builder maxResponseBytes(long value) {
      if (value < 1) {
        throw new IllegalArgumentException("an answer needs at least a byte: " + value);
      }
      maxResponseBytes = value;
      return this;
    }

    /** When a call that failed is tried again; never unless set. */
    public Builder retries(RetryPolicy value) {
      retries = value;
      return this;
    }

    /** What answers say about how they came about; nothing unless set. */
    public Builder answerFields(AnswerFields value) {
      answerFields = value;
      return this;
    }

    /** The proxy. */
    public Proxy build() {
      return new Proxy(this);
    }
  }
}
