package io.llmguard.benchmark.load;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;

/** Loads a server as a plan says, on the calling thread. Used once. */
public final class LoadGenerator {
  private final Plan plan;
  private final ByteBuffer request;
  private final int leastBody;
  private final int mostBody;
  private final InetSocketAddress target;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
  private final Times firstBytes = new Times();
  private final Times latencies = new Times();
  private boolean measuring;
  private long requests;
  private long bodyBytes;
  private long errors;
  private String firstError = "";

  /** A generator that sends this API key. */
  public LoadGenerator(Plan plan, String apiKey) {
    this.plan = plan;
    this.target = new InetSocketAddress(InetAddress.getLoopbackAddress(), plan.port());
    byte[] bytes = plan.payload().request("127.0.0.1:" + plan.port(), apiKey);
    this.request = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    this.leastBody = plan.payload().leastBody();
    this.mostBody = plan.payload().mostBody();
  }

  /**
   * Runs the plan.
   *
   * @param onMeasure called when the measured time begins
   */
  public LoadResult run(Runnable onMeasure) throws IOException {
    try (Selector selector = Selector.open()) {
      long start = System.nanoTime();
      long measureAt = start + plan.warmUp().toNanos();
      long endAt = measureAt + plan.measured().toNanos();
      long measuredSince = 0;
      int opened = 0;
      for (long now = start; now - endAt < 0; now = System.nanoTime()) {
        while (opened < plan.connections()
            && now - start >= plan.ramp().toNanos() / plan.connections() * opened) {
          new ClientConnection(this, selector);
          opened++;
        }
        if (!measuring && now - measureAt >= 0) {
          measuring = true;
          measuredSince = now;
          onMeasure.run();
        }
        selector.select(LoadGenerator::ready, 1);
      }
      measuring = false;
      double seconds = (System.nanoTime() - measuredSince) / 1e9;
      for (SelectionKey key : selector.keys()) {
        key.channel().close();
      }
      return new LoadResult(
          seconds,
          requests,
          bodyBytes,
          errors,
          firstBytes.percentileMicros(0.5),
          firstBytes.percentileMicros(0.99),
          latencies.percentileMicros(0.5),
          latencies.percentileMicros(0.99));
    }
  }

  /** What the first error was, or empty. */
  public String firstError() {
    return firstError;
  }

  private static void ready(SelectionKey key) {
    try {
      ((ClientConnection) key.attachment()).ready();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  InetSocketAddress target() {
    return target;
  }

  ByteBuffer request() {
    return request.duplicate();
  }

  ByteBuffer buffer() {
    return buffer.clear();
  }

  boolean whole(long bodyBytes) {
    return bodyBytes >= leastBody && bodyBytes <= mostBody;
  }

  void received(long bytes) {
    if (measuring) {
      bodyBytes += bytes;
    }
  }

  void completed(long firstByteNanos, long nanos) {
    if (measuring) {
      requests++;
      firstBytes.add(firstByteNanos);
      latencies.add(nanos);
    }
  }

  void failed(String what) {
    errors++;
    if (firstError.isEmpty()) {
      firstError = what;
    }
  }
}
