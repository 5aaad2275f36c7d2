package io.llmguard.reactive.internal;

import io.llmguard.upstream.ClientResponse.WriteCallback;
import java.io.EOFException;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;

/**
 * An answer as a stream of groups that are flushed one by one, each of one piece.
 *
 * <p>A server subscribes to a group when the group before has gone out to the client. So that is
 * when a piece counts as taken: one piece is on its way, never more, whatever the server prefetches
 * of the groups. One group follows on the last piece, and stays empty.
 */
final class Pieces implements Publisher<Publisher<DataBuffer>>, Subscription {
  private final DataBufferFactory buffers;
  private final Executor executor;

  // guarded by this
  private @Nullable Subscriber<? super Publisher<DataBuffer>> groups;
  private @Nullable Group ready;
  private @Nullable DataBuffer piece;
  private @Nullable Taken taken;
  private long demand;
  private boolean owed = true;
  private boolean ended;
  private boolean stopped;

  Pieces(DataBufferFactory buffers, Executor executor) {
    this.buffers = buffers;
    this.executor = executor;
  }

  /** Told when a piece has gone out, or that it cannot. */
  private interface Taken {
    void tell(boolean written);
  }

  /** Sends a copy of this piece. */
  void write(ByteBuffer chunk, WriteCallback written) {
    DataBuffer copy = buffers.allocateBuffer(chunk.remaining());
    copy.write(chunk);
    send(
        copy,
        ok -> {
          if (ok) {
            written.written();
          } else {
            written.failed(new EOFException("the client is gone"));
          }
        });
  }

  /** Sends this piece. */
  void write(DataBuffer bytes, Runnable gone) {
    send(bytes, ok -> gone.run());
  }

  private void send(DataBuffer bytes, Taken told) {
    boolean late;
    synchronized (this) {
      late = stopped;
      if (!late) {
        piece = bytes;
        taken = told;
      }
    }
    if (late) {
      DataBufferUtils.release(bytes);
      Conversation.REPORTS.execute(() -> told.tell(false));
    } else {
      advance();
    }
  }

  /** No piece comes any more. */
  void end() {
    synchronized (this) {
      ended = true;
    }
    advance();
  }

  /** The client is gone. */
  void stop() {
    Taken told;
    DataBuffer unsent;
    synchronized (this) {
      stopped = true;
      told = taken;
      taken = null;
      unsent = piece;
      piece = null;
    }
    if (unsent != null) {
      DataBufferUtils.release(unsent);
    }
    if (told != null) {
      Conversation.REPORTS.execute(() -> told.tell(false));
    }
  }

  // ---- the groups

  @Override
  public void subscribe(Subscriber<? super Publisher<DataBuffer>> subscriber) {
    synchronized (this) {
      groups = subscriber;
    }
    subscriber.onSubscribe(this);
  }

  @Override
  public void request(long n) {
    synchronized (this) {
      demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
    }
    offer();
  }

  @Override
  public void cancel() {
    stop();
  }

  /** Gives the server the next group, once after each piece. */
  private void offer() {
    Subscriber<? super Publisher<DataBuffer>> to;
    synchronized (this) {
      to = groups;
      if (to == null || !owed || demand == 0 || stopped) {
        return;
      }
      owed = false;
      demand--;
    }
    to.onNext(new GroupPublisher());
  }

  /** Hands a piece, or the end, to the group that waits for it. */
  private void advance() {
    Group group;
    DataBuffer bytes;
    Subscriber<? super Publisher<DataBuffer>> to;
    synchronized (this) {
      group = ready;
      to = groups;
      bytes = piece;
      if (group == null || to == null || !group.requested || (bytes == null && !ended)) {
        return;
      }
      ready = null;
      piece = null;
      owed = bytes != null;
    }
    if (bytes != null) {
      group.subscriber.onNext(bytes);
      group.subscriber.onComplete();
      offer();
    } else {
      group.subscriber.onComplete();
      to.onComplete();
    }
  }

  /** A group has been subscribed to: what went before is out. */
  private void began(Group group) {
    Taken told = null;
    synchronized (this) {
      ready = group;
      if (piece == null) {
        told = taken;
        taken = null;
      }
    }
    group.subscriber.onSubscribe(group);
    if (told != null) {
      Taken tell = told;
      executor.execute(() -> tell.tell(true));
    }
  }

  /** One group of the server's; it is subscribed to once. */
  private final class GroupPublisher implements Publisher<DataBuffer> {
    @Override
    public void subscribe(Subscriber<? super DataBuffer> subscriber) {
      began(new Group(subscriber));
    }
  }

  private final class Group implements Subscription {
    private final Subscriber<? super DataBuffer> subscriber;

    // guarded by the pieces
    private boolean requested;

    Group(Subscriber<? super DataBuffer> subscriber) {
      this.subscriber = subscriber;
    }

    @Override
    public void request(long n) {
      synchronized (Pieces.this) {
        requested = true;
      }
      advance();
    }

    @Override
    public void cancel() {
      stop();
    }
  }
}
