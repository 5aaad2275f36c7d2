package io.llmguard.benchmark.client;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.List;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;

/**
 * Bytes that all threads of this process have allocated, those included that ended meanwhile: what
 * the collections took away, and by how much the heap is fuller. Exact with a collector that stops
 * the program for the whole of a collection.
 */
final class Allocations {
  private final List<GarbageCollectorMXBean> collectors =
      ManagementFactory.getGarbageCollectorMXBeans();
  private long collections;
  private long collected;

  Allocations() {
    collections = counted();
    for (GarbageCollectorMXBean collector : collectors) {
      ((NotificationEmitter) collector)
          .addNotificationListener(
              (notification, handback) -> {
                if (notification.getUserData() instanceof CompositeData data) {
                  add(GarbageCollectionNotificationInfo.from(data));
                }
              },
              null,
              null);
    }
  }

  private synchronized void add(GarbageCollectionNotificationInfo info) {
    collected +=
        sum(info.getGcInfo().getMemoryUsageBeforeGc().values())
            - sum(info.getGcInfo().getMemoryUsageAfterGc().values());
    collections++;
    notifyAll();
  }

  // what is no heap does not shrink in a collection, or hardly
  private static long sum(Iterable<MemoryUsage> pools) {
    long used = 0;
    for (MemoryUsage pool : pools) {
      used += pool.getUsed();
    }
    return used;
  }

  private long counted() {
    return collectors.stream().mapToLong(GarbageCollectorMXBean::getCollectionCount).sum();
  }

  /** All bytes so far, but for an amount that stays the same. */
  synchronized long bytes() throws InterruptedException {
    // notices of collections come later than the collections
    while (collections < counted()) {
      wait(1000);
    }
    return collected + ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
