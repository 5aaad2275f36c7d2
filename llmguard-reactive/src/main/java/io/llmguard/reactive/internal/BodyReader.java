package io.llmguard.reactive.internal;

import io.llmguard.GuardRequest.BodyTooLargeException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
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

  /** The deadline has passed. */
  void timedOut() {
    fail(new SocketTimeoutException("the body did not come in time"));
  }

  /** The client is gone. */
  void clientGone() {
    fail(new IOException("the client is gone"));
  }

  private void fail(Exception cause) {
    if (body.completeExceptionally(cause)) {
      cancel();
    }
  }

  @Override
  protected void hookOnSubscribe(Subscription subscription) {
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  protected void hookOnNext(DataBuffer piece) {
    try {
      int size = piece.readableByteCount();
      if (size > max - count) {
        fail(new BodyTooLargeException(max));
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
    body.completeExceptionally(broken(failure));
  }

  /** A failure as the guards know it: the client went away while it sent. */
  static IOException broken(Throwable failure) {
    return failure instanceof IOException io
        ? io
        : new IOException("the request's body broke off", failure);
  }
}
