package io.llmguard.upstream;

import io.llmguard.RequestBody;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;

/** Reads a file with a few of its bytes replaced, in pieces, as they are asked for. */
final class FileSplice implements Flow.Publisher<ByteBuffer> {
  private static final int PIECE = 64 * 1024;

  private final RequestBody.EditedFile body;

  FileSplice(RequestBody.EditedFile body) {
    this.body = body;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
    InputStream content;
    try {
      content = body.open();
    } catch (IOException e) {
      subscriber.onSubscribe(new Nothing());
      subscriber.onError(e);
      return;
    }
    subscriber.onSubscribe(new Reading(subscriber, content));
  }

  private static final class Nothing implements Flow.Subscription {
    @Override
    public void request(long n) {}

    @Override
    public void cancel() {}
  }

  /** One reading; what is asked for during a delivery is delivered after it. */
  private static final class Reading implements Flow.Subscription {
    private final Flow.Subscriber<? super ByteBuffer> subscriber;
    private final InputStream content;
    private final byte[] buffer = new byte[PIECE];
    private final AtomicLong asked = new AtomicLong();
    private volatile boolean over;

    Reading(Flow.Subscriber<? super ByteBuffer> subscriber, InputStream content) {
      this.subscriber = subscriber;
      this.content = content;
    }

    @Override
    public void request(long n) {
      long before = asked.getAndUpdate(a -> a + n < 0 ? Long.MAX_VALUE : a + n);
      if (before != 0) {
        return;
      }
      do {
        deliver();
      } while (!over && asked.decrementAndGet() > 0);
    }

    private void deliver() {
      if (over) {
        return;
      }
      int read;
      try {
        read = content.read(buffer);
      } catch (IOException e) {
        cancel();
        subscriber.onError(e);
        return;
      }
      if (read < 0) {
        cancel();
        subscriber.onComplete();
      } else {
        subscriber.onNext(ByteBuffer.wrap(buffer, 0, read));
      }
    }

    @Override
    public void cancel() {
      over = true;
      try {
        content.close();
      } catch (IOException e) {
        // it was open for reading only: nothing is lost
      }
    }
  }
}
