package io.llmguard.benchmark.client;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.ollama.OllamaStreamingChatModel;
import io.github.ollama4j.Ollama;
import io.github.ollama4j.models.chat.OllamaChatMessageRole;
import io.github.ollama4j.models.chat.OllamaChatRequest;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.OllamaClient;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.ollama.OllamaChatModel;
import org.springframework.ai.ollama.api.OllamaApi;
import org.springframework.ai.ollama.api.OllamaChatOptions;

/** The clients that are measured. */
enum Clients {
  /** Ours, as an iterable stream. */
  LLMGUARD("llmguard, stream") {
    @Override
    Reader open(String url) {
      return new Llmguard(url);
    }
  },
  /** Ours, as a {@code Flow.Publisher}. */
  LLMGUARD_PUBLISHER("llmguard, publisher") {
    @Override
    Reader open(String url) {
      return new LlmguardPublisher(url);
    }
  },
  /** ollama4j, with a token handler. */
  OLLAMA4J("ollama4j") {
    @Override
    Reader open(String url) {
      Ollama ollama = new Ollama(url);
      return piece ->
          ollama.chat(
              OllamaChatRequest.builder()
                  .withModel(Script.MODEL)
                  .withMessage(OllamaChatMessageRole.USER, Script.QUESTION)
                  .build(),
              token -> piece.accept(token.getMessage().getResponse()));
    }
  },
  /** langchain4j, with a streaming handler. */
  LANGCHAIN4J("langchain4j-ollama") {
    @Override
    Reader open(String url) {
      OllamaStreamingChatModel model =
          OllamaStreamingChatModel.builder()
              .baseUrl(url)
              .modelName(Script.MODEL)
              .timeout(Duration.ofMinutes(1))
              .build();
      return piece -> langchain4j(model, piece);
    }
  },
  /** Spring AI's chat model, as a Flux. */
  SPRING_AI("spring-ai-ollama, OllamaChatModel") {
    @Override
    Reader open(String url) {
      OllamaChatModel model =
          OllamaChatModel.builder()
              .ollamaApi(OllamaApi.builder().baseUrl(url).build())
              .options(OllamaChatOptions.builder().model(Script.MODEL).build())
              .build();
      return piece ->
          model.stream(new Prompt(Script.QUESTION))
              .doOnNext(
                  response -> {
                    String text =
                        response.getResult() == null
                            ? null
                            : response.getResult().getOutput().getText();
                    piece.accept(text == null ? "" : text);
                  })
              .blockLast();
    }
  },
  /** Spring AI's lower layer, as a Flux. */
  SPRING_AI_API("spring-ai-ollama, OllamaApi") {
    @Override
    Reader open(String url) {
      OllamaApi api = OllamaApi.builder().baseUrl(url).build();
      return piece ->
          api.streamingChat(
                  OllamaApi.ChatRequest.builder(Script.MODEL)
                      .messages(
                          List.of(
                              OllamaApi.Message.builder(OllamaApi.Message.Role.USER)
                                  .content(Script.QUESTION)
                                  .build()))
                      .stream(true)
                      .build())
              .doOnNext(
                  response -> {
                    String text = response.message() == null ? null : response.message().content();
                    piece.accept(text == null ? "" : text);
                  })
              .blockLast();
    }
  };

  private final String title;

  Clients(String title) {
    this.title = title;
  }

  /** Its name in the table. */
  String title() {
    return title;
  }

  /** Whether it is this project's. */
  boolean ours() {
    return this == LLMGUARD || this == LLMGUARD_PUBLISHER;
  }

  /** A client of this server. */
  abstract Reader open(String url);

  private static void langchain4j(OllamaStreamingChatModel model, Consumer<String> piece) {
    CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
    model.chat(
        Script.QUESTION,
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(String text) {
            piece.accept(text);
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            whole.complete(response);
          }

          @Override
          public void onError(Throwable failure) {
            whole.completeExceptionally(failure);
          }
        });
    whole.join();
  }

  private static final class Llmguard implements Reader {
    private final OllamaClient client;

    Llmguard(String url) {
      client = OllamaClient.create(url);
    }

    @Override
    public void read(Consumer<String> piece) {
      try (var stream = client.chatStream(ChatRequest.of(Script.MODEL, Script.QUESTION))) {
        for (var chunk : stream) {
          piece.accept(chunk.text());
        }
        stream.result();
      }
    }

    @Override
    public void close() {
      client.close();
    }
  }

  private static final class LlmguardPublisher implements Reader {
    private final OllamaClient client;

    LlmguardPublisher(String url) {
      client = OllamaClient.create(url);
    }

    @Override
    public void read(Consumer<String> piece) {
      CompletableFuture<Boolean> end = new CompletableFuture<>();
      client
          .chatPublisher(ChatRequest.of(Script.MODEL, Script.QUESTION))
          .subscribe(new Receiver(piece, end));
      end.join();
    }

    @Override
    public void close() {
      client.close();
    }
  }

  private record Receiver(Consumer<String> piece, CompletableFuture<Boolean> end)
      implements Flow.Subscriber<io.llmguard.ollama.ChatResponse> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(io.llmguard.ollama.ChatResponse chunk) {
      piece.accept(chunk.text());
    }

    @Override
    public void onError(Throwable failure) {
      end.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      end.complete(true);
    }
  }
}
