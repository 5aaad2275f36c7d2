package io.llmguard.reactive.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.Caller;
import io.llmguard.inprocess.CallRefusedException;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.KnownCallerStage;
import io.llmguard.inspect.InspectionStage;
import io.llmguard.inspect.Reaction;
import io.llmguard.inspect.SensitiveData;
import io.llmguard.inspect.SensitiveKind;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.OllamaException;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.ModelStage;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.EndObserver;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.testkit.Reports;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.RequestReader;
import io.llmguard.wire.Usage;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

@Timeout(30)
class GuardedReactiveOllamaClientTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final String MODEL = "gemma3:270m";
  private static final ChatRequest CHAT = ChatRequest.of(MODEL, "hi");
  private static final String PIECE = "{\"message\":{\"content\":\"x\"},\"done\":false}\n";

  private static final Answer EMBED =
      Answer.plain(
          "application/json",
          "{\"model\":\"m\",\"embeddings\":[[0.1,0.2]],\"prompt_eval_count\":3}");
  private static final Answer LEGACY_EMBED =
      Answer.plain("application/json", "{\"embedding\":[0.1,0.2]}");

  /** A call that has ended. */
  private record Ended(String outcome, String caller, Usage usage) {}

  private final Reports<Ended> ended = new Reports<>();
  private CompletableFuture<Void> decision = CompletableFuture.completedFuture(null);
  private final ReplayUpstream upstream = ReplayUpstream.start();
  private final OllamaClient plain = OllamaClient.create(upstream.uri().toString());
  private final InProcessGuard guard = new InProcessGuard(stages().build());
  private final GuardedReactiveOllamaClient client = over(guard);

  private StandardGuard.Builder stages() {
    return StandardGuard.builder()
        .stage(Place.OBSERVE, new EndObserver(this::ended, () -> decision))
        .stage(Place.AUTHENTICATION, new KnownCallerStage())
        .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
        .stage(Place.BODY, new BodyStage(RequestReader.create(), 1 << 20))
        .stage(Place.MODEL, new ModelStage())
        .stage(Place.MODEL, new CeilingStage(Ceilings.builder().maxOutputTokens(64).build()));
  }

  private GuardedReactiveOllamaClient over(InProcessGuard guarding) {
    return GuardedReactiveOllamaClient.over(
        plain, guarding, Mono.deferContextual(context -> Mono.just(context.get(Caller.class))));
  }

  /** A client whose answers are looked at for e-mail addresses. */
  private GuardedReactiveOllamaClient inspecting(Reaction reaction) {
    SensitiveData data = SensitiveData.of("data", Set.of(SensitiveKind.EMAIL), reaction);
    return over(
        new InProcessGuard(
            stages().stage(Place.MODEL, InspectionStage.builder().answers(data).build()).build()));
  }

  @AfterEach
  void close() {
    plain.close();
    upstream.close();
    guard.close();
  }

  private void ended(Exchange exchange, Outcome outcome) {
    Caller caller = exchange.caller();
    ended.add(new Ended(outcome.word(), caller == null ? "" : caller.getName(), exchange.usage()));
  }

  private Ended ended() throws InterruptedException {
    return ended.next();
  }

  private static Caller caller(String name) {
    return Caller.builder(Caller.Kind.OTHER, name).models(ModelAccess.of(List.of(MODEL))).build();
  }

  /** As a handler on an event loop calls it: where nothing may block. */
  private static <T> Mono<T> on(Mono<T> call, String name) {
    return call.contextWrite(context -> context.put(Caller.class, caller(name)))
        .subscribeOn(Schedulers.parallel());
  }

  private static <T> Flux<T> on(Flux<T> call, String name) {
    return call.contextWrite(context -> context.put(Caller.class, caller(name)))
        .subscribeOn(Schedulers.parallel());
  }

  @Test
  void valuesAreMeteredForWhomeverTheContextNames() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("chat-once")));
    assertThat(on(client.chat(CHAT), "ann").block(LIMIT).text()).isNotEmpty();
    assertThat(ended()).matches(e -> e.outcome().equals("completed") && e.caller().equals("ann"));
    assertThat(upstream.takeRequest().bodyText()).contains("\"num_predict\":64");
    upstream.enqueue(Answer.replay(Recording.of("generate-once")));
    GenerateRequest generate = GenerateRequest.of(MODEL, "Once");
    assertThat(on(client.generate(generate), "bob").block(LIMIT).text()).isNotEmpty();
    assertThat(ended()).matches(e -> e.caller().equals("bob") && !e.usage().estimated());
    upstream.enqueue(EMBED);
    assertThat(on(client.embed(EmbedRequest.of(MODEL, "x")), "bob").block(LIMIT)).isNotNull();
    assertThat(ended().usage().estimated()).isFalse();
    upstream.enqueue(LEGACY_EMBED);
    EmbeddingsRequest legacy = EmbeddingsRequest.builder(MODEL, "x").build();
    assertThat(on(client.embeddings(legacy), "bob").block(LIMIT)).isNotNull();
    assertThat(ended().outcome()).isEqualTo("completed");
    assertThat(ended.isEmpty()).isTrue();
  }

  @Test
  void aStreamIsSettledWithWhatItsLastEventReports() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("chat-stream")));
    ChatResponse last = on(client.chatStream(CHAT), "ann").blockLast(LIMIT);
    assertThat(last.done()).isTrue();
    assertThat(ended()).matches(e -> e.outcome().equals("completed"));
    upstream.enqueue(Answer.replay(Recording.of("generate-stream")));
    GenerateRequest generate = GenerateRequest.of(MODEL, "Once");
    assertThat(on(client.generateStream(generate), "ann").blockLast(LIMIT).done()).isTrue();
    assertThat(ended().usage().estimated()).isFalse();
    assertThat(ended.isEmpty()).isTrue();
  }

  @Test
  void aStreamThatIsCancelledPaysWhatHasPassedAndStopsTheServer() throws Exception {
    upstream.enqueue(Answer.stream("application/x-ndjson").chunk(PIECE).chunk(PIECE).thenSilence());
    on(client.chatStream(CHAT), "ann").take(2).blockLast(LIMIT);
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo("client-gone");
    assertThat(end.usage().outputTokens()).isEqualTo(2);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void aStreamThatBreaksOffIsTruncated() throws Exception {
    upstream.enqueue(Answer.stream("application/x-ndjson").chunk(PIECE).endChunks());
    assertThatThrownBy(() -> on(client.chatStream(CHAT), "ann").blockLast(LIMIT))
        .isInstanceOf(OllamaException.class);
    assertThat(ended().outcome()).isEqualTo("truncated");
  }

  private static String piece(String text) {
    return "{\"model\":\"m\",\"message\":{\"content\":\"" + text + "\"},\"done\":false}\n";
  }

  private static final String LAST =
      "{\"model\":\"m\",\"message\":{\"content\":\"\"},\"done\":true,\"prompt_eval_count\":9,"
          + "\"eval_count\":3}\n";

  @Test
  void whatIsShownOfAnAnswerIsWhatGuardsLetThrough() throws Exception {
    GuardedReactiveOllamaClient redacting = inspecting(Reaction.REDACT);
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .chunk(piece("to ali"))
            .chunk(piece("ce@example.com"))
            .chunk(LAST)
            .endChunks());
    List<ChatResponse> shown = on(redacting.chatStream(CHAT), "ann").collectList().block(LIMIT);
    assertThat(shown).hasSize(3).last().matches(ChatResponse::done);
    assertThat(shown.stream().map(ChatResponse::text).collect(Collectors.joining()))
        .isEqualTo("to [email]");
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo("completed");
    assertThat(end.usage()).isEqualTo(Usage.reported(9, 3));
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"model\":\"m\",\"response\":\"alice@example.com\",\"done\":true,"
                + "\"prompt_eval_count\":9,\"eval_count\":3}"));
    GenerateRequest generate = GenerateRequest.of(MODEL, "Once");
    assertThat(on(redacting.generate(generate), "ann").block(LIMIT).text()).isEqualTo("[email]");
    assertThat(ended().usage()).isEqualTo(Usage.reported(9, 3));
  }

  @Test
  void anAnswerThatIsRefusedStopsTheServerAndIsPaid() throws Exception {
    GuardedReactiveOllamaClient refusing = inspecting(Reaction.REFUSE);
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .chunk(piece("to "))
            .chunk(piece("alice@example.com "))
            .thenSilence());
    Queue<String> shown = new ConcurrentLinkedQueue<>();
    Flux<ChatResponse> stream =
        on(refusing.chatStream(CHAT), "ann").doOnNext(piece -> shown.add(piece.text()));
    assertThatThrownBy(() -> stream.blockLast(LIMIT)).isInstanceOf(CallRefusedException.class);
    assertThat(shown).containsExactly("to ");
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo("refused:content-data-email");
    assertThat(end.usage().outputTokens()).isEqualTo(2);
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"model\":\"m\",\"message\":{\"content\":\"alice@example.com\"},\"done\":true,"
                + "\"prompt_eval_count\":9,\"eval_count\":3}"));
    assertThatThrownBy(() -> on(refusing.chat(CHAT), "ann").block(LIMIT))
        .isInstanceOf(CallRefusedException.class);
    end = ended();
    assertThat(end.outcome()).isEqualTo("refused:content-data-email");
    assertThat(end.usage()).isEqualTo(Usage.reported(9, 3));
  }

  @Test
  void aRefusedCallIsAnErrorSignalAndNothingIsSent() throws Exception {
    ChatRequest foreign = ChatRequest.of("llama3", "hi");
    assertThatThrownBy(() -> on(client.chat(foreign), "ann").block(LIMIT))
        .isInstanceOf(CallRefusedException.class);
    assertThatThrownBy(() -> on(client.chatStream(foreign), "ann").blockLast(LIMIT))
        .isInstanceOf(CallRefusedException.class);
    assertThat(ended().outcome()).isEqualTo("refused:model-not-allowed");
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void aSubscriptionThatIsCancelledBeforeItIsAdmittedAsksNobodyAndIsSettled() throws Exception {
    decision = new CompletableFuture<>();
    Disposable waiting =
        client.chat(CHAT).contextWrite(c -> c.put(Caller.class, caller("ann"))).subscribe();
    waiting.dispose();
    decision.complete(null);
    assertThat(ended().outcome()).isEqualTo("client-gone");
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void aRefusalIsNotHeardOnTheThreadOfWhoeverDecided() throws Exception {
    decision = new CompletableFuture<>();
    CompletableFuture<Thread> heard = new CompletableFuture<>();
    Disposable unused =
        client
            .chat(ChatRequest.of("llama3", "hi"))
            .contextWrite(c -> c.put(Caller.class, caller("ann")))
            .subscribe(answer -> {}, e -> heard.complete(Thread.currentThread()));
    Thread decider = new Thread(() -> decision.complete(null));
    decider.start();
    assertThat(heard.get(10, TimeUnit.SECONDS)).isNotSameAs(decider);
  }
}
