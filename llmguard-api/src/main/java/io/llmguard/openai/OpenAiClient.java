package io.llmguard.openai;

import io.llmguard.TimeSource;
import io.llmguard.ollama.CallObserver;
import io.llmguard.ollama.Credential;
import io.llmguard.ollama.EventStream;
import io.llmguard.ollama.RetryPolicy;
import io.llmguard.ollama.Timeouts;
import io.llmguard.ollama.internal.Transport;
import io.llmguard.openai.internal.OpenAiCalls;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A small client of OpenAI-compatible servers, with the streams, time limits and failures of {@link
 * io.llmguard.ollama.OllamaClient}: a stream that ends without {@code [DONE]} is truncated.
 * Thread-safe; keeps connections and threads until it is closed.
 */
public final class OpenAiClient implements AutoCloseable {
  private final Transport transport;

  private OpenAiClient(Transport transport) {
    this.transport = transport;
  }

  /** A client of one server, with the defaults; the URL is the one before {@code /v1}. */
  public static OpenAiClient create(String baseUrl) {
    return builder(baseUrl).build();
  }

  /** Starts a client; the URL is the one before {@code /v1}. */
  public static Builder builder(String baseUrl) {
    return new Builder(URI.create(baseUrl));
  }

  /**
   * Answers a chat or completes a prompt.
   *
   * @throws io.llmguard.ollama.OllamaException where it fails
   */
  public OpenAiResponse complete(OpenAiRequest request) {
    return transport.execute(OpenAiCalls.complete(request, false));
  }

  /** Answers a chat or completes a prompt. As a stream, to be closed. */
  public EventStream<OpenAiResponse, OpenAiResponse> completeStream(OpenAiRequest request) {
    return transport.stream(OpenAiCalls.complete(request, true));
  }

  /** Answers a chat or completes a prompt. As a future; cancelling it cancels the call. */
  public CompletableFuture<OpenAiResponse> completeAsync(OpenAiRequest request) {
    return transport.async(OpenAiCalls.complete(request, false));
  }

  /** Answers a chat or completes a prompt. As events on demand; each subscription is a call. */
  public Flow.Publisher<OpenAiResponse> completePublisher(OpenAiRequest request) {
    return transport.publisher(OpenAiCalls.complete(request, true));
  }

  /**
   * Vectors of texts, in their order.
   *
   * @throws io.llmguard.ollama.OllamaException where it fails
   */
  public List<float[]> embeddings(String model, List<String> input) {
    return transport.execute(OpenAiCalls.embeddings(model, input));
  }

  /** Vectors of texts, in their order. As a future; cancelling it cancels the call. */
  public CompletableFuture<List<float[]>> embeddingsAsync(String model, List<String> input) {
    return transport.async(OpenAiCalls.embeddings(model, input));
  }

  /**
   * The models that the server has.
   *
   * @throws io.llmguard.ollama.OllamaException where it fails
   */
  public List<OpenAiModel> models() {
    return transport.execute(OpenAiCalls.models());
  }

  /** The models that the server has. As a future; cancelling it cancels the call. */
  public CompletableFuture<List<OpenAiModel>> modelsAsync() {
    return transport.async(OpenAiCalls.models());
  }

  /** Cancels the calls that run, closes the connections and ends the threads. */
  @Override
  public void close() {
    transport.close();
  }

  /** Collects a client's settings. Not thread-safe. */
  public static final class Builder {
    private final URI server;
    private Timeouts timeouts = Timeouts.DEFAULT;
    private RetryPolicy retry = RetryPolicy.DEFAULT;
    private Supplier<? extends @Nullable Credential> credential = () -> null;
    private @Nullable SSLContext tls;
    private CallObserver observer =
        call ->
            end -> {
              // nobody asked to be told
            };

    private Builder(URI server) {
      if (server.getHost() == null || server.getUserInfo() != null) {
        throw new IllegalArgumentException("a base URL has a host and no credential");
      }
      this.server = server;
    }

    /** Sets the time limits; default {@link Timeouts#DEFAULT}. */
    public Builder timeouts(Timeouts limits) {
      timeouts = limits;
      return this;
    }

    /** Sets when to try again; default {@link RetryPolicy#DEFAULT}. */
    public Builder retry(RetryPolicy policy) {
      retry = policy;
      return this;
    }

    /** Sets what is asked for a credential before each attempt; it may answer null for none. */
    public Builder credential(Supplier<? extends @Nullable Credential> supplier) {
      credential = supplier;
      return this;
    }

    /** Sets what https trusts, and the client certificate that it shows; default the platform's. */
    public Builder tls(SSLContext context) {
      tls = context;
      return this;
    }

    /** Sets who is told of each call. */
    public Builder observer(CallObserver told) {
      observer = told;
      return this;
    }

    /** The client. */
    public OpenAiClient build() {
      return new OpenAiClient(
          new Transport(
              new Transport.Settings(
                  "openai",
                  List.of(server),
                  timeouts,
                  retry,
                  credential,
                  Map.of(),
                  observer,
                  tls,
                  null,
                  64 * 1024 * 1024,
                  TimeSource.system())));
    }
  }
}
