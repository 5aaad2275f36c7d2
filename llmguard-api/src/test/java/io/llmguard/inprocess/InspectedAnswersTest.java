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
import io.llmguard.inspect.InspectionStage;
import io.llmguard.inspect.Reaction;
import io.llmguard.inspect.ResponseInspector;
import io.llmguard.inspect.SensitiveData;
import io.llmguard.inspect.SensitiveKind;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.ModelStage;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.EndObserver;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.RequestReader;
import io.llmguard.wire.Usage;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What content guards let through of the answers to an application's own calls. */
@Timeout(30)
class InspectedAnswersTest {
  private static final ChatRequest CHAT = ChatRequest.of("m", "Who is it?");
  private static final GenerateRequest GENERATE = GenerateRequest.of("m", "Who is it?");
  private static final String LINES = "application/x-ndjson";
  private static final String JSON = "application/json";
  private static final String END = "\"done\":true,\"prompt_eval_count\":9,\"eval_count\":5}";
  private static final String REFUSED = "refused:content-data-email";

  private static final class Broken implements ResponseInspector {
    @Override
    public String name() {
      return "broken";
    }

    @Override
    public ResponseInspector.Answer open(@Nullable Call call) {
      return repeats ->
          (text, last) -> {
            throw new IllegalStateException(text);
          };
    }
  }

  /** A call that has ended. */
  private record Ended(String outcome, int status, @Nullable Usage usage) {}

  private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();
  private final MemorySpendLedger ledger =
      new MemorySpendLedger(TimeSource.system(), ZoneOffset.UTC, 100);
  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final OllamaClient client = OllamaClient.create(upstream.uri().toString());
  private final List<InProcessGuard> guards = new ArrayList<>();
  private final Caller caller =
      Caller.builder(Caller.Kind.OTHER, "job:1").models(ModelAccess.of(List.of("m"))).build();

  @AfterEach
  void close() {
    client.close();
    upstream.close();
    guards.forEach(InProcessGuard::close);
  }

  private InProcessGuard guard(ResponseInspector inspector) {
    InProcessGuard guard =
        new InProcessGuard(
            StandardGuard.builder()
                .stage(Place.OBSERVE, new EndObserver(this::ended))
                .stage(Place.AUTHENTICATION, new KnownCallerStage())
                .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
                .stage(Place.BODY, new BodyStage(RequestReader.create(), 1 << 20))
                .stage(Place.MODEL, new ModelStage())
                .stage(Place.MODEL, InspectionStage.builder().answers(inspector).build())
                .stage(Place.BUDGET, BudgetStage.builder(ledger).build())
                .build());
    guards.add(guard);
    return guard;
  }

  private GuardedOllamaClient guarded(ResponseInspector inspector) {
    return new GuardedOllamaClient(client, guard(inspector), () -> caller);
  }

  private static SensitiveData data(Reaction reaction) {
    return SensitiveData.of("data", Set.of(SensitiveKind.EMAIL), reaction);
  }

  private GuardedOllamaClient redacting() {
    return guarded(data(Reaction.REDACT));
  }

  private GuardedOllamaClient refusing() {
    return guarded(data(Reaction.REFUSE));
  }

  private void ended(Exchange exchange, Outcome outcome) {
    ended.add(new Ended(outcome.word(), exchange.status(), exchange.usage()));
  }

  private Ended ended() throws InterruptedException {
    return Objects.requireNonNull(ended.poll(20, TimeUnit.SECONDS), "no call has ended");
  }

  private SpendSum spent() {
    return ledger.sums(SpendQuery.ALL, SpendGroup.ALL).get(0);
  }

  private static String chat(String content) {
    return "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"" + content + "\"},";
  }

  private static Answer wholeChat(String content) {
    return Answer.plain(JSON, chat(content) + END);
  }

  /** A chat's answer in these pieces. */
  private static Answer chatOf(String... pieces) {
    Answer answer = Answer.stream(LINES);
    for (String piece : pieces) {
      answer = answer.chunk(chat(piece) + "\"done\":false}\n");
    }
    return answer.chunk(chat("") + END + "\n").endChunks();
  }

  // ---- whole answers

  @Test
  void aWholeAnswerIsRedactedAndPaid() throws Exception {
    upstream.enqueue(wholeChat("It is alice@example.com."));
    ChatResponse answer = redacting().chat(CHAT);
    assertThat(answer.text()).isEqualTo("It is [email].");
    assertThat(answer.metrics().evalCount()).isEqualTo(5);
    assertThat(answer.done()).isTrue();
    assertThat(ended()).isEqualTo(new Ended("completed", 200, Usage.reported(9, 5)));
  }

  @Test
  void aWholeAnswerIsRefusedAndPaid() throws Exception {
    upstream.enqueue(wholeChat("It is alice@example.com."));
    assertThatThrownBy(() -> refusing().chat(CHAT))
        .isInstanceOf(CallRefusedException.class)
        .hasMessageContaining("content-data-email")
        .hasMessageNotContaining("alice");
    assertThat(ended()).isEqualTo(new Ended(REFUSED, 403, Usage.reported(9, 5)));
    assertThat(spent().outputTokens()).isEqualTo(5);
  }

  @Test
  void whatNothingIsFoundInIsShownAsItCame() throws Exception {
    upstream.enqueue(wholeChat("It is the sea."));
    assertThat(refusing().chat(CHAT).text()).isEqualTo("It is the sea.");
    assertThat(ended().outcome()).isEqualTo("completed");
    upstream.enqueue(chatOf("It ", "is."));
    try (var stream = refusing().chatStream(CHAT)) {
      assertThat(stream).extracting(ChatResponse::text).containsExactly("It ", "is.", "");
    }
    assertThat(ended()).isEqualTo(new Ended("completed", 200, Usage.reported(9, 5)));
  }

  @Test
  void aFutureShowsWhatMayBeShown() throws Exception {
    upstream.enqueue(wholeChat("It is alice@example.com."));
    assertThat(redacting().chatAsync(CHAT).get(20, TimeUnit.SECONDS).text())
        .isEqualTo("It is [email].");
    assertThat(ended().outcome()).isEqualTo("completed");
    upstream.enqueue(wholeChat("It is alice@example.com."));
    assertThatThrownBy(() -> refusing().chatAsync(CHAT).join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(CallRefusedException.class);
    assertThat(ended().outcome()).isEqualTo(REFUSED);
  }

  @Test
  void thinkingAndToolsAreInspectedToo() throws Exception {
    upstream.enqueue(
        Answer.plain(
            JSON,
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\","
                + "\"thinking\":\"bob@example.com?\",\"tool_calls\":[{\"function\":{"
                + "\"name\":\"mail\",\"arguments\":{\"to\":\"alice@example.com\",\"n\":1}}}]},"
                + END));
    ChatResponse answer = redacting().chat(CHAT);
    assertThat(answer.message().thinking()).isEqualTo("[email]?");
    assertThat(answer.message().toolCalls().get(0).arguments())
        .containsEntry("to", "[email]")
        .containsEntry("n", 1L);
    assertThat(ended().outcome()).isEqualTo("completed");
  }

  @Test
  void aGenerationIsRedactedAndKeepsNoTokensOfWhatWasSaid() throws Exception {
    upstream.enqueue(
        Answer.plain(
            JSON,
            "{\"model\":\"m\",\"response\":\"alice@example.com\",\"context\":[1,2,3]," + END));
    GenerateResponse answer = redacting().generate(GENERATE);
    assertThat(answer.text()).isEqualTo("[email]");
    assertThat(answer.context()).isEmpty();
    assertThat(ended().outcome()).isEqualTo("completed");
  }

  @Test
  void aGuardThatBreaksDoesNotOpen() throws Exception {
    upstream.enqueue(wholeChat("It is the sea."));
    assertThatThrownBy(() -> guarded(new Broken()).chat(CHAT))
        .isInstanceOf(CallRefusedException.class)
        .hasMessageContaining("guard-failed")
        .hasMessageNotContaining("sea");
    assertThat(ended()).isEqualTo(new Ended("refused:guard-failed", 500, Usage.reported(9, 5)));
  }

  // ---- streams

  @Test
  void whatIsSplitOverPiecesIsFoundAndNoPieceIsLost() throws Exception {
    upstream.enqueue(chatOf("It is ali", "ce@exam", "ple.com", ", I think."));
    List<String> shown = new ArrayList<>();
    try (GuardedStream<ChatResponse, ChatResponse> stream = redacting().chatStream(CHAT)) {
      for (ChatResponse piece : stream) {
        shown.add(piece.text());
        assertThat(stream.partialText()).doesNotContain("alice").doesNotContain("@");
      }
      assertThat(stream.result().text()).isEqualTo("It is [email], I think.");
      assertThat(stream.result().metrics().evalCount()).isEqualTo(5);
    }
    assertThat(shown).hasSize(5);
    assertThat(String.join("", shown)).isEqualTo("It is [email], I think.");
    assertThat(ended()).isEqualTo(new Ended("completed", 200, Usage.reported(9, 5)));
  }

  @Test
  void aStreamThatIsRefusedStopsTheServerAndPaysWhatHasPassed() throws Exception {
    upstream.enqueue(
        Answer.stream(LINES)
            .chunk(chat("It is ") + "\"done\":false}\n")
            .chunk(chat("alice@example.com ") + "\"done\":false}\n")
            .thenSilence());
    List<String> shown = new ArrayList<>();
    try (var stream = refusing().chatStream(CHAT)) {
      var pieces = stream.iterator();
      assertThatThrownBy(() -> pieces.forEachRemaining(piece -> shown.add(piece.text())))
          .isInstanceOf(CallRefusedException.class);
      assertThat(pieces.hasNext()).isFalse();
    }
    assertThat(String.join("", shown)).isEqualTo("It is ");
    upstream.takeRequest().cancelled().get(10, TimeUnit.SECONDS);
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo(REFUSED);
    assertThat(Objects.requireNonNull(end.usage()).outputTokens()).isEqualTo(2);
    assertThat(spent().outputTokens()).isEqualTo(2);
    assertThat(ended).isEmpty();
  }

  @Test
  void theWholeOfAStreamIsWhatMayBeShown() throws Exception {
    upstream.enqueue(chatOf("alice@exam", "ple.com"));
    try (var stream = redacting().chatStream(CHAT)) {
      assertThat(stream.result().text()).isEqualTo("[email]");
    }
    assertThat(ended().outcome()).isEqualTo("completed");
    upstream.enqueue(
        Answer.stream(LINES)
            .chunk("{\"model\":\"m\",\"response\":\"alice@exam\",\"done\":false}\n")
            .chunk("{\"model\":\"m\",\"response\":\"ple.com\",\"done\":false}\n")
            .chunk("{\"model\":\"m\",\"response\":\"\",\"context\":[1,2]," + END + "\n")
            .endChunks());
    try (var stream = redacting().generateStream(GENERATE)) {
      GenerateResponse whole = stream.result();
      assertThat(whole.text()).isEqualTo("[email]");
      assertThat(whole.context()).isEmpty();
    }
    assertThat(ended().outcome()).isEqualTo("completed");
  }

  // ---- texts of other clients

  private GuardedCall begun(ResponseInspector inspector) {
    byte[] body =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Who?\"}]}"
            .getBytes(StandardCharsets.UTF_8);
    return guard(inspector).begin(InProcessRequest.of(caller, Operation.OPENAI_CHAT, body));
  }

  @Test
  void aTextIsInspectedWholeAndInPieces() throws Exception {
    try (GuardedCall call = begun(data(Reaction.REDACT))) {
      assertThat(call.inspectsAnswers()).isTrue();
      assertThat(call.inspected("to alice@example.com now")).isEqualTo("to [email] now");
      AnswerInspector<String> text = call.textInspector();
      List<String> shown = new ArrayList<>();
      for (int i = 0; i < "to alice@example.com".length(); i++) {
        shown.addAll(text.next("to alice@example.com".substring(i, i + 1)));
      }
      shown.addAll(text.end());
      assertThat(String.join("", shown)).isEqualTo("to [email]");
      call.answered(3, 4);
    }
    assertThat(ended()).isEqualTo(new Ended("completed", 200, Usage.reported(3, 4)));
    try (GuardedCall call = begun(data(Reaction.REFUSE))) {
      AnswerInspector<String> text = call.textInspector();
      assertThat(text.next("to ")).isEqualTo(List.of("to "));
      assertThatThrownBy(() -> text.next("alice@example.com "))
          .isInstanceOf(CallRefusedException.class);
      assertThatThrownBy(() -> text.next("more")).isInstanceOf(CallRefusedException.class);
      call.answered(3, 4);
    }
    assertThat(ended()).isEqualTo(new Ended(REFUSED, 403, Usage.reported(3, 4)));
  }

  @Test
  void aRefusedAnswerIsPaidWhereNobodySaysWhatItUsed() throws Exception {
    try (GuardedCall call = begun(data(Reaction.REFUSE))) {
      assertThatThrownBy(() -> call.inspected("to alice@example.com"))
          .isInstanceOf(CallRefusedException.class);
    }
    Ended end = ended();
    assertThat(end.outcome()).isEqualTo(REFUSED);
    assertThat(Objects.requireNonNull(end.usage()).outputTokens()).isEqualTo(6);
    assertThat(end.usage().estimated()).isTrue();
    try (GuardedCall call = begun(data(Reaction.REFUSE))) {
      upstream.enqueue(wholeChat("alice@example.com"));
      ChatResponse answer = client.chat(CHAT);
      assertThatThrownBy(() -> call.answered(answer)).isInstanceOf(CallRefusedException.class);
    }
    assertThat(ended()).isEqualTo(new Ended(REFUSED, 403, Usage.reported(9, 5)));
    assertThat(spent().outputTokens()).isEqualTo(11);
  }

  @Test
  void whereNobodyInspectsEverythingIsShown() throws Exception {
    InProcessGuard open =
        new InProcessGuard(
            StandardGuard.builder()
                .stage(Place.AUTHENTICATION, new KnownCallerStage())
                .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
                .stage(Place.BODY, new BodyStage(RequestReader.create(), 1 << 20))
                .build());
    guards.add(open);
    try (GuardedCall call = open.begin(InProcessRequest.of(caller, CHAT))) {
      assertThat(call.inspectsAnswers()).isFalse();
      assertThat(call.inspected("alice@example.com")).isEqualTo("alice@example.com");
      assertThat(call.textInspector().next("alice@")).isEqualTo(List.of("alice@"));
    }
  }
}
