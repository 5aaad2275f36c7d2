package io.llmguard.upstream;

import io.llmguard.upstream.internal.ConnectionGate;
import io.llmguard.upstream.internal.Deadlines;
import io.llmguard.upstream.internal.JdkCall;
import java.net.URI;
import java.net.http.HttpClient;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Calls upstreams over HTTP/1.1 through the JDK's own client; needs no dependency.
 *
 * <p>Limits of the JDK show: a request without a {@code User-Agent} carries an empty one; an answer
 * that comes before the request's body was read is heard only after it; before Java 21 a closed
 * transport's idle connections stay until the client is collected; before Java 20 an interim answer
 * (1xx) fails the call. A kept connection that the upstream closed at the moment of use is made
 * good once, if the body can be sent again.
 */
public final class JdkTransport implements UpstreamTransport {
  private final TransportSettings settings;
  private final @Nullable ExecutorService ownExecutor;
  private final Executor executor;
  private final SSLContext tls;
  private final Deadlines deadlines = new Deadlines("llmguard-upstream-deadlines");
  // the JDK takes the connect time-out for a whole client only
  private final Map<Duration, HttpClient> clients = new ConcurrentHashMap<>();
  private final Map<String, ConnectionGate> gates = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /** A transport with these settings. */
  public JdkTransport(TransportSettings settings) {
    this.settings = settings;
    SSLContext given = settings.tls();
    this.tls = given == null ? defaultTls() : given;
    Executor workers = settings.executor();
    if (workers == null) {
      ownExecutor = workers();
      executor = ownExecutor;
    } else {
      ownExecutor = null;
      executor = workers;
    }
  }

  /** Made here, because it reads files: the first call may come on a thread that must not wait. */
  private static SSLContext defaultTls() {
    try {
      return SSLContext.getDefault();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("there is no TLS to call upstreams with", e);
    }
  }

  private static ExecutorService workers() {
    AtomicInteger count = new AtomicInteger();
    return Executors.newCachedThreadPool(
        work -> {
          Thread thread = new Thread(work, "llmguard-upstream-" + count.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }

  @Override
  public UpstreamCall send(UpstreamRequest request, ResponseHandler handler) {
    HttpClient client = clients.computeIfAbsent(request.timeouts().connect(), this::client);
    URI uri = request.uri();
    ConnectionGate gate =
        gates.computeIfAbsent(
            uri.getScheme() + "://" + uri.getRawAuthority(),
            key -> new ConnectionGate(settings.maxConnections()));
    JdkCall call = new JdkCall(client, gate, request, handler, deadlines);
    if (closed) {
      call.cancel();
    } else {
      call.begin();
    }
    return call;
  }

  private HttpClient client(Duration connectTimeout) {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .proxy(HttpClient.Builder.NO_PROXY)
        .connectTimeout(connectTimeout)
        .sslContext(tls)
        .executor(executor)
        .build();
  }

  @Override
  public void close() {
    closed = true;
    deadlines.close();
    for (HttpClient client : clients.values()) {
      if ((Object) client instanceof AutoCloseable closeable) {
        closeQuietly(closeable); // from Java 21
      }
    }
    clients.clear();
    if (ownExecutor != null) {
      ownExecutor.shutdown();
    }
  }

  private static void closeQuietly(AutoCloseable client) {
    try {
      client.close();
    } catch (Exception e) {
      throw new IllegalStateException("the JDK's client does not close", e);
    }
  }
}
