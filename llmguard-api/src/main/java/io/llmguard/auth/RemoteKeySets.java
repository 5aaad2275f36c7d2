package io.llmguard.auth;

import com.nimbusds.jose.jwk.JWK;
import io.llmguard.TimeSource;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys that an issuer publishes, fetched on threads of their own.
 *
 * <p>Fresh keys are served from memory. When four fifths of their time are over, the next call has
 * them fetched again while it is served the known ones; when all of it is over, calls wait for the
 * fetch. While fetching fails, the known keys are served for the time of tolerance. However many
 * calls ask, one fetch is under way at a time, and one is begun no more often than the shortest
 * interval.
 */
final class RemoteKeySets implements KeySets {
  private static final Logger log = LoggerFactory.getLogger(RemoteKeySets.class);
  private static final int MAX_BYTES = 512 * 1024;

  /**
   * How keys are fetched and kept.
   *
   * @param uri where they are published
   * @param freshFor how long they are fresh
   * @param tolerance how much longer they are served while fetching fails
   * @param interval the shortest time from one fetch to the next
   * @param timeout the longest time of a fetch, to the last byte
   */
  record Policy(
      URI uri, Duration freshFor, Duration tolerance, Duration interval, Duration timeout) {}

  private final Policy policy;
  private final TimeSource time;
  private final ThreadPoolExecutor executor;
  private final HttpClient http;
  private final Object lock = new Object();
  private @Nullable CompletableFuture<Optional<KeySet>> underWay;
  private boolean begun;
  private long begunNanos;
  private volatile boolean failing;
  private volatile @Nullable KeySet known;

  RemoteKeySets(Policy policy, TimeSource time) {
    this.policy = policy;
    this.time = time;
    executor =
        new ThreadPoolExecutor(
            4,
            4,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "llmguard-jwks");
              thread.setDaemon(true);
              return thread;
            });
    executor.allowCoreThreadTimeOut(true);
    http =
        HttpClient.newBuilder()
            .executor(executor)
            .connectTimeout(policy.timeout)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
    // the first call finds the keys at hand, if the issuer is up
    fetchInBackground();
  }

  @Override
  public @Nullable KeySet fresh() {
    KeySet keys = known;
    if (keys == null) {
      return null;
    }
    long age = time.nanos() - keys.fetchedNanos();
    long freshNanos = policy.freshFor.toNanos();
    if (age > freshNanos) {
      return null;
    }
    if (age > freshNanos / 5 * 4) {
      fetchInBackground();
    }
    return keys;
  }

  @Override
  public CompletionStage<Optional<KeySet>> load() {
    KeySet fresh = fresh();
    if (fresh != null) {
      return CompletableFuture.completedFuture(Optional.of(fresh));
    }
    CompletableFuture<Optional<KeySet>> fetch = fetch();
    Optional<KeySet> stale = tolerated();
    // an issuer that hangs is not waited for twice
    return fetch == null || (failing && stale.isPresent())
        ? CompletableFuture.completedFuture(stale)
        : fetch.thenApply(fetched -> fetched.isPresent() ? fetched : tolerated());
  }

  @Override
  public CompletionStage<KeySet> newerThan(KeySet seen) {
    KeySet keys = known;
    if (keys != null && keys.generation() != seen.generation()) {
      return CompletableFuture.completedFuture(keys);
    }
    CompletableFuture<Optional<KeySet>> fetch = fetch();
    return fetch == null
        ? CompletableFuture.completedFuture(seen)
        : fetch.thenApply(fetched -> fetched.orElse(seen));
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }

  private Optional<KeySet> tolerated() {
    KeySet keys = known;
    return keys != null
            && time.nanos() - keys.fetchedNanos()
                <= policy.freshFor.plus(policy.tolerance).toNanos()
        ? Optional.of(keys)
        : Optional.empty();
  }

  private void fetchInBackground() {
    CompletableFuture<?> unused = fetch();
  }

  /** The fetch that is under way, or a new one, or null if the last one was begun a moment ago. */
  private @Nullable CompletableFuture<Optional<KeySet>> fetch() {
    CompletableFuture<Optional<KeySet>> fetch;
    synchronized (lock) {
      if (underWay != null) {
        return underWay;
      }
      long now = time.nanos();
      if (begun && now - begunNanos < policy.interval.toNanos()) {
        return null;
      }
      begun = true;
      begunNanos = now;
      fetch = new CompletableFuture<>();
      underWay = fetch;
    }
    CompletableFuture<?> unused = send().handle((text, failure) -> end(fetch, text, failure));
    return fetch;
  }

  private Optional<KeySet> end(
      CompletableFuture<Optional<KeySet>> fetch,
      @Nullable String text,
      @Nullable Throwable failure) {
    Optional<KeySet> fetched = Optional.empty();
    try {
      fetched = take(text, failure);
    } finally {
      failing = fetched.isEmpty();
      synchronized (lock) {
        underWay = null;
      }
      fetch.complete(fetched);
    }
    return fetched;
  }

  private CompletableFuture<String> send() {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(policy.uri)
              .header("Accept", "application/jwk-set+json, application/json")
              .build();
      CompletableFuture<HttpResponse<byte[]>> call =
          http.sendAsync(request, head -> new BoundedBody(MAX_BYTES));
      return call.thenApplyAsync(RemoteKeySets::text, executor)
          .orTimeout(policy.timeout.toMillis(), TimeUnit.MILLISECONDS)
          .whenComplete((done, failure) -> call.cancel(true));
    } catch (RuntimeException e) {
      // as when this was closed
      return CompletableFuture.failedFuture(e);
    }
  }

  private static String text(HttpResponse<byte[]> response) {
    if (response.statusCode() != 200) {
      throw new CompletionException(new IOException("status " + response.statusCode()));
    }
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  /** Takes over what was fetched. */
  private Optional<KeySet> take(@Nullable String text, @Nullable Throwable failure) {
    Throwable why = failure;
    if (text != null && failure == null) {
      try {
        KeySet before = known;
        List<JWK> keys = KeySet.read(text);
        long generation =
            before == null
                ? 1
                : before.text().equals(text) ? before.generation() : before.generation() + 1;
        KeySet fetched = new KeySet(keys, text, generation, time.nanos());
        known = fetched;
        return Optional.of(fetched);
      } catch (ParseException | RuntimeException e) {
        why = e;
      }
    }
    Throwable cause =
        why instanceof CompletionException && why.getCause() != null ? why.getCause() : why;
    log.warn("the keys at {} could not be fetched: {}", policy.uri, String.valueOf(cause));
    return Optional.empty();
  }
}
