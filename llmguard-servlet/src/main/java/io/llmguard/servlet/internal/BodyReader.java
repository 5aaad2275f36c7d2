package io.llmguard.servlet.internal;

import io.llmguard.GuardRequest.BodyTooLargeException;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/**
 * Reads one request body into memory: at once as far as it is there, then as it comes.
 *
 * <p>What an announced length promises is not allocated before it has come.
 */
final class BodyReader implements ReadListener {
  private static final int FIRST_BUFFER = 16 << 10;

  private final ServletInputStream in;
  private final long length;
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
  BodyReader(ServletInputStream in, long length, int max) throws IOException {
    this.in = in;
    this.length = length;
    this.max = max;
    int first = length >= 0 && in.available() >= length ? (int) length : FIRST_BUFFER;
    buffer = new byte[length >= 0 ? Math.min((int) length, first) : first];
  }

  /** The body; completed on the thread that read its last piece. */
  CompletableFuture<byte[]> body() {
    return body;
  }

  /** Takes what is there without waiting; true if that was the whole body, or too much. */
  boolean readAvailable() throws IOException {
    while (count != length && in.available() > 0) {
      if (!readSome()) {
        return true;
      }
    }
    if (count == length || in.isFinished()) {
      finish();
      return true;
    }
    return false;
  }

  /** Reads to the end and waits for it, no longer than this. */
  void readBlocking(long deadlineNanos) {
    try {
      long start = System.nanoTime();
      while (count != length && !in.isFinished()) {
        if (!readSome()) {
          return;
        }
        if (System.nanoTime() - start > deadlineNanos) {
          timedOut();
          return;
        }
      }
      finish();
    } catch (IOException e) {
      body.completeExceptionally(e);
    }
  }

  /** The deadline has passed. */
  void timedOut() {
    body.completeExceptionally(new SocketTimeoutException("the body did not come in time"));
  }

  /** Reads once; false if the body has ended one way or the other. */
  private boolean readSome() throws IOException {
    if (count == buffer.length) {
      int bound = length >= 0 ? (int) length : max + 1;
      buffer = Arrays.copyOf(buffer, (int) Math.min(bound, Math.max(2L * count, FIRST_BUFFER)));
    }
    int n = in.read(buffer, count, buffer.length - count);
    if (n < 0) {
      finish();
      return false;
    }
    count += n;
    if (count > max) {
      body.completeExceptionally(new BodyTooLargeException(max));
      return false;
    }
    return true;
  }

  private void finish() {
    if (length >= 0 && count < length) {
      body.completeExceptionally(new IOException("the body ended before its announced length"));
    } else if (!body.isDone()) {
      body.complete(count == buffer.length ? buffer : Arrays.copyOf(buffer, count));
    }
  }

  @Override
  public void onDataAvailable() throws IOException {
    while (!body.isDone() && count != length && in.isReady()) {
      if (!readSome()) {
        return;
      }
    }
    if (count == length) {
      // asks the container for the end of the body, which it tells by onAllDataRead
      if (in.isReady() && !in.isFinished()) {
        in.read();
      }
    }
  }

  @Override
  public void onAllDataRead() {
    finish();
  }

  @Override
  public void onError(Throwable t) {
    body.completeExceptionally(t instanceof IOException ? t : new IOException(t));
  }
}
