package io.llmguard;

import io.llmguard.wire.ResponseMeter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An ordered list of stages that together admit or refuse a call.
 *
 * <p>The order that {@link Builder} keeps is the caller's; the usual one is cheap and anonymous
 * first, so that a flood never reaches the body parser. A refused call is settled before its
 * refusal is returned; an admitted one when its {@link Exchange#onComplete} is called. Thread-safe.
 * Closing a guard closes those of its stages that are {@link AutoCloseable}, in reverse order.
 */
public final class Guard implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Guard.class);

  /** For nobody: whoever made the call has left, or it was given up. */
  private static final Decision OVER =
      new Decision.Refuse(
          Refusal.of(503, "call-over", "the call had ended before the guard had decided"));

  private final List<Stage> stages;
  private final Stage[] order;
  private final TimeSource time;
  private final MeterFactory meters;
  private final boolean blocking;
  private final List<AnswerWatcher> watchers;

  private Guard(Builder builder) {
    stages = List.copyOf(builder.stages);
    order = stages.toArray(Stage[]::new);
    time = builder.time;
    meters = builder.meters;
    blocking = stages.stream().anyMatch(Stage::blocking);
    watchers =
        stages.stream()
            .filter(AnswerWatcher.class::isInstance)
            .map(AnswerWatcher.class::cast)
            .toList();
  }

  /** Makes the meter that reads an answer. */
  @FunctionalInterface
  public interface MeterFactory {
    /** The meter for this answer; {@link ResponseMeter#none()} where nothing is to be read. */
    ResponseMeter meter(Exchange exchange, int status, Headers headers);
  }

  /** A builder of a guard without stages, which admits everything. */
  public static Builder builder() {
    return new Builder();
  }

  /** The stages, in order. */
  public List<Stage> stages() {
    return stages;
  }

  /** True if {@link #admit} may block its thread. */
  public boolean blocking() {
    return blocking;
  }

  /**
   * Leads a call through the stages.
   *
   * @return Admit with the call's exchange, or Refuse with the refusal to write; completed already
   *     where no stage had to wait. It never fails: a stage that breaks refuses with 500.
   */
  public CompletionStage<Decision> admit(GuardRequest request) {
    return advance(new Exchange(this, request, newId()));
  }

  /**
   * Leads a call that other guards have admitted through the stages of this one as well: what was
   * found out about it stays known, and all of them are settled together, these first.
   *
   * @return as {@link #admit}
   * @throws IllegalStateException while another guard decides about the call
   */
  public CompletionStage<Decision> join(Exchange exchange) {
    return exchange.join(this) ? advance(exchange) : completed(OVER);
  }

  private CompletionStage<Decision> advance(Exchange exchange) {
    while (exchange.entered() < order.length) {
      Stage stage = order[exchange.enter()];
      CompletionStage<Decision> answer;
      try {
        answer = stage.decide(exchange);
      } catch (RuntimeException | Error e) {
        return completed(broken(exchange, stage, e));
      }
      if (answer == exchange.admit()) {
        continue;
      }
      CompletableFuture<Decision> future = answer.toCompletableFuture();
      if (!future.isDone()) {
        return future
            .handle((decision, e) -> e == null ? decision : failed(stage, e))
            .thenCompose(decision -> next(exchange, decision));
      }
      Decision decision;
      try {
        decision = future.join();
      } catch (RuntimeException e) {
        decision = failed(stage, e);
      }
      if (decision instanceof Decision.Refuse refuse) {
        return completed(refused(exchange, refuse.refusal()));
      }
    }
    return exchange.decided() ? exchange.admit() : completed(OVER);
  }

  private CompletionStage<Decision> next(Exchange exchange, Decision decision) {
    if (exchange.completed()) {
      exchange.decided();
      return completed(OVER);
    }
    return decision instanceof Decision.Refuse refuse
        ? completed(refused(exchange, refuse.refusal()))
        : advance(exchange);
  }

  private static CompletionStage<Decision> completed(Decision decision) {
    return CompletableFuture.completedFuture(decision);
  }

  private Decision broken(Exchange exchange, Stage stage, Throwable e) {
    return failed(stage, e) instanceof Decision.Refuse refuse
        ? refused(exchange, refuse.refusal())
        : new Decision.Admit(exchange);
  }

  private static Decision failed(Stage stage, Throwable e) {
    // the class only: a message may hold what the caller sent
    log.error("stage {} failed with {}", stage.name(), rootOf(e).getClass().getName());
    log.debug("stage {} failed", stage.name(), e);
    return new Decision.Refuse(
        Refusal.of(500, "guard-failed", "the guard could not decide; the server's log says why"));
  }

  private static Throwable rootOf(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    return root;
  }

  private static Decision refused(Exchange exchange, Refusal refusal) {
    exchange.refused(refusal);
    HeaderMap headers = HeaderMap.copyOf(exchange.responseHeaders());
    // the refusal's own fields win over what earlier stages announced
    refusal.headers().forEach((name, value) -> headers.remove(name));
    headers.addAll(refusal.headers());
    return new Decision.Refuse(
        new Refusal(refusal.status(), refusal.reason(), refusal.detail(), headers));
  }

  void settle(Exchange exchange, int entered, Outcome outcome) {
    for (int i = entered - 1; i >= 0; i--) {
      try {
        order[i].settle(exchange, outcome);
      } catch (RuntimeException | Error e) {
        log.error("stage {} failed to settle: {}", order[i].name(), e.getClass().getName());
        log.debug("stage {} failed to settle", order[i].name(), e);
      }
    }
  }

  ResponseMeter meterFor(Exchange exchange, int status, Headers headers) {
    return meters.meter(exchange, status, headers);
  }

  ResponseMeter watched(Exchange exchange, int status, Headers headers, ResponseMeter meter) {
    ResponseMeter watched = meter;
    for (AnswerWatcher watcher : watchers) {
      Consumer<ByteBuffer> watch = watcher.watch(exchange, status, headers);
      if (watch != null) {
        watched = new WatchedMeter(watched, watch);
      }
    }
    return watched;
  }

  TimeSource time() {
    return time;
  }

  private String newId() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long high = (time.now().toEpochMilli() << 16) | (random.nextInt() & 0xffff);
    byte[] digits = new byte[32];
    hex(high, digits, 0);
    hex(random.nextLong(), digits, 16);
    return new String(digits, StandardCharsets.ISO_8859_1);
  }

  private static void hex(long value, byte[] into, int at) {
    for (int i = 0; i < 16; i++) {
      into[at + i] = (byte) Character.forDigit((int) (value >>> (60 - 4 * i)) & 0xf, 16);
    }
  }

  @Override
  public void close() {
    for (int i = order.length - 1; i >= 0; i--) {
      if (order[i] instanceof AutoCloseable closeable) {
        try {
          closeable.close();
        } catch (Exception e) {
          log.warn("stage {} failed to close", order[i].name(), e);
        }
      }
    }
  }

  /** Collects the stages of a guard. Not thread-safe. */
  public static final class Builder {
    private final List<Stage> stages = new ArrayList<>();
    private TimeSource time = TimeSource.system();
    private MeterFactory meters = (exchange, status, headers) -> ResponseMeter.none();

    private Builder() {}

    /** Adds a stage after those that are there. */
    public Builder stage(Stage stage) {
      stages.add(Objects.requireNonNull(stage));
      return this;
    }

    /** Where the guard takes the time from; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = Objects.requireNonNull(value);
      return this;
    }

    /** What reads the answers; nothing unless set. */
    public Builder meters(MeterFactory value) {
      meters = Objects.requireNonNull(value);
      return this;
    }

    /** The guard. */
    public Guard build() {
      return new Guard(this);
    }
  }
}
