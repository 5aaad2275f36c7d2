package io.llmguard.reactive.ollama;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.CreateRequest;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbedResponse;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.EmbeddingsResponse;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.ListResponse;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.Progress;
import io.llmguard.ollama.PullRequest;
import io.llmguard.ollama.PushRequest;
import io.llmguard.ollama.RunningResponse;
import io.llmguard.ollama.ServerStatus;
import io.llmguard.ollama.ShowRequest;
import io.llmguard.ollama.ShowResponse;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * {@link OllamaClient} in Flux and Mono. Nothing is sent before the subscription, each subscription
 * is a call of its own, what is not asked for is not read from the server, and a cancelled
 * subscription cancels the call, also before its first event. Failures are {@link
 * io.llmguard.ollama.OllamaException}. Thread-safe.
 */
public final class ReactiveOllamaClient implements AutoCloseable {
  private final OllamaClient client;

  private ReactiveOllamaClient(OllamaClient client) {
    this.client = client;
  }

  /** Over a client, which is closed with this one. */
  public static ReactiveOllamaClient over(OllamaClient client) {
    return new ReactiveOllamaClient(client);
  }

  /** A client of one server, with the defaults. */
  public static ReactiveOllamaClient create(String baseUrl) {
    return over(OllamaClient.create(baseUrl));
  }

  private static <T> Mono<T> mono(Supplier<CompletableFuture<T>> call) {
    return Mono.fromFuture(call);
  }

  /** Chats: the next message of a conversation. As its value. */
  public Mono<ChatResponse> chat(ChatRequest request) {
    return mono(() -> client.chatAsync(request));
  }

  /** Chats: the next message of a conversation. Event by event. */
  public Flux<ChatResponse> chatStream(ChatRequest request) {
    return JdkFlowAdapter.flowPublisherToFlux(client.chatPublisher(request));
  }

  /** Chats, and reads the answer as a record: its schema goes along as the format. */
  public <T extends Record> Mono<T> chat(ChatRequest request, Class<T> type) {
    return mono(() -> client.chatAsync(request, type));
  }

  /** Generates: what follows a prompt. As its value. */
  public Mono<GenerateResponse> generate(GenerateRequest request) {
    return mono(() -> client.generateAsync(request));
  }

  /** Generates: what follows a prompt. Event by event. */
  public Flux<GenerateResponse> generateStream(GenerateRequest request) {
    return JdkFlowAdapter.flowPublisherToFlux(client.generatePublisher(request));
  }

  /** Generates, and reads the answer as a record: its schema goes along as the format. */
  public <T extends Record> Mono<T> generate(GenerateRequest request, Class<T> type) {
    return mono(() -> client.generateAsync(request, type));
  }

  /** Fetches a model from its registry. As its value. */
  public Mono<Progress.Success> pull(PullRequest request) {
    return mono(() -> client.pullAsync(request));
  }

  /** Fetches a model from its registry. Event by event. */
  public Flux<Progress> pullStream(PullRequest request) {
    return JdkFlowAdapter.flowPublisherToFlux(client.pullPublisher(request));
  }

  /** Sends a model to its registry. As its value. */
  public Mono<Progress.Success> push(PushRequest request) {
    return mono(() -> client.pushAsync(request));
  }

  /** Sends a model to its registry. Event by event. */
  public Flux<Progress> pushStream(PushRequest request) {
    return JdkFlowAdapter.flowPublisherToFlux(client.pushPublisher(request));
  }

  /** Makes a model. As its value. */
  public Mono<Progress.Success> create(CreateRequest request) {
    return mono(() -> client.createAsync(request));
  }

  /** Makes a model. Event by event. */
  public Flux<Progress> createStream(CreateRequest request) {
    return JdkFlowAdapter.flowPublisherToFlux(client.createPublisher(request));
  }

  /** Vectors of texts. */
  public Mono<EmbedResponse> embed(EmbedRequest request) {
    return mono(() -> client.embedAsync(request));
  }

  /** The vector of one text, by the older endpoint. */
  public Mono<EmbeddingsResponse> embeddings(EmbeddingsRequest request) {
    return mono(() -> client.embeddingsAsync(request));
  }

  /** The models that the server has. */
  public Mono<ListResponse> list() {
    return mono(() -> client.listAsync());
  }

  /** The models that are loaded. */
  public Mono<RunningResponse> running() {
    return mono(() -> client.runningAsync());
  }

  /** The server's version. */
  public Mono<String> version() {
    return mono(() -> client.versionAsync());
  }

  /** What the server says of itself at its root. */
  public Mono<String> greeting() {
    return mono(() -> client.greetingAsync());
  }

  /** Whether the server may use models that run elsewhere. */
  public Mono<ServerStatus> status() {
    return mono(() -> client.statusAsync());
  }

  /** All about a model. */
  public Mono<ShowResponse> show(ShowRequest request) {
    return mono(() -> client.showAsync(request));
  }

  /** Copies a model under another name. */
  public Mono<Void> copy(String source, String destination) {
    return mono(() -> client.copyAsync(source, destination));
  }

  /** Deletes a model. */
  public Mono<Void> delete(String model) {
    return mono(() -> client.deleteAsync(model));
  }

  /** Whether the server has a blob. */
  public Mono<Boolean> blobExists(String digest) {
    return mono(() -> client.blobExistsAsync(digest));
  }

  /** Sends a file as a blob and answers its digest. */
  public Mono<String> createBlob(Path file) {
    return mono(() -> client.createBlobAsync(file));
  }

  /** Closes the client under this one. */
  @Override
  public void close() {
    client.close();
  }
}
