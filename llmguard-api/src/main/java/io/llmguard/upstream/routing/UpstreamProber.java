package io.llmguard.upstream.routing;

import io.llmguard.Headers;
import io.llmguard.policy.ModelAccess;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamFailure;
import io.llmguard.upstream.UpstreamTimeouts;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.UpstreamTransport.UpstreamCall;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks upstreams from time to time whether they are there and which models they have and have
 * loaded: {@code /api/tags} and {@code /api/ps} of an Ollama, {@code /v1/models} of others.
 *
 * <p>An upstream is well if it answers with a status below 500. What it said last holds until it
 * answers again; nothing is known of one that does not answer, or whose lists cannot be read.
 * Thread-safe.
 */
public final class UpstreamProber implements Availability, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(UpstreamProber.class);
  private static final int MOST_BYTES = 4 << 20;

  private final List<Upstream> upstreams;
  private final UpstreamTimeouts within;
  private final Map<String, Known> known = new ConcurrentHashMap<>();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "llmguard-probes");
            thread.setDaemon(true);
            return thread;
          });

  /** What an upstream said last. */
  private record Known(Set<String> models, Set<String> loaded) {}

  /**
   * A prober, which asks nothing yet.
   *
   * @param timeout how long a probe may take
   */
  public UpstreamProber(List<Upstream> upstreams, Duration timeout) {
    this.upstreams = List.copyOf(upstreams);
    this.within = new UpstreamTimeouts(timeout, timeout, timeout, timeout);
  }

  /**
   * Begins to ask: now, and again in these intervals.
   *
   * @param result is told after each probe whether the upstream is well
   */
  public void start(Duration interval, BiConsumer<Upstream, Boolean> result) {
    var unused =
        clock.scheduleWithFixedDelay(
            () -> probeAll(result), 0, interval.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void probeAll(BiConsumer<Upstream, Boolean> result) {
    for (Upstream upstream : upstreams) {
      var unused = probe(upstream, result);
    }
  }

  /** Asks once; the answer completes when all has been heard, also where it failed. */
  public CompletableFuture<Void> probe(Upstream upstream, BiConsumer<Upstream, Boolean> result) {
    CompletableFuture<Answer> models =
        ask(upstream, upstream.nativeApi() ? "/api/tags" : "/v1/models");
    CompletableFuture<Answer> loaded =
        upstream.nativeApi() ? ask(upstream, "/api/ps") : CompletableFuture.completedFuture(NONE);
    return models.thenCombine(
        loaded,
        (tags, ps) -> {
          take(upstream, tags, ps);
          try {
            result.accept(upstream, tags.status() > 0 && tags.status() < 500);
          } catch (RuntimeException e) {
            log.warn("nobody took the result of a probe: {}", e.getClass().getName());
          }
          return null;
        });
  }

  private void take(Upstream upstream, Answer tags, Answer ps) {
    Set<String> models = tags.status() == 200 ? ModelNames.of(tags.body()) : null;
    if (models == null) {
      known.remove(upstream.name());
      return;
    }
    Set<String> loaded = ps.status() == 200 ? ModelNames.of(ps.body()) : null;
    known.put(upstream.name(), new Known(models, loaded == null ? Set.of() : loaded));
  }

  @Override
  public State of(Upstream upstream, String model) {
    Known said = known.get(upstream.name());
    if (said == null) {
      return State.UNKNOWN;
    }
    String name = ModelAccess.canonical(model);
    if (said.loaded().contains(name)) {
      return State.LOADED;
    }
    return said.models().contains(name) ? State.PRESENT : State.ABSENT;
  }

  @Override
  public List<String> models(Upstream upstream) {
    Known said = known.get(upstream.name());
    return said == null ? List.of() : List.copyOf(said.models());
  }

  private static final Answer NONE = new Answer(0, new byte[0]);

  /** The whole of an answer; status 0 for none. */
  @SuppressWarnings("ArrayRecordComponent") // never compared, never leaves this class
  private record Answer(int status, byte[] body) {}

  private CompletableFuture<Answer> ask(Upstream upstream, String path) {
    Listening listening = new Listening();
    listening.began(upstream.ask(path, within, listening));
    return listening.answer;
  }

  /** Hears an answer to its end, or to the length that nobody would want to read. */
  private static final class Listening implements UpstreamTransport.ResponseHandler {
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private int status;
    private volatile @Nullable UpstreamCall call;

    void began(UpstreamCall sent) {
      call = sent;
      if (answer.isDone()) {
        sent.cancel();
      }
    }

    @Override
    public void onHead(int code, Headers headers) {
      status = code;
    }

    @Override
    public void onBytes(ByteBuffer chunk, Runnable consumed) {
      if (body.size() + chunk.remaining() > MOST_BYTES) {
        answer.complete(new Answer(status, new byte[0]));
        UpstreamCall sent = call;
        if (sent != null) {
          sent.cancel();
        }
      } else {
        byte[] bytes = new byte[chunk.remaining()];
        chunk.get(bytes);
        body.writeBytes(bytes);
      }
      consumed.run();
    }

    @Override
    public void onEnd() {
      answer.complete(new Answer(status, body.toByteArray()));
    }

    @Override
    public void onFailure(UpstreamFailure failure) {
      answer.complete(NONE);
    }
  }

  /** Ends the asking; probes under way end with their transports. */
  @Override
  public void close() {
    clock.shutdownNow();
  }
}
