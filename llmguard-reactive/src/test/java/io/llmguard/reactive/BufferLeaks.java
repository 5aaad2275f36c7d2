package io.llmguard.reactive;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The buffers of this JVM that were collected without having been released; Netty makes it by the
 * system property {@code io.netty.customResourceLeakDetector}.
 *
 * @param <T> what is watched
 */
public final class BufferLeaks<T> extends ResourceLeakDetector<T> {
  private static final BlockingQueue<String> FOUND = new LinkedBlockingQueue<>();

  /** As Netty makes it. */
  public BufferLeaks(Class<?> resourceType, int samplingInterval) {
    super(resourceType, samplingInterval);
  }

  /** As Netty makes it, the older way. */
  public BufferLeaks(Class<?> resourceType, int samplingInterval, long maxActive) {
    super(resourceType, samplingInterval);
  }

  @Override
  protected boolean needReport() {
    return true;
  }

  @Override
  protected void reportTracedLeak(String resourceType, String records) {
    FOUND.add(resourceType + records);
  }

  @Override
  protected void reportUntracedLeak(String resourceType) {
    FOUND.add(resourceType);
  }

  /** Those since this was asked last, after what is garbage was collected. */
  static List<String> taken() {
    System.gc();
    for (int i = 0; i < 8; i++) {
      // a detector looks for what was collected when something new is to be watched
      ByteBuf probe = PooledByteBufAllocator.DEFAULT.directBuffer(16);
      probe.release();
      PooledByteBufAllocator.DEFAULT.heapBuffer(16).release();
    }
    List<String> taken = new ArrayList<>();
    FOUND.drainTo(taken);
    return taken;
  }
}
