package io.llmguard.ollama;

import io.llmguard.TimeSource;
import io.llmguard.ollama.internal.Calls;
import io.llmguard.ollama.internal.Digests;
import io.llmguard.ollama.internal.Futures;
import io.llmguard.ollama.internal.HeaderFields;
import io.llmguard.ollama.internal.Servers;
import io.llmguard.ollama.internal.Structured;
import io.llmguard.ollama.internal.Transport;
import java.io.IOException;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A client of Ollama's native API, alone or through a gateway. Thread-safe; keeps connections and
 * threads until it is closed. Each endpoint is called for its value or a future of it; those that
 * stream also as a stream or a publisher of their events.
 *
 * <pre>{@code
 * try (OllamaClient client = OllamaClient.create("http://127.0.0.1:11434");
 *     var stream = client.chatStream(ChatRequest.of("gemma3:270m", "Why is the sky blue?"))) {
 *   for (ChatResponse chunk : stream) {
 *     System.out.print(chunk.text());
 *   }
 *   System.out.println(stream.result().metrics().tokensPerSecond());
 * }
 * }</pre>
 */
public final class OllamaClient implements AutoCloseable {
  private final Transport transport;

  /** The same, with patience for work without a word. */
  private final Transport transfers;

  private final Duration transferIdle;

  private OllamaClient(Transport transport, Timeouts timeouts, Duration transferIdle) {
    this.transport = transport;
    this.transfers = transport.with(timeouts.withIdle(transferIdle));
    this.transferIdle = transferIdle;
  }

  /** A client of one server, with the defaults. */
  public static OllamaClient create(String baseUrl) {
    return builder().baseUrl(baseUrl).build();
  }

  /** Starts a client of {@code http://127.0.0.1:11434}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * A view of this client with other time limits, but the one for connecting and the idle limit of
   * pull, push and create, which stay. It shares connections and threads; closing it cancels its
   * own calls and closes nothing else.
   */
  public OllamaClient withTimeouts(Timeouts timeouts) {
    return new OllamaClient(transport.with(timeouts), timeouts, transferIdle);
  }

  /**
   * Chats: the next message of a conversation.
   *
   * @throws OllamaException where it fails
   */
  public ChatResponse chat(ChatRequest request) {
    return transport.execute(Calls.chat(request, false));
  }

  /** Chats: the next message of a conversation. As a stream, to be closed. */
  public EventStream<ChatResponse, ChatResponse> chatStream(ChatRequest request) {
    return transport.stream(Calls.chat(request, true));
  }

  /** Chats: the next message of a conversation. As a future; cancelling it cancels the call. */
  public CompletableFuture<ChatResponse> chatAsync(ChatRequest request) {
    return transport.async(Calls.chat(request, false));
  }

  /**
   * Chats: the next message of a conversation. As events on demand; each subscription is a call of
   * its own.
   */
  public Flow.Publisher<ChatResponse> chatPublisher(ChatRequest request) {
    return transport.publisher(Calls.chat(request, true));
  }

  /**
   * Generates: what follows a prompt.
   *
   * @throws OllamaException where it fails
   */
  public GenerateResponse generate(GenerateRequest request) {
    return transport.execute(Calls.generate(request, false));
  }

  /** Generates: what follows a prompt. As a stream, to be closed. */
  public EventStream<GenerateResponse, GenerateResponse> generateStream(GenerateRequest request) {
    return transport.stream(Calls.generate(request, true));
  }

  /** Generates: what follows a prompt. As a future; cancelling it cancels the call. */
  public CompletableFuture<GenerateResponse> generateAsync(GenerateRequest request) {
    return transport.async(Calls.generate(request, false));
  }

  /**
   * Generates: what follows a prompt. As events on demand; each subscription is a call of its own.
   */
  public Flow.Publisher<GenerateResponse> generatePublisher(GenerateRequest request) {
    return transport.publisher(Calls.generate(request, true));
  }

  /**
   * Chats, and reads the answer as a record: its schema goes along as the format.
   *
   * @throws StructuredOutputException where the model's text does not fit, saying where
   * @throws OllamaException where the call fails
   */
  public <T extends Record> T chat(ChatRequest request, Class<T> type) {
    ChatRequest formatted = request.withFormat(Format.schema(JsonSchema.of(type)));
    return Structured.read(chat(formatted).text(), type);
  }

  /**
   * Generates, and reads the answer as a record: its schema goes along as the format.
   *
   * @throws StructuredOutputException where the model's text does not fit, saying where
   * @throws OllamaException where the call fails
   */
  public <T extends Record> T generate(GenerateRequest request, Class<T> type) {
    GenerateRequest formatted = request.withFormat(Format.schema(JsonSchema.of(type)));
    return Structured.read(generate(formatted).text(), type);
  }

  /**
   * Chats, and reads the answer as a record: its schema goes along as the format. As a future,
   * which fails with a {@link StructuredOutputException} where the model's text does not fit;
   * cancelling it cancels the call.
   */
  public <T extends Record> CompletableFuture<T> chatAsync(ChatRequest request, Class<T> type) {
    ChatRequest formatted = request.withFormat(Format.schema(JsonSchema.of(type)));
    return Futures.map(chatAsync(formatted), answer -> Structured.read(answer.text(), type));
  }

  /**
   * Generates, and reads the answer as a record: its schema goes along as the format. As a future,
   * which fails with a {@link StructuredOutputException} where the model's text does not fit;
   * cancelling it cancels the call.
   */
  public <T extends Record> CompletableFuture<T> generateAsync(
      GenerateRequest request, Class<T> type) {
    GenerateRequest formatted = request.withFormat(Format.schema(JsonSchema.of(type)));
    return Futures.map(generateAsync(formatted), answer -> Structured.read(answer.text(), type));
  }

  /**
   * Fetches a model from its registry.
   *
   * @throws OllamaException where it fails
   */
  public Progress.Success pull(PullRequest request) {
    return transfers.execute(Calls.pull(request));
  }

  /** Fetches a model from its registry. As a stream, to be closed. */
  public EventStream<Progress, Progress.Success> pullStream(PullRequest request) {
    return transfers.stream(Calls.pull(request));
  }

  /** Fetches a model from its registry. As a future; cancelling it cancels the call. */
  public CompletableFuture<Progress.Success> pullAsync(PullRequest request) {
    return transfers.async(Calls.pull(request));
  }

  /**
   * Fetches a model from its registry. As events on demand; each subscription is a call of its own.
   */
  public Flow.Publisher<Progress> pullPublisher(PullRequest request) {
    return transfers.publisher(Calls.pull(request));
  }

  /**
   * Sends a model to its registry.
   *
   * @throws OllamaException where it fails
   */
  public Progress.Success push(PushRequest request) {
    return transfers.execute(Calls.push(request));
  }

  /** Sends a model to its registry. As a stream, to be closed. */
  public EventStream<Progress, Progress.Success> pushStream(PushRequest request) {
    return transfers.stream(Calls.push(request));
  }

  /** Sends a model to its registry. As a future; cancelling it cancels the call. */
  public CompletableFuture<Progress.Success> pushAsync(PushRequest request) {
    return transfers.async(Calls.push(request));
  }

  /** Sends a model to its registry. As events on demand; each subscription is a call of its own. */
  public Flow.Publisher<Progress> pushPublisher(PushRequest request) {
    return transfers.publisher(Calls.push(request));
  }

  /**
   * Makes a model.
   *
   * @throws OllamaException where it fails
   */
  public Progress.Success create(CreateRequest request) {
    return transfers.execute(Calls.create(request));
  }

  /** Makes a model. As a stream, to be closed. */
  public EventStream<Progress, Progress.Success> createStream(CreateRequest request) {
    return transfers.stream(Calls.create(request));
  }

  /** Makes a model. As a future; cancelling it cancels the call. */
  public CompletableFuture<Progress.Success> createAsync(CreateRequest request) {
    return transfers.async(Calls.create(request));
  }

  /** Makes a model. As events on demand; each subscription is a call of its own. */
  public Flow.Publisher<Progress> createPublisher(CreateRequest request) {
    return transfers.publisher(Calls.create(request));
  }

  /**
   * Vectors of texts.
   *
   * @throws OllamaException where it fails
   */
  public EmbedResponse embed(EmbedRequest request) {
    return transport.execute(Calls.embed(request));
  }

  /** Vectors of texts. As a future; cancelling it cancels the call. */
  public CompletableFuture<EmbedResponse> embedAsync(EmbedRequest request) {
    return transport.async(Calls.embed(request));
  }

  /**
   * The vector of one text, by the older endpoint.
   *
   * @throws OllamaException where it fails
   */
  public EmbeddingsResponse embeddings(EmbeddingsRequest request) {
    return transport.execute(Calls.embeddings(request));
  }

  /** The vector of one text, by the older endpoint. As a future; cancelling it cancels the call. */
  public CompletableFuture<EmbeddingsResponse> embeddingsAsync(EmbeddingsRequest request) {
    return transport.async(Calls.embeddings(request));
  }

  /**
   * The models that the server has.
   *
   * @throws OllamaException where it fails
   */
  public ListResponse list() {
    return transport.execute(Calls.list());
  }

  /** The models that the server has. As a future; cancelling it cancels the call. */
  public CompletableFuture<ListResponse> listAsync() {
    return transport.async(Calls.list());
  }

  /**
   * The models that are loaded.
   *
   * @throws OllamaException where it fails
   */
  public RunningResponse running() {
    return transport.execute(Calls.running());
  }

  /** The models that are loaded. As a future; cancelling it cancels the call. */
  public CompletableFuture<RunningResponse> runningAsync() {
    return transport.async(Calls.running());
  }

  /**
   * The server's version.
   *
   * @throws OllamaException where it fails
   */
  public String version() {
    return serverVersion().version();
  }

  /** The server's version. As a future; cancelling it cancels the call. */
  public CompletableFuture<String> versionAsync() {
    return Futures.map(serverVersionAsync(), ServerVersion::version);
  }

  /**
   * The server's version, with all that it says beside.
   *
   * @throws OllamaException where it fails
   */
  public ServerVersion serverVersion() {
    return transport.execute(Calls.version());
  }

  /**
   * The server's version, with all that it says beside. As a future; cancelling it cancels the
   * call.
   */
  public CompletableFuture<ServerVersion> serverVersionAsync() {
    return transport.async(Calls.version());
  }

  /**
   * What the server says of itself at its root, {@code Ollama is running}: whether it is there.
   *
   * @throws OllamaException where it fails
   */
  public String greeting() {
    return transport.execute(Calls.greeting());
  }

  /** What the server says of itself at its root. As a future; cancelling it cancels the call. */
  public CompletableFuture<String> greetingAsync() {
    return transport.async(Calls.greeting());
  }

  /**
   * Whether the server may use models that run elsewhere.
   *
   * @throws OllamaException where it fails
   */
  public ServerStatus status() {
    return transport.execute(Calls.status());
  }

  /**
   * Whether the server may use models that run elsewhere. As a future; cancelling it cancels the
   * call.
   */
  public CompletableFuture<ServerStatus> statusAsync() {
    return transport.async(Calls.status());
  }

  /**
   * All about a model.
   *
   * @throws OllamaException where it fails
   */
  public ShowResponse show(ShowRequest request) {
    return transport.execute(Calls.show(request));
  }

  /** All about a model. As a future; cancelling it cancels the call. */
  public CompletableFuture<ShowResponse> showAsync(ShowRequest request) {
    return transport.async(Calls.show(request));
  }

  /**
   * Copies a model under another name.
   *
   * @throws OllamaException where it fails
   */
  public void copy(String source, String destination) {
    transport.execute(Calls.copy(source, destination));
  }

  /** Copies a model under another name. As a future; cancelling it cancels the call. */
  public CompletableFuture<Void> copyAsync(String source, String destination) {
    return nothing(transport.async(Calls.copy(source, destination)));
  }

  /**
   * Deletes a model.
   *
   * @throws OllamaException where it fails
   */
  public void delete(String model) {
    transport.execute(Calls.delete(model));
  }

  /** Deletes a model. As a future; cancelling it cancels the call. */
  public CompletableFuture<Void> deleteAsync(String model) {
    return nothing(transport.async(Calls.delete(model)));
  }

  /**
   * Whether the server has a blob.
   *
   * @param digest {@code sha256:} and 64 hex digits
   * @throws OllamaException where it fails
   */
  public boolean blobExists(String digest) {
    return transport.execute(Calls.blobExists(digest));
  }

  /**
   * Sends a file as a blob, if the server does not have it yet; the file is streamed, never held.
   *
   * @return its digest, for {@link CreateRequest}
   * @throws IOException where the file cannot be read
   * @throws OllamaException where the call fails
   */
  public String createBlob(Path file) throws IOException {
    String digest = Digests.sha256(file);
    if (!blobExists(digest)) {
      transport.execute(Calls.createBlob(digest, file));
    }
    return digest;
  }

  /**
   * Whether the server has a blob. As a future; cancelling it cancels the call.
   *
   * @param digest {@code sha256:} and 64 hex digits
   */
  public CompletableFuture<Boolean> blobExistsAsync(String digest) {
    return transport.async(Calls.blobExists(digest));
  }

  /**
   * Sends a file as a blob, if the server does not have it yet; the file is streamed, never held,
   * and read by a thread of the client. As a future of its digest, which fails with an {@link
   * IOException} where the file cannot be read; cancelling it cancels the call under way.
   */
  public CompletableFuture<String> createBlobAsync(Path file) {
    return Futures.then(
        transport.work(() -> Digests.sha256(file)),
        digest ->
            Futures.then(
                blobExistsAsync(digest),
                there ->
                    there
                        ? CompletableFuture.completedFuture(digest)
                        : Futures.then(
                            transport.async(Calls.createBlob(digest, file)),
                            sent -> CompletableFuture.completedFuture(digest))));
  }

  private static CompletableFuture<Void> nothing(CompletableFuture<?> call) {
    return Futures.then(call, value -> CompletableFuture.completedFuture(null));
  }

  /** Cancels the calls that run, closes the connections and ends the threads. */
  @Override
  public void close() {
    transfers.close();
    transport.close();
  }

  /** Collects a client's settings. Not thread-safe. */
  public static final class Builder {
    private List<URI> servers = List.of(URI.create("http://127.0.0.1:11434"));
    private Timeouts timeouts = Timeouts.DEFAULT;
    private Duration transferIdle = Duration.ofMinutes(15);
    private RetryPolicy retry = RetryPolicy.DEFAULT;
    private Supplier<? extends @Nullable Credential> credential = () -> null;
    private final Map<String, String> headers = new LinkedHashMap<>();
    private CallObserver observer =
        call ->
            end -> {
              // nobody asked to be told
            };
    private @Nullable SSLContext tls;
    private ProxySelector proxy = HttpClient.Builder.NO_PROXY;
    private int maxResponse = 64 * 1024 * 1024;
    private TimeSource time = TimeSource.system();

    private Builder() {}

    /**
     * Sets the server: http or https, with or without a path before {@code /api}.
     *
     * @throws IllegalArgumentException where it is no base URL; see {@link #baseUrls}
     */
    public Builder baseUrl(String url) {
      return baseUrls(List.of(Servers.parse(url)));
    }

    /**
     * Sets several servers that have the same models: the first is asked, and where it cannot be
     * reached or is busy, the next; the one that worked is asked first from then on.
     *
     * @throws IllegalArgumentException naming a URL that is none of http or https, has no host, or
     *     holds a user name, a query or a fragment
     */
    public Builder baseUrls(List<URI> urls) {
      servers = Servers.check(urls);
      return this;
    }

    /** Sets the time limits; default {@link Timeouts#DEFAULT}. */
    public Builder timeouts(Timeouts limits) {
      timeouts = limits;
      return this;
    }

    /**
     * Sets the idle limit of pull, push and create, which are silent while the server verifies or
     * quantises; default 15 minutes. Their other limits are those of {@link #timeouts}.
     *
     * @throws IllegalArgumentException where it is not more than zero
     */
    public Builder transferIdle(Duration limit) {
      transferIdle = Timeouts.DEFAULT.withIdle(limit).idle();
      return this;
    }

    /** Sets when to try again; default {@link RetryPolicy#DEFAULT}. */
    public Builder retry(RetryPolicy policy) {
      retry = policy;
      return this;
    }

    /** Sets the credential of every call. */
    public Builder credential(Credential fixed) {
      credential = () -> fixed;
      return this;
    }

    /** Sets what is asked for a credential before each attempt; it may answer null for none. */
    public Builder credential(Supplier<? extends @Nullable Credential> supplier) {
      credential = supplier;
      return this;
    }

    /**
     * Adds a header to every call.
     *
     * @throws IllegalArgumentException where the name is no token of HTTP or belongs to the
     *     connection ({@code Host}, {@code Content-Length}), or the value holds anything but
     *     visible ASCII characters and spaces; the value is not repeated there
     */
    public Builder header(String name, String value) {
      HeaderFields.check(name, value);
      headers.put(name, value);
      return this;
    }

    /** Sets who is told of each call. */
    public Builder observer(CallObserver told) {
      observer = told;
      return this;
    }

    /** Sets what https trusts, and the client certificate that it shows; default the platform's. */
    public Builder tls(SSLContext context) {
      tls = context;
      return this;
    }

    /**
     * Sets the proxy, of HTTP; default none, whatever the JVM's own settings say ({@link
     * ProxySelector#getDefault()} takes those). A {@link #header} whose name begins with {@code
     * Proxy-}, as {@code Proxy-Authorization}, goes to the proxy and to no server.
     */
    public Builder proxy(ProxySelector selector) {
      proxy = selector;
      return this;
    }

    /**
     * Sets how long one line, or an answer that comes whole, may be in bytes; default 64 MiB. What
     * a stream's events are put together to is bounded apart, at 64 Mi characters.
     */
    public Builder maxResponse(int bytes) {
      maxResponse = Servers.maxResponse(bytes);
      return this;
    }

    /** Sets the clocks; default the machine's. */
    public Builder time(TimeSource source) {
      time = source;
      return this;
    }

    /** The client. */
    public OllamaClient build() {
      return new OllamaClient(
          new Transport(
              new Transport.Settings(
                  "ollama",
                  servers,
                  timeouts,
                  retry,
                  credential,
                  Map.copyOf(headers),
                  observer,
                  tls,
                  proxy,
                  maxResponse,
                  time)),
          timeouts,
          transferIdle);
    }
  }
}
