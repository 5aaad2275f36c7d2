package io.llmguard.ollama.internal;

import io.llmguard.ollama.OllamaException;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A call's events, given as they are asked for. What is not asked for is not read, and so in the
 * end stays with the server. One thread at a time runs {@link #drain}.
 */
final class PublishedCall<E> implements Flow.Subscription {
  private static final Logger LOG = LoggerFactory.getLogger(PublishedCall.class);

  private final LiveCall<E, ?> call;
  private final Flow.Subscriber<? super E> subscriber;
  private final AtomicLong demand = new AtomicLong();
  private final AtomicInteger work = new AtomicInteger();
  private volatile boolean cancelled;
  private volatile boolean illegal;
  private boolean over;

  PublishedCall(LiveCall<E, ?> call, Flow.Subscriber<? super E> subscriber) {
    this.call = call;
    this.subscriber = Objects.requireNonNull(subscriber, "subscriber");
  }

  /** Subscribes; with a failure the call does not begin. */
  void start(@Nullable RuntimeException refused) {
    // nothing may be given before onSubscribe has returned
    work.incrementAndGet();
    subscriber.onSubscribe(this);
    if (refused != null) {
      over = true;
      if (!cancelled) {
        subscriber.onError(refused);
      }
      return;
    }
    call.onSignal(this::drain);
    if (!cancelled) {
      call.start();
    }
    // to connect may wait for names and credentials, which the subscribing thread does not
    call.transport().dispatch(this::loop);
  }

  @Override
  public void request(long n) {
    if (n <= 0) {
      illegal = true;
    } else {
      demand.accumulateAndGet(n, (a, b) -> a + b < 0 ? Long.MAX_VALUE : a + b);
    }
    if (call.answered()) {
      drain();
    } else if (work.getAndIncrement() == 0) {
      call.transport().dispatch(this::loop);
    }
  }

  @Override
  public void cancel() {
    cancelled = true;
    call.cancelElsewhere("the subscriber cancelled");
  }

  private void drain() {
    if (work.getAndIncrement() == 0) {
      loop();
    }
  }

  private void loop() {
    int seen = 1;
    while (seen != 0) {
      try {
        give();
      } catch (RuntimeException | Error e) {
        // who throws has left (rule 2.13)
        cancel();
        if (e instanceof Error error) {
          throw error;
        }
        LOG.warn("a subscriber failed with {}", e.getClass().getName());
      }
      seen = work.addAndGet(-seen);
    }
  }

  private void give() {
    if (illegal && !over && !cancelled) {
      over = true;
      call.cancel("the subscriber asked for less than one event");
      subscriber.onError(new IllegalArgumentException("asked for less than one event (rule 3.9)"));
    }
    while (!over && !cancelled) {
      if (demand.get() == 0) {
        ended(call.endedWithoutEvents());
        return;
      }
      E event = call.poll();
      if (event == null) {
        ended(call.finished());
        return;
      }
      if (demand.get() != Long.MAX_VALUE) {
        demand.decrementAndGet();
      }
      subscriber.onNext(event);
    }
  }

  private void ended(boolean finished) {
    if (!finished || over || cancelled) {
      return;
    }
    over = true;
    OllamaException failure = call.failure();
    if (failure != null) {
      subscriber.onError(failure);
    } else {
      subscriber.onComplete();
    }
  }
}
