package io.llmguard.upstream;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A body made while it is sent, of any length, one piece for each that is asked for. */
final class Generated implements Flow.Publisher<ByteBuffer>, Flow.Subscription {
  final CompletableFuture<Void> cancelled = new CompletableFuture<>();
  private final long length;
  private final int piece;
  private final boolean reuses;
  private final ByteBuffer buffer;
  private final AtomicLong asked = new AtomicLong();
  private final MessageDigest digest;
  private final CompletableFuture<Void> far = new CompletableFuture<>();
  private volatile long mark = Long.MAX_VALUE;
  private final AtomicLong made = new AtomicLong();
  private Flow.@Nullable Subscriber<? super ByteBuffer> subscriber;
  private byte value;
  private boolean done;

  /** So many bytes in pieces of so many, perhaps all in the same buffer. */
  Generated(long length, int piece, boolean reuses) {
    this.length = length;
    this.piece = piece;
    this.reuses = reuses;
    this.buffer = ByteBuffer.allocate(piece);
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ByteBuffer> one) {
    subscriber = one;
    one.onSubscribe(this);
  }

  @Override
  public void request(long n) {
    // a request from within onNext only counts: no recursion
    if (asked.getAndAdd(n) == 0) {
      do {
        emit();
      } while (asked.decrementAndGet() > 0 && !done);
    }
  }

  private void emit() {
    Flow.Subscriber<? super ByteBuffer> one = subscriber;
    if (one == null || done || cancelled.isDone()) {
      return;
    }
    int size = (int) Math.min(piece, length - made.get());
    ByteBuffer next = reuses ? buffer.clear() : ByteBuffer.allocate(size);
    value++;
    for (int i = 0; i < size; i += 509) {
      next.put(i, value); // enough to tell pieces apart, and cheap
    }
    next.limit(size);
    long total = made.addAndGet(size);
    if (length < 1L << 30) {
      digest.update(next.duplicate());
    }
    if (total >= mark) {
      far.complete(null);
    }
    one.onNext(next);
    if (total == length) {
      done = true;
      one.onComplete();
    }
  }

  @Override
  public void cancel() {
    cancelled.complete(null);
  }

  String sha256() {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Waits until so many bytes were asked for. */
  void passed(long bytes) throws InterruptedException, ExecutionException, TimeoutException {
    mark = bytes;
    if (made.get() < bytes) {
      far.get(20, TimeUnit.SECONDS);
    }
  }
}
