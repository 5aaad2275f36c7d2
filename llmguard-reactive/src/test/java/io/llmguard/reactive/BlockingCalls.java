package io.llmguard.reactive;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/** The blocking calls that were made on event loops of this JVM. */
final class BlockingCalls {
  private static final Queue<Throwable> FOUND = new ConcurrentLinkedQueue<>();

  private BlockingCalls() {}

  /** Those since this was asked last. */
  static List<Throwable> taken() {
    List<Throwable> taken = new ArrayList<>();
    for (Throwable found = FOUND.poll(); found != null; found = FOUND.poll()) {
      taken.add(found);
    }
    return taken;
  }

  /** Found by BlockHound when it is installed. */
  public static final class Integration implements BlockHoundIntegration {
    /** For the service loader. */
    public Integration() {}

    @Override
    public void applyTo(BlockHound.Builder builder) {
      // Jetty's client, and the JDK's timers and pools, guard their queues by locks that are held
      // for some instructions; what is thrown from such a lock would leave it broken
      String pools = "java.util.concurrent.ThreadPoolExecutor";
      String timers = "java.util.concurrent.ScheduledThreadPoolExecutor$DelayedWorkQueue";
      builder
          .allowBlockingCallsInside("org.eclipse.jetty.util.thread.AutoLock", "lock")
          .allowBlockingCallsInside(pools, "addWorker")
          .allowBlockingCallsInside(timers, "offer")
          .allowBlockingCallsInside(timers, "remove");
      builder.blockingMethodCallback(
          method -> {
            IllegalStateException found =
                new IllegalStateException("a blocking call on an event loop: " + method);
            FOUND.add(found);
            throw found;
          });
    }
  }
}
