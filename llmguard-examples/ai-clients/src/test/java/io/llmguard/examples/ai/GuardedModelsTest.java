package io.llmguard.examples.ai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.TokenUsage;
import io.llmguard.Exchange;
import io.llmguard.Guard;
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
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.ModelStage;
import io.llmguard.testkit.EndObserver;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.RequestReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.metadata.EmptyUsage;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.core.publisher.Flux;

class GuardedModelsTest {
  private final List<Exchange> ended = new ArrayList<>();
  private final List<String> outcomes = new ArrayList<>();
  private final Caller caller =
      Caller.builder(Caller.Kind.OTHER, "job:1").models(ModelAccess.of(List.of("gemma3"))).build();
  private final InProcessGuard guard = new InProcessGuard(guard());

  @AfterEach
  void close() {
    guard.close();
  }

  /** A guard that looks at answers for e-mail addresses. */
  private InProcessGuard inspecting(Reaction reaction) {
    SensitiveData data = SensitiveData.of("data", Set.of(SensitiveKind.EMAIL), reaction);
    return new InProcessGuard(
        stages().stage(Place.MODEL, InspectionStage.builder().answers(data).build()).build());
  }

  private Guard guard() {
    return stages().build();
  }

  private StandardGuard.Builder stages() {
    return StandardGuard.builder()
        .stage(Place.OBSERVE, new EndObserver(this::ended))
        .stage(Place.AUTHENTICATION, new KnownCallerStage())
        .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
        .stage(Place.BODY, new BodyStage(RequestReader.create(), 1 << 20))
        .stage(Place.MODEL, new ModelStage())
        .stage(Place.MODEL, new CeilingStage(Ceilings.builder().maxOutputTokens(64).build()));
  }

  private void ended(Exchange exchange, Outcome outcome) {
    ended.add(exchange);
    outcomes.add(outcome.word());
  }

  /** A LangChain4j model that answers, and remembers what it was asked. */
  private static final class Model implements ChatModel {
    private final List<ChatRequest> asked = new ArrayList<>();
    private final String answer;

    Model() {
      this("Salt.");
    }

    Model(String answer) {
      this.answer = answer;
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
      asked.add(request);
      return ChatResponse.builder()
          .aiMessage(AiMessage.from(answer))
          .tokenUsage(new TokenUsage(7, 3))
          .build();
    }
  }

  private static ChatRequest question(String model) {
    return ChatRequest.builder()
        .messages(UserMessage.from("Why is the sea salty?"))
        .modelName(model)
        .build();
  }

  @Test
  void aLangChain4jModelIsAskedWithinTheCeilingAndMetered() {
    Model model = new Model();
    ChatModel guarded = new GuardedChatModel(model, guard, () -> caller);
    assertThat(guarded.chat(question("gemma3")).aiMessage().text()).isEqualTo("Salt.");
    assertThat(model.asked).hasSize(1);
    assertThat(model.asked.get(0).maxOutputTokens()).isEqualTo(64);
    assertThat(outcomes).containsExactly("completed");
    assertThat(ended.get(0).usage().outputTokens()).isEqualTo(3);
    assertThat(ended.get(0).caller()).isEqualTo(caller);
  }

  @Test
  void aLangChain4jModelIsNotAskedForWhatTheCallerMayNotHave() {
    Model model = new Model();
    ChatModel guarded = new GuardedChatModel(model, guard, () -> caller);
    assertThatThrownBy(() -> guarded.chat(question("llama3")))
        .isInstanceOf(CallRefusedException.class);
    assertThat(model.asked).isEmpty();
    assertThat(outcomes).containsExactly("refused:model-not-allowed");
  }

  /** A Spring AI client over a model that answers, and remembers what it was asked. */
  private ChatClient client(List<Prompt> asked, String model, Integer maxTokens) {
    return client(asked, model, maxTokens, "Salt.", guard);
  }

  private ChatClient client(
      List<Prompt> asked, String model, Integer maxTokens, String answer, InProcessGuard by) {
    org.springframework.ai.chat.model.ChatModel answering =
        prompt -> {
          asked.add(prompt);
          return new org.springframework.ai.chat.model.ChatResponse(
              List.of(
                  new Generation(
                      new org.springframework.ai.chat.messages.AssistantMessage(answer))),
              ChatResponseMetadata.builder().usage(new DefaultUsage(7, 3)).build());
        };
    return ChatClient.builder(answering)
        .defaultOptions(ChatOptions.builder().model(model).maxTokens(maxTokens).build())
        .defaultAdvisors(new GuardAdvisor(by, () -> caller))
        .build();
  }

  @Test
  void aSpringAiClientIsGuardedAndMetered() {
    List<Prompt> asked = new ArrayList<>();
    String answer = client(asked, "gemma3", 50).prompt("Why is the sea salty?").call().content();
    assertThat(answer).isEqualTo("Salt.");
    assertThat(asked).hasSize(1);
    assertThat(outcomes).containsExactly("completed");
    assertThat(ended.get(0).usage().inputTokens()).isEqualTo(7);
  }

  @Test
  void aSpringAiClientThatAsksForMoreThanTheCeilingIsToldIt() {
    List<Prompt> asked = new ArrayList<>();
    assertThatThrownBy(() -> client(asked, "gemma3", 5_000).prompt("x").call().content())
        .isInstanceOf(CallRefusedException.class)
        .hasMessageContaining("64");
    assertThatThrownBy(() -> client(asked, "llama3", 50).prompt("x").call().content())
        .isInstanceOf(CallRefusedException.class);
    assertThat(asked).isEmpty();
    assertThat(outcomes).containsExactly("refused:ceiling", "refused:model-not-allowed");
  }

  /** A LangChain4j model that answers in pieces, as far as it is let. */
  private static final class StreamingModel implements StreamingChatModel {
    private final List<ChatRequest> asked = new ArrayList<>();
    private final List<String> pieces;
    private boolean completed;

    StreamingModel() {
      this("Sa", "lt", ".");
    }

    StreamingModel(String... pieces) {
      this.pieces = List.of(pieces);
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
      asked.add(request);
      AtomicBoolean cancelled = new AtomicBoolean();
      StreamingHandle handle =
          new StreamingHandle() {
            @Override
            public void cancel() {
              cancelled.set(true);
            }

            @Override
            public boolean isCancelled() {
              return cancelled.get();
            }
          };
      for (String piece : pieces) {
        if (!cancelled.get()) {
          handler.onPartialResponse(new PartialResponse(piece), new PartialResponseContext(handle));
        }
      }
      if (!cancelled.get()) {
        completed = true;
        handler.onCompleteResponse(
            ChatResponse.builder()
                .aiMessage(AiMessage.from(String.join("", pieces)))
                .tokenUsage(new TokenUsage(7, 3))
                .build());
      }
    }
  }

  /** Remembers what it is told, and cancels after some pieces. */
  private static final class Told implements StreamingChatResponseHandler {
    private final StringBuilder text = new StringBuilder();
    private final int most;
    private int pieces;
    private Throwable failure;

    Told(int most) {
      this.most = most;
    }

    @Override
    public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
      text.append(piece.text());
      if (++pieces == most) {
        context.streamingHandle().cancel();
      }
    }

    @Override
    public void onCompleteResponse(ChatResponse answer) {
      text.append(" (").append(answer.aiMessage().text()).append(')');
    }

    @Override
    public void onError(Throwable error) {
      failure = error;
    }
  }

  @Test
  void aStreamOfALangChain4jModelIsGuardedAndMetered() {
    StreamingModel model = new StreamingModel();
    Told told = new Told(Integer.MAX_VALUE);
    new GuardedStreamingChatModel(model, guard, () -> caller).chat(question("gemma3"), told);
    assertThat(told.text).hasToString("Salt. (Salt.)");
    assertThat(model.asked.get(0).maxOutputTokens()).isEqualTo(64);
    assertThat(outcomes).containsExactly("completed");
    assertThat(ended.get(0).usage().outputTokens()).isEqualTo(3);
  }

  @Test
  void aStreamOfALangChain4jModelThatIsCancelledPaysWhatHasPassed() {
    Told told = new Told(2);
    new GuardedStreamingChatModel(new StreamingModel(), guard, () -> caller)
        .chat(question("gemma3"), told);
    assertThat(told.text).hasToString("Salt");
    assertThat(outcomes).containsExactly("client-gone");
    assertThat(ended.get(0).usage().outputTokens()).isEqualTo(2);
    assertThat(ended.get(0).usage().estimated()).isTrue();
  }

  @Test
  void aRefusedStreamOfALangChain4jModelIsAnErrorAndNotAsked() {
    StreamingModel model = new StreamingModel();
    Told told = new Told(Integer.MAX_VALUE);
    new GuardedStreamingChatModel(model, guard, () -> caller).chat(question("llama3"), told);
    assertThat(told.failure).isInstanceOf(CallRefusedException.class);
    assertThat(model.asked).isEmpty();
  }

  /** A Spring AI client over a model that answers in pieces. */
  private ChatClient streaming(
      Flux<org.springframework.ai.chat.model.ChatResponse> pieces, String model) {
    return streaming(pieces, model, guard);
  }

  private ChatClient streaming(
      Flux<org.springframework.ai.chat.model.ChatResponse> pieces,
      String model,
      InProcessGuard by) {
    return ChatClient.builder(
            new org.springframework.ai.chat.model.ChatModel() {
              @Override
              public org.springframework.ai.chat.model.ChatResponse call(Prompt prompt) {
                throw new UnsupportedOperationException();
              }

              @Override
              public Flux<org.springframework.ai.chat.model.ChatResponse> stream(Prompt prompt) {
                return pieces;
              }
            })
        .defaultOptions(ChatOptions.builder().model(model).maxTokens(50).build())
        .defaultAdvisors(new GuardAdvisor(by, () -> caller))
        .build();
  }

  private static org.springframework.ai.chat.model.ChatResponse piece(String text, int tokens) {
    return new org.springframework.ai.chat.model.ChatResponse(
        List.of(new Generation(new org.springframework.ai.chat.messages.AssistantMessage(text))),
        ChatResponseMetadata.builder()
            .usage(tokens == 0 ? new EmptyUsage() : new DefaultUsage(7, tokens))
            .build());
  }

  @Test
  void aStreamOfASpringAiClientIsGuardedAndMetered() {
    ChatClient client = streaming(Flux.just(piece("Sa", 0), piece("lt.", 3)), "gemma3");
    assertThat(client.prompt("x").stream().content().collectList().block())
        .containsExactly("Sa", "lt.");
    assertThat(outcomes).containsExactly("completed");
    assertThat(ended.get(0).usage().outputTokens()).isEqualTo(3);
  }

  @Test
  void aStreamOfASpringAiClientThatReportsNothingPaysItsPieces() {
    ChatClient client = streaming(Flux.just(piece("Sa", 0), piece("lt.", 0)), "gemma3");
    assertThat(client.prompt("x").stream().content().collectList().block()).hasSize(2);
    assertThat(outcomes).containsExactly("completed");
    assertThat(ended.get(0).usage().outputTokens()).isEqualTo(2);
    assertThat(ended.get(0).usage().estimated()).isTrue();
  }

  @Test
  void aStreamOfASpringAiClientThatIsCancelledPaysWhatHasPassed() {
    ChatClient client =
        streaming(Flux.concat(Flux.just(piece("Sa", 0), piece("lt.", 0)), Flux.never()), "gemma3");
    assertThat(client.prompt("x").stream().content().take(2).collectList().block()).hasSize(2);
    assertThat(outcomes).containsExactly("client-gone");
    assertThat(ended.get(0).usage().outputTokens()).isEqualTo(2);
  }

  @Test
  void aRefusedStreamOfASpringAiClientAsksNoModel() {
    AtomicBoolean asked = new AtomicBoolean();
    ChatClient client =
        streaming(
            Flux.defer(
                () -> {
                  asked.set(true);
                  return Flux.empty();
                }),
            "llama3");
    assertThatThrownBy(() -> client.prompt("x").stream().content().collectList().block())
        .isInstanceOf(CallRefusedException.class);
    assertThat(asked).isFalse();
    assertThat(outcomes).containsExactly("refused:model-not-allowed");
  }

  // ---- what content guards let through

  @Test
  void whatIsShownOfALangChain4jModelsAnswerIsWhatGuardsLetThrough() {
    ChatModel redacting =
        new GuardedChatModel(
            new Model("Ask alice@example.com."), inspecting(Reaction.REDACT), () -> caller);
    assertThat(redacting.chat(question("gemma3")).aiMessage().text()).isEqualTo("Ask [email].");
    ChatModel refusing =
        new GuardedChatModel(
            new Model("Ask alice@example.com."), inspecting(Reaction.REFUSE), () -> caller);
    assertThatThrownBy(() -> refusing.chat(question("gemma3")))
        .isInstanceOf(CallRefusedException.class);
    assertThat(outcomes).containsExactly("completed", "refused:content-data-email");
    assertThat(ended.get(1).usage().outputTokens()).isEqualTo(3);
  }

  @Test
  void aStreamOfALangChain4jModelShowsWhatGuardsLetThrough() {
    Told told = new Told(Integer.MAX_VALUE);
    new GuardedStreamingChatModel(
            new StreamingModel("Ask ali", "ce@example", ".com"),
            inspecting(Reaction.REDACT),
            () -> caller)
        .chat(question("gemma3"), told);
    assertThat(told.text).hasToString("Ask [email] (Ask [email])");
    StreamingModel model = new StreamingModel("Ask ", "alice@example.com ", "now");
    Told refused = new Told(Integer.MAX_VALUE);
    new GuardedStreamingChatModel(model, inspecting(Reaction.REFUSE), () -> caller)
        .chat(question("gemma3"), refused);
    assertThat(refused.text).hasToString("Ask ");
    assertThat(refused.failure).isInstanceOf(CallRefusedException.class);
    assertThat(model.completed).isFalse();
    assertThat(outcomes).containsExactly("completed", "refused:content-data-email");
    assertThat(ended.get(1).usage().outputTokens()).isEqualTo(2);
  }

  @Test
  void whatIsShownOfASpringAiAnswerIsWhatGuardsLetThrough() {
    Flux<org.springframework.ai.chat.model.ChatResponse> pieces =
        Flux.just(piece("Ask ali", 0), piece("ce@example", 0), piece(".com", 3));
    ChatClient redacting = streaming(pieces, "gemma3", inspecting(Reaction.REDACT));
    assertThat(String.join("", redacting.prompt("x").stream().content().collectList().block()))
        .isEqualTo("Ask [email]");
    ChatClient refusing = streaming(pieces, "gemma3", inspecting(Reaction.REFUSE));
    assertThatThrownBy(() -> refusing.prompt("x").stream().content().collectList().block())
        .isInstanceOf(CallRefusedException.class);
    assertThat(outcomes).containsExactly("completed", "refused:content-data-email");
  }

  @Test
  void whatIsShownOfASpringAiAnswerAtOnceIsWhatGuardsLetThrough() {
    List<Prompt> asked = new ArrayList<>();
    ChatClient redacting =
        client(asked, "gemma3", 50, "Ask alice@example.com.", inspecting(Reaction.REDACT));
    assertThat(redacting.prompt("x").call().content()).isEqualTo("Ask [email].");
    ChatClient refusing =
        client(asked, "gemma3", 50, "Ask alice@example.com.", inspecting(Reaction.REFUSE));
    assertThatThrownBy(() -> refusing.prompt("x").call().content())
        .isInstanceOf(CallRefusedException.class);
    assertThat(outcomes).containsExactly("completed", "refused:content-data-email");
    assertThat(ended.get(1).usage().outputTokens()).isEqualTo(3);
  }
}
