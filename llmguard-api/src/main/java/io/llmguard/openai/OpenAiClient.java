package io.llmguard.openai;

import io.llmguard.TimeSource;
import io.llmguard.ollama.CallObserver;
import io.llmguard.ollama.Credential;
import io.llmguard.ollama.EventStream;
import io.llmguard.ollama.RetryPolicy;
import io.llmguard.ollama.Timeouts;
import io.llmguard.ollama.internal.HeaderFields;
import io.llmguard.ollama.internal.Servers;
import io.llmguard.ollama.internal.Transport;
import io.llmguard.openai.internal.OpenAiCalls;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.util.LinkedHashMap;
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

  /** A client of one server, with the defaults; the URL may end in {@code /v1} or before it. */
  public static OpenAiClient create(String baseUrl) {
    return builder(baseUrl).build();
  }

  /**
   * Starts a client; the URL may end in {@code /v1} or before it.
   *
   * @throws IllegalArgumentException where it is none of http or https, has no host, or holds a
   *     user name, a query or a fragment
   */
  public static Builder builder(String baseUrl) {
    return new Builder(Servers.parse(baseUrl));
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
    private List<URI> servers;
    private Timeouts timeouts = Timeouts.DEFAULT;
    private RetryPolicy retry = RetryPolicy.DEFAULT;
    private Supplier<? extends @Nullable Credential> credential = () -> null;
    private final Map<String, String> headers = new LinkedHashMap<>();
    private @Nullable SSLContext tls;
    private ProxySelector proxy = HttpClient.Builder.NO_PROXY;
    private int maxResponse = 64 * 1024 * 1024;
    private TimeSource time = TimeSource.system();
    private CallObserver observer =
        call ->
            end -> {
              // nobody asked to be told
            };

    private Builder(URI server) {
      servers = bases(List.of(server));
    }

    /** Other clients of this API want the version in the URL. */
    private static List<URI> bases(List<URI> urls) {
      return Servers.check(urls).stream().map(Builder::withoutVersion).toList();
    }

    private static URI withoutVersion(URI url) {
      String text = url.toString();
      for (String version : List.of("/v1", "/v1/")) {
        if (url.getRawPath().endsWith(version)) {
          return URI.create(text.substring(0, text.length() - version.length()));
        }
      }
      return url;
    }

    /**
     * Sets several servers that have the same models: the first is asked, and where it cannot be
     * reached or is busy, the next; the one that worked is asked first from then on.
     *
     * @throws IllegalArgumentException naming a URL that is none of http or https, has no host, or
     *     holds a user name, a query or a fragment
     */
    public Builder baseUrls(List<URI> urls) {
      servers = bases(urls);
      return this;
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

    /** Sets what https trusts, and the client certificate that it shows; default the platform's. */
    public Builder tls(SSLContext context) {
      tls = context;
      return this;
    }

    /**
     * Sets the proxy; default none, whatever the JVM's own settings say ({@link
     * ProxySelector#getDefault()} takes those).
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
                  servers,
                  timeouts,
                  retry,
                  credential,
                  Map.copyOf(headers),
                  observer,
                  tls,
                  proxy,
                  maxResponse,
                  time)));
    }
  }
}
