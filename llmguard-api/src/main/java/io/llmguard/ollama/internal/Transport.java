package io.llmguard.ollama.internal;

import io.llmguard.TimeSource;
import io.llmguard.ollama.CallObserver;
import io.llmguard.ollama.Credential;
import io.llmguard.ollama.EventStream;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.RetryPolicy;
import io.llmguard.ollama.Timeouts;
import io.llmguard.ollama.internal.http.HttpConnections;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all calls of one client share: the HTTP client, its threads, the timer, the servers and how
 * to speak to them. Thread-safe.
 */
public final class Transport implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Transport.class);
  private static final String CLOSED = "the client is closed";

  /**
   * What a client was built with.
   *
   * @param provider its name for observers
   * @param servers the base URLs, tried in this order
   * @param timeouts the time limits
   * @param retry when to try again
   * @param credential asked for each attempt; may answer null
   * @param headers sent with each call
   * @param observer told of each call
   * @param tls for https, or null for the platform's
   * @param proxy or null for none
   * @param maxLine the longest line, or whole answer, in bytes
   * @param time the clocks
   */
  public record Settings(
      String provider,
      List<URI> servers,
      Timeouts timeouts,
      RetryPolicy retry,
      Supplier<? extends @Nullable Credential> credential,
      Map<String, String> headers,
      CallObserver observer,
      @Nullable SSLContext tls,
      @Nullable ProxySelector proxy,
      int maxLine,
      TimeSource time) {}

  private final Settings settings;
  private final Shared shared;
  private final boolean owner;

  /** What a client and its views share. */
  private record Shared(
      HttpConnections connections,
      ThreadPoolExecutor executor,
      ScheduledThreadPoolExecutor timer,
      Set<LiveCall<?, ?>> calls,
      AtomicInteger preferred,
      AtomicBoolean closed) {}

  /** With threads and connections of its own. */
  public Transport(Settings settings) {
    this.settings = settings;
    this.owner = true;
    String name = "llmguard-" + settings.provider();
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), daemons(name));
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(1, daemons(name + "-timer"));
    timer.setRemoveOnCancelPolicy(true);
    timer.setKeepAliveTime(10, TimeUnit.SECONDS);
    timer.allowCoreThreadTimeOut(true);
    ProxySelector proxy = settings.proxy();
    this.shared =
        new Shared(
            new HttpConnections(
                name, proxy == null ? HttpClient.Builder.NO_PROXY : proxy, settings.tls()),
            executor,
            timer,
            ConcurrentHashMap.newKeySet(),
            new AtomicInteger(),
            new AtomicBoolean());
  }

  private Transport(Transport owner, Settings settings) {
    this.settings = settings;
    this.shared = owner.shared;
    this.owner = false;
  }

  /** The same connections and threads, other limits; closing it closes nothing. */
  public Transport with(Timeouts timeouts) {
    Settings s = settings;
    return new Transport(
        this,
        new Settings(
            s.provider(),
            s.servers(),
            timeouts,
            s.retry(),
            s.credential(),
            s.headers(),
            s.observer(),
            s.tls(),
            s.proxy(),
            s.maxLine(),
            s.time()));
  }

  private static ThreadFactory daemons(String name) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** The value of a call. */
  public <E, R> R execute(CallSpec<E, R> spec) {
    return start(spec).await();
  }

  /** The call as a stream. */
  public <E, R> EventStream<E, R> stream(CallSpec<E, R> spec) {
    return new EventStream<>(start(spec));
  }

  /** The value to come; cancelling it cancels the call. */
  public <E, R> CompletableFuture<R> async(CallSpec<E, R> spec) {
    return closed()
        ? CompletableFuture.failedFuture(new IllegalStateException(CLOSED))
        : new AsyncCall<>(new LiveCall<>(this, spec)).start();
  }

  /** The events on demand; each subscription is a call of its own. */
  public <E, R> Flow.Publisher<E> publisher(CallSpec<E, R> spec) {
    return subscriber ->
        new PublishedCall<>(new LiveCall<>(this, spec), subscriber)
            .start(closed() ? new IllegalStateException(CLOSED) : null);
  }

  /** What blocks, as a future, on a thread of the client. */
  public <T> CompletableFuture<T> work(Callable<T> task) {
    CompletableFuture<T> result = new CompletableFuture<>();
    dispatch(
        () -> {
          try {
            result.complete(task.call());
          } catch (Exception e) {
            result.completeExceptionally(e);
          }
        });
    return result;
  }

  private <E, R> LiveCall<E, R> start(CallSpec<E, R> spec) {
    if (closed()) {
      throw new IllegalStateException(CLOSED);
    }
    LiveCall<E, R> call = new LiveCall<>(this, spec);
    call.start();
    call.push();
    return call;
  }

  private boolean closed() {
    return shared.closed.get();
  }

  Settings settings() {
    return settings;
  }

  HttpConnections connections() {
    return shared.connections;
  }

  ScheduledThreadPoolExecutor timer() {
    return shared.timer;
  }

  /** Runs what may call users' code, or wait for a while. */
  void dispatch(Runnable task) {
    try {
      shared.executor.execute(task);
    } catch (RejectedExecutionException closed) {
      // the last of a client that was closed: calls end with it
      task.run();
    }
  }

  void opened(LiveCall<?, ?> call) {
    shared.calls.add(call);
    if (closed()) {
      call.cancel("the client was closed");
    }
  }

  void over(LiveCall<?, ?> call) {
    shared.calls.remove(call);
  }

  /** The server for a call's attempt: the one that worked last, then the next. */
  int firstServer() {
    return shared.preferred.get();
  }

  URI server(int index) {
    return settings.servers().get(Math.floorMod(index, settings.servers().size()));
  }

  void worked(int index) {
    shared.preferred.set(Math.floorMod(index, settings.servers().size()));
  }

  HttpRequest request(CallSpec<?, ?> spec, URI server, Map<String, String> observed) {
    String base = server.toString();
    URI uri =
        URI.create(
            (base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + spec.path());
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .method(spec.method(), HttpRequest.BodyPublishers.noBody())
            .setHeader(
                "Accept",
                spec.lines() ? "application/x-ndjson, text/event-stream" : "application/json")
            .setHeader("User-Agent", "llmguard");
    if (spec.body() != null) {
      request.setHeader("Content-Type", spec.contentType());
    }
    observed.forEach(
        (name, value) -> {
          HeaderFields.check(name, value);
          request.setHeader(name, value);
        });
    settings.headers().forEach(request::setHeader);
    Credential credential = settings.credential().get();
    if (credential != null) {
      request.setHeader(credential.header(), credential.value());
    }
    return request.build();
  }

  CallObserver.Observed observe(CallSpec<?, ?> spec) {
    try {
      return settings
          .observer()
          .started(
              new CallObserver.CallInfo(
                  settings.provider(), spec.operation(), spec.model(), server(firstServer())));
    } catch (RuntimeException e) {
      LOG.warn("a call observer failed", e);
      return end -> {};
    }
  }

  void tell(Runnable observed) {
    try {
      observed.run();
    } catch (RuntimeException e) {
      LOG.warn("a call observer failed", e);
    }
  }

  /** How long to wait before another attempt: what the server asks for, or a time of our own. */
  Duration backOff(int attempt, OllamaException failure) {
    Duration asked = null;
    if (failure instanceof OllamaException.Limited limited) {
      asked = limited.retryAfter().orElse(null);
    } else if (failure instanceof OllamaException.Busy busy) {
      asked = busy.retryAfter().orElse(null);
    }
    return asked != null
        ? asked
        : BackOff.before(attempt, settings.retry(), ThreadLocalRandom.current());
  }

  /** Cancels what is running and gives threads and connections back. */
  @Override
  public void close() {
    if (!owner) {
      return;
    }
    shared.closed.set(true);
    for (LiveCall<?, ?> call : shared.calls) {
      call.cancel("the client was closed");
    }
    shared.timer.shutdownNow();
    shared.connections.close();
    shared.executor.shutdown();
  }
}
