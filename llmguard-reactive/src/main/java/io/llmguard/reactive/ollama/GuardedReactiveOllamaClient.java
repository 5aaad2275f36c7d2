package io.llmguard.reactive.ollama;

import io.llmguard.auth.Caller;
import io.llmguard.inprocess.AnswerInspector;
import io.llmguard.inprocess.GuardedCall;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.InProcessRequest;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbedResponse;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.EmbeddingsResponse;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaClient;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Generations and embeddings of a {@link ReactiveOllamaClient}, each of which is led through a
 * guard before, and settled with what the server reported after; with what has passed, estimated,
 * where the subscription is cancelled or the answer breaks off. What is sent is what was checked,
 * ceilings applied; what is shown of an answer is what content guards let through. A refused call,
 * and one whose answer is refused, fails with {@link io.llmguard.inprocess.CallRefusedException}.
 * Each subscription is a call of its own, and none blocks. Thread-safe; the client stays its
 * owner's to close.
 */
public final class GuardedReactiveOllamaClient {
  private final ReactiveOllamaClient client;
  private final InProcessGuard guard;
  private final Mono<Caller> caller;

  private GuardedReactiveOllamaClient(
      ReactiveOllamaClient client, InProcessGuard guard, Mono<Caller> caller) {
    this.client = client;
    this.guard = guard;
    this.caller = caller;
  }

  /**
   * A guarded client over a plain one.
   *
   * @param caller says on whose behalf a call is made, subscribed to for each with its context
   */
  public static GuardedReactiveOllamaClient over(
      OllamaClient client, InProcessGuard guard, Mono<Caller> caller) {
    return new GuardedReactiveOllamaClient(ReactiveOllamaClient.over(client), guard, caller);
  }

  /** Chats: the next message of a conversation. As its value. */
  public Mono<ChatResponse> chat(ChatRequest request) {
    return one(
        who -> InProcessRequest.of(who, request),
        call -> client.chat(call.checked(request)),
        GuardedCall::answered);
  }

  /** Chats: the next message of a conversation. Event by event. */
  public Flux<ChatResponse> chatStream(ChatRequest request) {
    return stream(
        who -> InProcessRequest.streamed(who, request),
        call -> client.chatStream(call.checked(request)),
        GuardedCall::chatInspector,
        ChatResponse::done,
        ChatResponse::metrics);
  }

  /** Generates: what follows a prompt. As its value. */
  public Mono<GenerateResponse> generate(GenerateRequest request) {
    return one(
        who -> InProcessRequest.of(who, request),
        call -> client.generate(call.checked(request)),
        GuardedCall::answered);
  }

  /** Generates: what follows a prompt. Event by event. */
  public Flux<GenerateResponse> generateStream(GenerateRequest request) {
    return stream(
        who -> InProcessRequest.streamed(who, request),
        call -> client.generateStream(call.checked(request)),
        GuardedCall::generateInspector,
        GenerateResponse::done,
        GenerateResponse::metrics);
  }

  /** Vectors of texts. */
  public Mono<EmbedResponse> embed(EmbedRequest request) {
    return one(
        who -> InProcessRequest.of(who, request),
        call -> client.embed(call.checked(request)),
        GuardedCall::answered);
  }

  /** The vector of one text, by the older endpoint, which reports no tokens: they are estimated. */
  public Mono<EmbeddingsResponse> embeddings(EmbeddingsRequest request) {
    return one(
        who -> InProcessRequest.of(who, request),
        call -> client.embeddings(call.checked(request)),
        GuardedCall::answered);
  }

  private Mono<GuardedCall> begin(Function<Caller, InProcessRequest> request, Handover handover) {
    Mono<GuardedCall> begun =
        caller.flatMap(
            who -> {
              CompletableFuture<GuardedCall> admitted =
                  handover.asked(guard.beginAsync(request.apply(who)));
              Mono<GuardedCall> call = Mono.fromFuture(admitted, true);
              // whoever completes it later has few threads, which no subscriber is to hold up
              return admitted.isDone() ? call : call.publishOn(Schedulers.parallel());
            });
    return (guard.guard().blocking() ? begun.subscribeOn(Schedulers.boundedElastic()) : begun)
        .filter(call -> handover.take());
  }

  private <A> Mono<A> one(
      Function<Caller, InProcessRequest> request,
      Function<GuardedCall, Mono<A>> ask,
      BiFunction<GuardedCall, A, A> settle) {
    return Mono.defer(
        () -> {
          Handover handover = new Handover();
          return begin(request, handover)
              .flatMap(
                  call ->
                      Mono.defer(() -> ask.apply(call))
                          .map(answer -> settle.apply(call, answer))
                          .doOnCancel(() -> call.abandoned(0))
                          .doOnTerminate(call::close))
              .doOnCancel(handover::cancelled);
        });
  }

  private <E> Flux<E> stream(
      Function<Caller, InProcessRequest> request,
      Function<GuardedCall, Flux<E>> ask,
      Function<GuardedCall, AnswerInspector<E>> inspect,
      Predicate<E> last,
      Function<E, Metrics> used) {
    return Flux.defer(
        () -> {
          Handover handover = new Handover();
          return begin(request, handover)
              .flatMapMany(call -> asked(call, ask, inspect, last, used))
              .doOnCancel(handover::cancelled);
        });
  }

  private static <E> Flux<E> asked(
      GuardedCall call,
      Function<GuardedCall, Flux<E>> ask,
      Function<GuardedCall, AnswerInspector<E>> inspect,
      Predicate<E> last,
      Function<E, Metrics> used) {
    AtomicLong passed = new AtomicLong();
    Flux<E> events = Flux.defer(() -> ask.apply(call)).doOnNext(event -> passed.incrementAndGet());
    Flux<E> shown =
        call.inspectsAnswers()
            ? inspected(events, inspect.apply(call), call, last, used)
            : events.doOnNext(event -> settle(call, event, last, used));
    return shown
        .doOnCancel(() -> call.abandoned(passed.get()))
        .doOnTerminate(() -> call.truncated(passed.get()));
  }

  /** What may be shown, settled once the guards have judged the last event. */
  private static <E> Flux<E> inspected(
      Flux<E> events,
      AnswerInspector<E> inspector,
      GuardedCall call,
      Predicate<E> last,
      Function<E, Metrics> used) {
    return events
        .concatMapIterable(
            event -> {
              try {
                return inspector.next(event);
              } finally {
                settle(call, event, last, used);
              }
            },
            1)
        .concatWith(Flux.defer(() -> Flux.fromIterable(inspector.end())));
  }

  private static <E> void settle(
      GuardedCall call, E event, Predicate<E> last, Function<E, Metrics> used) {
    if (last.test(event)) {
      call.answered(used.apply(event));
    }
  }
}
