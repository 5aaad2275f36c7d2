package io.llmguard.reactive.internal;

import io.llmguard.GuardRequest.BodyTooLargeException;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.publisher.BaseSubscriber;

/**
 * Reads one request body into memory as it comes.
 *
 * <p>What an announced length promises is not allocated before it has come.
 */
final class BodyReader extends BaseSubscriber<DataBuffer> {
  private static final int FIRST_BUFFER = 16 << 10;

  private final int max;
  private final CompletableFuture<byte[]> body = new CompletableFuture<>();
  private @Nullable Subscription source;
  private byte[] buffer;
  private int count;

  /**
   * A reader.
   *
   * @param length the announced length, or -1
   * @param max the largest body to take
   */
  BodyReader(long length, int max) {
    this.max = max;
    buffer = new byte[length >= 0 ? (int) Math.min(length, FIRST_BUFFER) : FIRST_BUFFER];
  }

  /** The body; completed on the thread that brought its last piece. */
  CompletableFuture<byte[]> body() {
    return body;
  }

  /** Nothing more is read, for this cause; false if the body has come, or failed, before. */
  boolean stop(Exception cause) {
    boolean stopped = body.completeExceptionally(cause);
    if (stopped) {
      cancel();
    }
    return stopped;
  }

  @Override
  protected void hookOnSubscribe(Subscription subscription) {
    source = subscription;
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  protected void hookOnNext(DataBuffer piece) {
    try {
      int size = piece.readableByteCount();
      if (size > max - count) {
        stop(new BodyTooLargeException(max));
        return;
      }
      if (size > buffer.length - count) {
        long wanted = Math.max(2L * buffer.length, (long) count + size);
        buffer = Arrays.copyOf(buffer, (int) Math.min(wanted, max));
      }
      piece.read(buffer, count, size);
      count += size;
    } finally {
      DataBufferUtils.release(piece);
    }
  }

  @Override
  protected void hookOnComplete() {
    body.complete(count == buffer.length ? buffer : Arrays.copyOf(buffer, count));
  }

  @Override
  protected void hookOnError(Throwable failure) {
    Subscription failed = source;
    if (failed != null) {
      failed.cancel(); // else Reactor Netty reports the same once more when it lets the call go
    }
    body.completeExceptionally(broken(failure));
  }

  /** A failure as the guards know it: the client went away while it sent. */
  static IOException broken(Throwable failure) {
    return failure instanceof IOException io
        ? io
        : new IOException("the request's body broke off", failure);
  }
}
