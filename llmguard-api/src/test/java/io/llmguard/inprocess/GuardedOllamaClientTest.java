package io.llmguard.inprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.auth.Caller;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.MemorySpendLedger;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendSum;
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
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.RequestReader;
import io.llmguard.wire.Usage;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class GuardedOllamaClientTest {
  private static final String MODEL = "gemma3:270m";
  private static final ChatRequest CHAT = ChatRequest.of(MODEL, "Tell me a fact");
  private static final String PIECE = "{\"message\":{\"content\":\"x\"},\"done\":false}\n";

  private static final Answer EMBED =
      Answer.plain(
          "application/json",
          "{\"model\":\"m\",\"embeddings\":[[0.1,0.2]],\"prompt_eval_count\":3}");
  private static final Answer LEGACY_EMBED =
      Answer.plain("application/json", "{\"embedding\":[0.1,0.2]}");

  /** A call that has ended. */
  private record Ended(String outcome, String path, Usage usage) {}

  private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();
  private CompletableFuture<Void> decision = CompletableFuture.completedFuture(null);
  private final MemorySpendLedger ledger =
      new MemorySpendLedger(TimeSource.system(), ZoneOffset.UTC, 100);
  private final ReplayUpstream upstream = ReplayUpstream.start();
  private final OllamaClient client = OllamaClient.create(upstream.uri().toString());
  private final InProcessGuard guard =
      new InProcessGuard(
          StandardGuard.builder()
              .stage(Place.OBSERVE, new EndObserver(this::ended, () -> decision))
              .stage(Place.AUTHENTICATION, new KnownCallerStage())
              .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
              .stage(Place.BODY, new BodyStage(RequestReader.create(), 1 << 20))
              .stage(Place.MODEL, new ModelStage())
              .stage(Place.MODEL, new CeilingStage(Ceilings.builder().maxOutputTokens(64).build()))
              .stage(Place.BUDGET, BudgetStage.builder(ledger).build())
              .build());

  private final Caller caller =
      Caller.builder(Caller.Kind.OTHER, "job:1").models(ModelAccess.of(List.of(MODEL))).build();
  private final GuardedOllamaClient guarded = new GuardedOllamaClient(client, guard, () -> caller);

  @AfterEach
  void close() {
    client.close();
    upstream.close();
    guard.close();
  }

  private void ended(Exchange exchange, Outcome outcome) {
    ended.add(new Ended(outcome.word(), exchange.path(), exchange.usage()));
  }

  private Ended ended() throws InterruptedException {
    Ended one = ended.poll(20, TimeUnit.SECONDS);
    assertThat(one).as("a call that has ended").isNotNull();
    return one;
  }

  /** What a ledger has kept of all calls. */
  private SpendSum spent() {
    return ledger.sums(SpendQuery.ALL, SpendGroup.ALL).get(0);
  }

  @Test
  void aStreamIsSettledWithWhatItsLastEventReports() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("chat-stream")));
    List<String> pieces = new ArrayList<>();
    try (GuardedStream<ChatResponse, ChatResponse> stream = guarded.chatStream(CHAT)) {
      stream.forEach(piece -> pieces.add(piece.text()));
      assertThat(String.join("", pieces)).isEqualTo(stream.result().text()).isNotEmpty();
    }
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo("completed");
    assertThat(end.usage()).isEqualTo(Usage.reported(end.usage().inputTokens(), 60));
    assertThat(spent().outputTokens()).isEqualTo(60);
    assertThat(spent().estimatedCalls()).isZero();
    assertThat(upstream.takeRequest().bodyText())
        .contains("\"num_predict\":64")
        .doesNotContain("\"stream\":false");
    assertThat(ended).isEmpty();
  }

  @Test
  void aStreamThatIsClosedPaysWhatHasPassed() throws Exception {
    upstream.enqueue(Answer.stream("application/x-ndjson").chunk(PIECE).chunk(PIECE).thenSilence());
    try (GuardedStream<ChatResponse, ChatResponse> stream = guarded.chatStream(CHAT)) {
      var events = stream.iterator();
      events.next();
      events.next();
    }
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo("client-gone");
    assertThat(end.usage().outputTokens()).isEqualTo(2);
    assertThat(end.usage().estimated()).isTrue();
    assertThat(spent().outputTokens()).isEqualTo(2);
    assertThat(spent().estimatedCalls()).isEqualTo(1);
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void aStreamThatBreaksOffIsTruncated() throws Exception {
    upstream.enqueue(Answer.stream("application/x-ndjson").chunk(PIECE).endChunks());
    try (GuardedStream<ChatResponse, ChatResponse> stream = guarded.chatStream(CHAT)) {
      assertThatThrownBy(stream::result).isInstanceOf(OllamaException.class);
    }
    assertThat(ended().outcome()).isIn("truncated", "upstream-failed");
    upstream.enqueue(Answer.stream("application/x-ndjson").chunk(PIECE).endChunks());
    try (GuardedStream<ChatResponse, ChatResponse> stream = guarded.chatStream(CHAT)) {
      assertThatThrownBy(() -> stream.forEach(piece -> {})).isInstanceOf(OllamaException.class);
    }
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo("truncated");
    assertThat(end.usage().outputTokens()).isEqualTo(1);
  }

  @Test
  void aGeneratedStreamIsGuardedToo() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("generate-stream")));
    try (var stream = guarded.generateStream(GenerateRequest.of(MODEL, "Once"))) {
      assertThat(stream.result().text()).isNotEmpty();
    }
    assertThat(ended()).matches(end -> end.path().equals("/api/generate"));
  }

  @Test
  void futuresAreSettledAndRefused() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("chat-once")));
    assertThat(guarded.chatAsync(CHAT).get(20, TimeUnit.SECONDS).text()).isNotEmpty();
    assertThat(ended().outcome()).isEqualTo("completed");
    upstream.enqueue(Answer.replay(Recording.of("generate-once")));
    assertThat(guarded.generateAsync(GenerateRequest.of(MODEL, "Once")).get().text()).isNotEmpty();
    assertThat(ended().outcome()).isEqualTo("completed");
    assertThat(guarded.chatAsync(ChatRequest.of("llama3", "x")))
        .failsWithin(20, TimeUnit.SECONDS)
        .withThrowableOfType(java.util.concurrent.ExecutionException.class)
        .withCauseInstanceOf(CallRefusedException.class);
    assertThat(ended().outcome()).isEqualTo("refused:model-not-allowed");
  }

  @Test
  void aFutureThatIsCancelledStopsTheServerAndIsSettled() throws Exception {
    upstream.enqueue(Answer.silence());
    CompletableFuture<ChatResponse> answer = guarded.chatAsync(CHAT);
    var request = upstream.takeRequest();
    answer.cancel(true);
    request.cancelled().get(10, TimeUnit.SECONDS);
    assertThat(ended().outcome()).isEqualTo("client-gone");
    assertThatThrownBy(answer::join).isInstanceOf(CancellationException.class);
  }

  @Test
  void aFutureThatIsCancelledBeforeItIsAdmittedAsksNobodyAndIsSettled() throws Exception {
    decision = new CompletableFuture<>();
    CompletableFuture<ChatResponse> answer = guarded.chatAsync(CHAT);
    answer.cancel(true);
    assertThat(ended).isEmpty();
    decision.complete(null);
    assertThat(ended().outcome()).isEqualTo("client-gone");
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void aServerThatCannotBeReachedIsAFailure() throws Exception {
    upstream.close();
    assertThat(guarded.chatAsync(CHAT)).failsWithin(20, TimeUnit.SECONDS);
    assertThat(ended().outcome()).isEqualTo("upstream-failed");
  }

  @Test
  void embeddingsAreGuarded() throws Exception {
    upstream.enqueue(EMBED);
    assertThat(guarded.embed(EmbedRequest.of(MODEL, "sea")).embeddings()).isNotEmpty();
    assertThat(ended().usage().estimated()).isFalse();
    upstream.enqueue(EMBED);
    assertThat(guarded.embedAsync(EmbedRequest.of(MODEL, "sea")).get().embeddings()).isNotEmpty();
    assertThat(ended().path()).isEqualTo("/api/embed");
    upstream.enqueue(LEGACY_EMBED);
    EmbeddingsRequest legacy = EmbeddingsRequest.builder(MODEL, "sea").build();
    assertThat(guarded.embeddings(legacy).embedding()).isNotEmpty();
    assertThat(ended().path()).isEqualTo("/api/embeddings");
    upstream.enqueue(LEGACY_EMBED);
    assertThat(guarded.embeddingsAsync(legacy).get().embedding()).isNotEmpty();
    assertThat(ended().outcome()).isEqualTo("completed");
    assertThatThrownBy(() -> guarded.embed(EmbedRequest.of("llama3", "sea")))
        .isInstanceOf(CallRefusedException.class);
  }

  /** What a model is asked for. */
  private record Fact(String fact) {}

  @Test
  void anAnswerIsReadAsARecord() throws Exception {
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"model\":\"gemma3:270m\",\"message\":{\"role\":\"assistant\",\"content\":"
                + "\"{\\\"fact\\\":\\\"salty\\\"}\"},\"done\":true,\"eval_count\":5,"
                + "\"prompt_eval_count\":9}"));
    assertThat(guarded.chat(CHAT, Fact.class)).isEqualTo(new Fact("salty"));
    assertThat(upstream.takeRequest().bodyText()).contains("\"format\":{", "\"num_predict\":64");
    assertThat(ended().usage()).isEqualTo(Usage.reported(9, 5));
  }
}
