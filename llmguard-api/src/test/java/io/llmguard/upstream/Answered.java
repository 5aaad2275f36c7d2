package io.llmguard.upstream;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Hears an answer and lets a test wait for each part of it. */
final class Answered implements UpstreamTransport.ResponseHandler {
  private static final int DEADLINE = 20;

  final CompletableFuture<Integer> status = new CompletableFuture<>();
  final CompletableFuture<UpstreamFailure> failure = new CompletableFuture<>();
  final CompletableFuture<Void> ended = new CompletableFuture<>();
  final CompletableFuture<Void> over = new CompletableFuture<>();
  final BlockingQueue<Runnable> held = new LinkedBlockingQueue<>();
  final AtomicLong length = new AtomicLong();
  final AtomicInteger pieces = new AtomicInteger();
  final AtomicInteger overlaps = new AtomicInteger();
  private final AtomicInteger inside = new AtomicInteger();
  private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
  private final boolean holds;
  private final boolean keeps;
  private volatile HeaderMap headers = new HeaderMap();

  private Answered(boolean holds, boolean keeps) {
    this.holds = holds;
    this.keeps = keeps;
  }

  /** Takes each piece at once and keeps it. */
  static Answered keeping() {
    return new Answered(false, true);
  }

  /** Takes each piece at once and only counts it. */
  static Answered counting() {
    return new Answered(false, false);
  }

  /** Holds each piece until the test lets it go. */
  static Answered holding() {
    return new Answered(true, true);
  }

  @Override
  public void onHead(int code, Headers fields) {
    enter();
    headers = HeaderMap.copyOf(fields);
    status.complete(code);
    inside.decrementAndGet();
  }

  @Override
  public void onBytes(ByteBuffer chunk, Runnable consumed) {
    enter();
    length.addAndGet(chunk.remaining());
    pieces.incrementAndGet();
    if (keeps) {
      synchronized (kept) {
        byte[] bytes = new byte[chunk.remaining()];
        chunk.duplicate().get(bytes);
        kept.writeBytes(bytes);
      }
    }
    inside.decrementAndGet();
    if (holds) {
      held.add(consumed);
    } else {
      consumed.run();
    }
  }

  @Override
  public void onEnd() {
    enter();
    ended.complete(null);
    over.complete(null);
    inside.decrementAndGet();
  }

  @Override
  public void onFailure(UpstreamFailure why) {
    enter();
    if (ended.isDone() || !failure.complete(why)) {
      overlaps.incrementAndGet(); // a second end
    }
    over.complete(null);
    inside.decrementAndGet();
  }

  private void enter() {
    if (inside.incrementAndGet() > 1) {
      overlaps.incrementAndGet();
    }
  }

  HeaderMap headers() {
    return headers;
  }

  int awaitStatus() throws Exception {
    return status.get(DEADLINE, TimeUnit.SECONDS);
  }

  UpstreamFailure awaitFailure() throws Exception {
    return failure.get(DEADLINE, TimeUnit.SECONDS);
  }

  String awaitText() throws Exception {
    over.get(DEADLINE, TimeUnit.SECONDS);
    if (failure.isDone()) {
      throw new AssertionError("failed: " + failure.join());
    }
    return text();
  }

  String text() {
    synchronized (kept) {
      return kept.toString(StandardCharsets.UTF_8);
    }
  }

  Runnable awaitPiece() throws InterruptedException {
    Runnable consumed = held.poll(DEADLINE, TimeUnit.SECONDS);
    if (consumed == null) {
      throw new AssertionError("no piece came");
    }
    return consumed;
  }
}
