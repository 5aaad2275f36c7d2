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

/** The client's side of a proxied call, which a test reads at its own pace or leaves. */
final class ClientDouble implements ClientResponse {
  private static final int DEADLINE = 20;

  final CompletableFuture<Integer> status = new CompletableFuture<>();
  final CompletableFuture<String> end = new CompletableFuture<>();
  final BlockingQueue<WriteCallback> held = new LinkedBlockingQueue<>();
  final AtomicInteger writes = new AtomicInteger();
  final AtomicInteger flushes = new AtomicInteger();
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();
  private final boolean holds;
  private volatile HeaderMap headers = new HeaderMap();

  private ClientDouble(boolean holds) {
    this.holds = holds;
  }

  static ClientDouble reading() {
    return new ClientDouble(false);
  }

  /** Acknowledges each write only when the test does. */
  static ClientDouble holding() {
    return new ClientDouble(true);
  }

  @Override
  public void head(int code, Headers fields) {
    headers = HeaderMap.copyOf(fields);
    if (!status.complete(code)) {
      throw new AssertionError("a second head");
    }
  }

  @Override
  public void write(ByteBuffer chunk, boolean flush, WriteCallback written) {
    if (!status.isDone() || end.isDone()) {
      throw new AssertionError("a write before the head or after the end");
    }
    writes.incrementAndGet();
    if (flush) {
      flushes.incrementAndGet();
    }
    byte[] bytes = new byte[chunk.remaining()];
    chunk.get(bytes);
    synchronized (body) {
      body.writeBytes(bytes);
    }
    if (holds) {
      held.add(written);
    } else {
      written.written();
    }
  }

  @Override
  public void end() {
    end.complete("end");
  }

  @Override
  public void abort() {
    end.complete("abort");
  }

  HeaderMap headers() {
    return headers;
  }

  int awaitStatus() throws Exception {
    return status.get(DEADLINE, TimeUnit.SECONDS);
  }

  WriteCallback awaitWrite() throws InterruptedException {
    WriteCallback write = held.poll(DEADLINE, TimeUnit.SECONDS);
    if (write == null) {
      throw new AssertionError("no write came");
    }
    return write;
  }

  String awaitEnd() throws Exception {
    return end.get(DEADLINE, TimeUnit.SECONDS);
  }

  String text() {
    synchronized (body) {
      return body.toString(StandardCharsets.UTF_8);
    }
  }
}
