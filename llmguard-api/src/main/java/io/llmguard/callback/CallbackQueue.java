package io.llmguard.callback;

import io.llmguard.budget.BudgetAlert;
import io.llmguard.callback.internal.Spool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends reports to a {@link CallbackTarget} in batches, on a thread of its own.
 *
 * <p>A call never waits for it. While the target cannot be reached, reports go to disk, and are
 * sent in their order once it is back; the pauses between tries double from {@link
 * Builder#retryFirst} to {@link Builder#retryAtMost}. What waits on disk when the process ends is
 * sent by the next one. Beyond {@link Builder#capacity} in memory and {@link Builder#maxSpoolBytes}
 * on disk reports are dropped, counted and logged by number. Thread-safe. Closing tries once more,
 * puts what is left on disk, and closes the target.
 */
public final class CallbackQueue implements CallListener, BudgetAlert.Listener, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CallbackQueue.class);

  /** A report, or an alert, or none, which only wakes the sender. */
  private record Item(@Nullable CallReport report, @Nullable BudgetAlert alert) {}

  private final CallbackTarget target;
  private final BlockingQueue<Item> reports;
  private final Spool spool;
  private final Builder settings;
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();
  private final Thread sender;
  private final Object pause = new Object();
  private volatile boolean closing;
  private volatile @Nullable String failing;
  // of the sender's thread only
  private Duration wait;
  private long retryAt;

  private CallbackQueue(Builder builder) throws IOException {
    target = builder.target;
    settings = builder;
    reports = new ArrayBlockingQueue<>(builder.capacity);
    wait = builder.retryFirst;
    spool =
        new Spool(builder.folder, target.name(), builder.maxSpoolBytes, target.maxBatchLength());
    sender = new Thread(this::run, "llmguard-callback-" + target.name());
    sender.setDaemon(true);
    sender.start();
  }

  /**
   * A builder of a queue to this target, which the queue closes with itself.
   *
   * @param folder where reports wait while the target cannot be reached; made where it is missing
   */
  public static Builder to(CallbackTarget target, Path folder) {
    return new Builder(target, folder);
  }

  @Override
  public void ended(CallReport report) {
    offer(new Item(report, null));
  }

  @Override
  public void heard(BudgetAlert alert) {
    offer(new Item(null, alert));
  }

  private void offer(Item item) {
    if (closing || !reports.offer(item)) {
      drop(1);
    }
  }

  private void drop(int count) {
    if (count == 0) {
      return;
    }
    long before = dropped.getAndAdd(count);
    // the first, and then each thousandth
    if (before == 0 || before / 1000 != (before + count) / 1000) {
      log.error("{}: {} reports were dropped so far: no room", target.name(), before + count);
    }
  }

  /** How the queue is now. */
  public State state() {
    return new State(sent.get(), refused.get(), dropped.get(), reports.size(), failing);
  }

  /**
   * How a queue is at one moment.
   *
   * @param sent how many reports the target has taken
   * @param refused how many it has refused for good
   * @param dropped how many found no room
   * @param queued how many wait in memory
   * @param failing why the target cannot be reached, in a word, or null while it can
   */
  public record State(
      long sent, long refused, long dropped, int queued, @Nullable String failing) {}

  private void run() {
    try {
      while (true) {
        boolean last = closing;
        List<String> lines = encode(take(last));
        if (last) {
          // on disk first: the process may end during the last try
          drop(spool.append(lines));
          if (reports.isEmpty()) {
            sendSpool();
            return;
          }
        } else {
          boolean mayTry = failing == null || System.nanoTime() - retryAt >= 0;
          boolean through = mayTry && sendSpool() && send(lines);
          if (!through) {
            drop(spool.append(lines));
          }
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      failing = "spool";
      log.error("{}: reports cannot be kept: {}", target.name(), e.getClass().getName());
      log.debug("{}: reports cannot be kept", target.name(), e);
      drop(reports.size());
    } finally {
      target.close();
    }
  }

  /** Waits for a report, or for the time to try again, and takes what has come meanwhile. */
  private List<Item> take(boolean last) {
    List<Item> batch = new ArrayList<>();
    try {
      if (!last) {
        long nanos = Long.MAX_VALUE;
        if (failing != null) {
          nanos = Math.max(1, retryAt - System.nanoTime());
        }
        Item first = reports.poll(nanos, TimeUnit.NANOSECONDS);
        if (first != null) {
          batch.add(first);
          linger();
        }
      }
    } catch (InterruptedException e) {
      // nobody else has this thread: what is there is sent
      log.debug("{}: interrupted", target.name());
    }
    reports.drainTo(batch, settings.batch - batch.size());
    return batch;
  }

  private void linger() throws InterruptedException {
    synchronized (pause) {
      if (!closing && reports.size() + 1 < settings.batch) {
        TimeUnit.NANOSECONDS.timedWait(pause, settings.linger.toNanos());
      }
    }
  }

  private List<String> encode(List<Item> batch) {
    List<String> lines = new ArrayList<>();
    for (Item item : batch) {
      CallReport report = item.report;
      BudgetAlert alert = item.alert;
      try {
        String line =
            report != null ? target.encode(report) : alert != null ? target.encode(alert) : null;
        if (line != null) {
          lines.add(line);
        }
      } catch (RuntimeException e) {
        refused.incrementAndGet();
        log.error("{}: a report cannot be written: {}", target.name(), e.getClass().getName());
      }
    }
    return lines;
  }

  /** Sends what waits on disk; false if the target failed. */
  private boolean sendSpool() throws IOException {
    while (!spool.isEmpty()) {
      if (!send(spool.oldest())) {
        return false;
      }
      spool.removeOldest();
    }
    return true;
  }

  /** Sends lines in pieces of the target's size; false if the target failed. */
  private boolean send(List<String> lines) {
    int from = 0;
    while (from < lines.size()) {
      int to = from + 1;
      int length = lines.get(from).length();
      while (to < lines.size() && length + lines.get(to).length() + 1 <= target.maxBatchLength()) {
        length += lines.get(to++).length() + 1;
      }
      try {
        int lost = target.send(lines.subList(from, to));
        refused.addAndGet(lost);
        sent.addAndGet(to - from - lost);
        if (lost > 0) {
          log.error("{}: {} reports were refused for good", target.name(), lost);
        }
      } catch (IOException | RuntimeException e) {
        failed(e);
        return false;
      }
      from = to;
    }
    if (failing != null && !lines.isEmpty()) {
      log.info("{}: is back", target.name());
      failing = null;
      wait = settings.retryFirst;
    }
    return true;
  }

  private void failed(Exception e) {
    if (failing == null) {
      // the class only where it is not the target's own word
      log.warn(
          "{}: cannot be reached, reports wait on disk: {}",
          target.name(),
          e instanceof CallbackException ? e.getMessage() : e.getClass().getName());
    }
    failing = e instanceof CallbackException ? String.valueOf(e.getMessage()) : "unreachable";
    retryAt = System.nanoTime() + wait.toNanos();
    Duration twice = wait.multipliedBy(2);
    wait = twice.compareTo(settings.retryAtMost) > 0 ? settings.retryAtMost : twice;
  }

  @Override
  public void close() {
    synchronized (pause) {
      closing = true;
      pause.notifyAll();
    }
    // where there is no room the sender does not sleep
    var unused = reports.offer(new Item(null, null));
    try {
      sender.join(settings.closeTimeout.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (sender.isAlive()) {
      log.warn("{}: still sends while it is being closed", target.name());
    }
  }

  /** Collects how reports are sent. Not thread-safe. */
  public static final class Builder {
    private final CallbackTarget target;
    private final Path folder;
    private int capacity = 10_000;
    private int batch = 100;
    private long maxSpoolBytes = 64L << 20;
    private Duration linger = Duration.ofSeconds(1);
    private Duration retryFirst = Duration.ofSeconds(1);
    private Duration retryAtMost = Duration.ofMinutes(1);
    private Duration closeTimeout = Duration.ofSeconds(10);

    private Builder(CallbackTarget target, Path folder) {
      this.target = target;
      this.folder = folder;
    }

    /** How many reports may wait in memory; 10,000 unless set. */
    public Builder capacity(int value) {
      capacity = positive(value);
      return this;
    }

    /** How many reports are sent together at most; 100 unless set. */
    public Builder batch(int value) {
      batch = positive(value);
      return this;
    }

    /** How many bytes may wait on disk; 64 MiB unless set. */
    public Builder maxSpoolBytes(long value) {
      maxSpoolBytes = value;
      return this;
    }

    /** How long a report waits for others to go with; 1 s unless set. */
    public Builder linger(Duration value) {
      linger = value;
      return this;
    }

    /** How long after the first failure comes the next try; 1 s unless set. */
    public Builder retryFirst(Duration value) {
      retryFirst = value;
      return this;
    }

    /** The longest pause between two tries; 1 min unless set. */
    public Builder retryAtMost(Duration value) {
      retryAtMost = value;
      return this;
    }

    /** How long closing waits for the last try; 10 s unless set. */
    public Builder closeTimeout(Duration value) {
      closeTimeout = value;
      return this;
    }

    private static int positive(int value) {
      if (value < 1) {
        throw new IllegalArgumentException("at least 1 is needed: " + value);
      }
      return value;
    }

    /**
     * The queue, with its thread started; close it.
     *
     * @throws UncheckedIOException if the folder cannot be used
     */
    public CallbackQueue open() {
      try {
        return new CallbackQueue(this);
      } catch (IOException e) {
        throw new UncheckedIOException("reports cannot be kept in " + folder, e);
      }
    }
  }
}
