package io.llmguard.upstream;

import io.llmguard.RequestBody;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Reads a file with a few of its bytes replaced, in pieces, as they are asked for. */
final class FileSplice implements Flow.Publisher<ByteBuffer> {
  private static final int PIECE = 64 * 1024;

  private final RequestBody.EditedFile body;

  FileSplice(RequestBody.EditedFile body) {
    this.body = body;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
    FileChannel channel;
    try {
      channel = FileChannel.open(body.file().file(), StandardOpenOption.READ);
    } catch (IOException e) {
      subscriber.onSubscribe(new Nothing());
      subscriber.onError(e);
      return;
    }
    subscriber.onSubscribe(new Reading(subscriber, channel));
  }

  private static final class Nothing implements Flow.Subscription {
    @Override
    public void request(long n) {}

    @Override
    public void cancel() {}
  }

  /** One reading; what is asked for during a delivery is delivered after it. */
  private final class Reading implements Flow.Subscription {
    private final Flow.Subscriber<? super ByteBuffer> subscriber;
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(PIECE);
    private final AtomicLong asked = new AtomicLong();
    private long at;
    private int edits;
    private volatile boolean over;

    Reading(Flow.Subscriber<? super ByteBuffer> subscriber, FileChannel channel) {
      this.subscriber = subscriber;
      this.channel = channel;
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
      ByteBuffer piece;
      try {
        piece = next();
      } catch (IOException e) {
        cancel();
        subscriber.onError(e);
        return;
      }
      if (piece == null) {
        cancel();
        subscriber.onComplete();
      } else {
        subscriber.onNext(piece);
      }
    }

    private @Nullable ByteBuffer next() throws IOException {
      long end = body.file().length();
      if (edits < body.edits().size()) {
        RequestBody.Edit edit = body.edits().get(edits);
        if (at == edit.offset()) {
          edits++;
          at += edit.removed();
          return edit.inserted();
        }
        end = edit.offset();
      }
      if (at >= end) {
        return null;
      }
      buffer.clear().limit((int) Math.min(PIECE, end - at));
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new IOException("the file is shorter than it was");
      }
      at += read;
      return buffer.flip();
    }

    @Override
    public void cancel() {
      over = true;
      try {
        channel.close();
      } catch (IOException e) {
        // it was open for reading only: nothing is lost
      }
    }
  }
}
