package io.llmguard.reactive;

import io.llmguard.Decision;
import io.llmguard.DecisionDeadline;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.Caller;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.reactive.internal.Conversation;
import io.llmguard.reactive.internal.ResponseWriter;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Leads every call through a {@link Guard} before the chain behind it sees it.
 *
 * <p>A refused call is answered here. An admitted one goes on with its caller as the exchange's
 * principal, and in the Reactor context, and with the body that was checked; its answer is metered
 * as it passes, and the call is settled once, however it ends. Several of these filters in one
 * chain share one {@link Exchange}: what one has found out the next one knows, and they are settled
 * together.
 *
 * <p>A guard that may block ({@link Guard#blocking()}) decides and settles on Reactor's elastic
 * threads; any other stays on the thread that the call came on. Wherever a decision was made that
 * comes later, the chain goes on on the connection's event loop. Thread-safe.
 */
public class GuardWebFilter implements WebFilter, AutoCloseable {
  private final Guard guard;
  private final @Nullable AutoCloseable owned;
  private volatile DecisionDeadline deadline = DecisionDeadline.DEFAULT;

  /** A filter over a guard, which stays its owner's to close. */
  public GuardWebFilter(Guard guard) {
    this(guard, null);
  }

  /** A filter over a guard, and what is closed with it. */
  GuardWebFilter(Guard guard, @Nullable AutoCloseable owned) {
    this.guard = Objects.requireNonNull(guard);
    this.owned = owned;
  }

  /** A filter over one stage, which stays its owner's to close. */
  GuardWebFilter(Place place, Stage stage) {
    this(StandardGuard.builder().stage(place, stage).build());
  }

  /** A filter over one stage, which judges the caller behind these proxies. */
  GuardWebFilter(ClientAddressResolver proxies, Place place, Stage stage) {
    this(
        StandardGuard.builder()
            .stage(Place.CLIENT_ADDRESS, new ClientAddressStage(proxies))
            .stage(place, stage)
            .build());
  }

  /** How long a client may take to send a body that is read here; 60 s unless set. */
  public final GuardWebFilter bodyDeadline(Duration value) {
    deadline = new DecisionDeadline(value);
    return this;
  }

  /** The exchange of a call that a guard has admitted, or null where none has. */
  public static @Nullable Exchange exchange(ServerWebExchange exchange) {
    Conversation conversation = Conversation.of(exchange);
    return conversation == null ? null : conversation.exchange();
  }

  /** The exchange of the call that the subscriber works for; empty outside of one. */
  public static Mono<Exchange> currentExchange() {
    return Mono.deferContextual(
        context -> Mono.justOrEmpty(context.<Exchange>getOrEmpty(Exchange.class)));
  }

  /** Who makes the call that the subscriber works for; empty where nobody asked. */
  public static Mono<Caller> currentCaller() {
    return currentExchange().mapNotNull(Exchange::caller);
  }

  /** Closes what this filter had opened itself. */
  @Override
  public final void close() {
    if (owned != null) {
      try {
        owned.close();
      } catch (Exception e) {
        LoggerFactory.getLogger(GuardWebFilter.class).warn("closing a guard failed", e);
      }
    }
  }

  @Override
  public final Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    return Mono.defer(
        () -> {
          Conversation known = Conversation.of(exchange);
          if (known != null && known.passed(this)) {
            return chain.filter(exchange);
          }
          Conversation conversation = known == null ? new Conversation(exchange) : known;
          return decide(conversation, exchange, chain, known == null);
        });
  }

  private Mono<Void> decide(
      Conversation conversation, ServerWebExchange exchange, WebFilterChain chain, boolean first) {
    CompletableFuture<Decision> decision = ask(conversation);
    if (decision.isDone() && !decision.isCompletedExceptionally()) {
      return obey(decision.join(), conversation, exchange, chain, first);
    }
    AtomicBoolean answered = new AtomicBoolean();
    return Mono.fromFuture(decision, true)
        .timeout(
            deadline.duration(),
            // what is refused for it is settled, which may block
            Mono.defer(() -> late(decision, conversation)).subscribeOn(Schedulers.boundedElastic()))
        .publishOn(conversation.chainScheduler())
        .doOnCancel(() -> abandon(decision, conversation, answered))
        // a decision does not fail: the event loop takes nothing any more
        .doOnError(e -> abandon(decision, conversation, answered))
        .flatMap(
            decided ->
                answered.compareAndSet(false, true)
                    ? obey(decided, conversation, exchange, chain, first)
                    : Mono.empty());
  }

  /** Nobody is there for the decision any more, unless it was obeyed already. */
  private static void abandon(
      CompletableFuture<Decision> decision, Conversation conversation, AtomicBoolean answered) {
    if (answered.compareAndSet(false, true)) {
      conversation.clientGone(decision);
    }
  }

  private CompletableFuture<Decision> ask(Conversation conversation) {
    if (!guard.blocking()) {
      return admit(conversation).toCompletableFuture();
    }
    conversation.mayBlock();
    return CompletableFuture.supplyAsync(() -> admit(conversation), Conversation.ELASTIC)
        .thenCompose(Function.identity());
  }

  private CompletionStage<Decision> admit(Conversation conversation) {
    Exchange joined = conversation.exchange();
    return joined == null ? guard.admit(conversation) : guard.join(joined);
  }

  /** The time is over: a body that is awaited fails, and what is still undecided is refused. */
  private Mono<Decision> late(CompletableFuture<Decision> decision, Conversation conversation) {
    if (conversation.timedOut() || decision.isDone()) {
      return Mono.fromFuture(decision, true)
          .timeout(deadline.duration(), Mono.defer(() -> tooLate(decision)));
    }
    return tooLate(decision);
  }

  private static Mono<Decision> tooLate(CompletableFuture<Decision> decision) {
    DecisionDeadline.abandon(decision, Outcome.TIMEOUT);
    return Mono.just(DecisionDeadline.TOO_LATE);
  }

  private Mono<Void> obey(
      Decision decision,
      Conversation conversation,
      ServerWebExchange exchange,
      WebFilterChain chain,
      boolean first) {
    if (decision instanceof Decision.Refuse refuse) {
      return ResponseWriter.refuse(conversation, refuse.refusal());
    }
    Exchange admitted = ((Decision.Admit) decision).exchange();
    conversation.admitted(admitted, this);
    if (!first) {
      return chain.filter(exchange);
    }
    return conversation
        .tracked(Mono.defer(() -> chain.filter(conversation.guarded())))
        .contextWrite(context -> context.put(Exchange.class, admitted));
  }
}
