package io.llmguard.testkit;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The buffers of this JVM that were collected without having been released; Netty makes it by the
 * system property {@code io.netty.customResourceLeakDetector}.
 *
 * @param <T> what is watched
 */
public final class BufferLeaks<T> extends ResourceLeakDetector<T> {
  private static final Queue<String> FOUND = new ConcurrentLinkedQueue<>();

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

  /** Those since this was asked last, all that is garbage by now included. */
  public static List<String> taken() {
    // references of one collection are handed out before those of the next
    collect();
    collect();
    for (int i = 0; i < 8; i++) {
      // a detector looks for what was collected when something new is to be watched
      ByteBuf probe = PooledByteBufAllocator.DEFAULT.directBuffer(16);
      probe.release();
      PooledByteBufAllocator.DEFAULT.heapBuffer(16).release();
    }
    List<String> taken = new ArrayList<>();
    for (String found = FOUND.poll(); found != null; found = FOUND.poll()) {
      taken.add(found);
    }
    return taken;
  }

  /** Returns when what was garbage before has been collected, and its references handed out. */
  private static void collect() {
    ReferenceQueue<Object> handedOut = new ReferenceQueue<>();
    PhantomReference<Object> garbage = new PhantomReference<>(new Object(), handedOut);
    try {
      do {
        System.gc();
      } while (handedOut.remove(100) == null);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    } finally {
      Reference.reachabilityFence(garbage);
    }
  }
}
