package io.llmguard.servlet.internal;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A request body as it comes, through one buffer: no piece is read before it was asked for, so a
 * slow taker slows the client down, and no thread waits for either.
 *
 * <p>The request must be in asynchronous mode when it is subscribed to.
 */
final class BodyPublisher implements Flow.Publisher<ByteBuffer> {
  private static final int PIECE = 32 << 10;

  private final Conversation conversation;

  BodyPublisher(Conversation conversation) {
    this.conversation = conversation;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
    Reading reading;
    boolean asynchronous;
    ServletInputStream in;
    try {
      conversation.askBody();
      in = conversation.rawRequest().getInputStream();
      reading = new Reading(conversation, in, subscriber);
      asynchronous = conversation.readsAsynchronously(reading::timedOut);
    } catch (IOException | IllegalStateException e) {
      subscriber.onSubscribe(new Reading(conversation, null, subscriber));
      subscriber.onError(e);
      return;
    }
    if (asynchronous) {
      subscriber.onSubscribe(reading);
      in.setReadListener(reading);
    } else {
      reading.readWaiting(conversation.bodyDeadlineNanos());
      subscriber.onSubscribe(reading);
    }
  }

  /** Moves pieces from the container to the subscriber, on whichever thread makes it possible. */
  private static final class Reading implements Flow.Subscription, ReadListener {
    private final Conversation conversation;
    private final @Nullable ServletInputStream in;
    private final Flow.Subscriber<? super ByteBuffer> subscriber;
    private final byte[] piece;

    /** True if the thread that asks reads and waits, because there is no other to go on. */
    private boolean blocks;

    private long startNanos;
    private long deadlineNanos;

    private final AtomicLong demand = new AtomicLong();

    /** Rounds of {@link #drain} asked for: whoever raises it from 0 runs them all. */
    private final AtomicInteger rounds = new AtomicInteger();

    /** True while the container owes a call of {@link #onDataAvailable}. */
    private volatile boolean waiting = true;

    private volatile boolean done;
    private volatile boolean allRead;
    private volatile @Nullable Throwable failure;

    Reading(
        Conversation conversation,
        @Nullable ServletInputStream in,
        Flow.Subscriber<? super ByteBuffer> subscriber) {
      this.conversation = conversation;
      this.in = in;
      this.subscriber = subscriber;
      this.piece = in == null ? new byte[0] : new byte[PIECE];
    }

    /** From now on the thread that asks waits for what comes, no longer than this. */
    void readWaiting(long mostNanos) {
      blocks = true;
      startNanos = System.nanoTime();
      deadlineNanos = mostNanos;
      waiting = false;
    }

    /** The time for the body is over. */
    void timedOut() {
      waiting = false;
      failure = new SocketTimeoutException("the body did not come in time");
      drain();
    }

    @Override
    public void request(long n) {
      if (n <= 0) {
        failure = new IllegalArgumentException("the number of pieces must be positive: " + n);
      } else {
        demand.getAndUpdate(d -> d + n < 0 ? Long.MAX_VALUE : d + n);
      }
      drain();
    }

    @Override
    public void cancel() {
      done = true;
    }

    @Override
    public void onDataAvailable() {
      waiting = false;
      drain();
    }

    @Override
    public void onAllDataRead() {
      waiting = false;
      allRead = true;
      drain();
    }

    @Override
    public void onError(Throwable t) {
      waiting = false;
      failure = t instanceof IOException ? t : new IOException(t);
      drain();
    }

    private void drain() {
      if (in == null || rounds.getAndIncrement() != 0) {
        return;
      }
      int seen = 1;
      do {
        round(in);
        seen = rounds.addAndGet(-seen);
      } while (seen != 0);
    }

    private void round(ServletInputStream source) {
      try {
        while (!done && failure == null && !allRead && !waiting && demand.get() > 0) {
          if (source.isFinished()) {
            allRead = true;
            continue;
          }
          waiting = !blocks; // before the question: its answer may come on another thread
          if (blocks || source.isReady()) {
            waiting = false;
            int n = source.read(piece);
            if (n < 0) {
              allRead = true;
            } else if (n > 0) {
              demand.decrementAndGet();
              subscriber.onNext(ByteBuffer.wrap(piece, 0, n));
              if (blocks && System.nanoTime() - startNanos > deadlineNanos) {
                throw new SocketTimeoutException("the body did not come in time");
              }
            }
          }
        }
      } catch (IOException | RuntimeException e) {
        failure = e;
      }
      Throwable failed = failure;
      if (!done && failed != null) {
        done = true;
        subscriber.onError(failed);
      } else if (!done && allRead) {
        done = true;
        conversation.bodyPassed();
        subscriber.onComplete();
      }
    }
  }
}
