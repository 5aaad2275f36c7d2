package io.llmguard.audit;

import io.llmguard.TimeSource;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A bounded queue in front of an {@link AuditSink}, with the one thread that writes to it.
 *
 * <p>A place is taken by {@link #reserve} before a call goes on and is free again when the call's
 * event is written; so places count calls under way as well as events that wait. A sink that fails
 * is tried again with the same events until it succeeds; meanwhile the queue fills, and then {@link
 * Overflow} says what happens. Events that come together are written together (group commit).
 * Thread-safe.
 */
public final class AuditQueue implements AutoCloseable {
  /** What happens to a call for which there is no place. */
  public enum Overflow {
    /** It waits for one, at most {@link Builder#maxWait}; then it is refused. */
    BLOCK,
    /** It is refused at once. */
    REFUSE
  }

  /**
   * How a queue is at one moment.
   *
   * @param capacity how many places there are
   * @param reserved how many are taken, by calls under way and waiting events
   * @param queued how many events wait to be written
   * @param written how many events were written
   * @param refused how many calls found no place
   * @param failures how often the sink failed
   * @param lost how many events could not be written before the queue was closed
   * @param failingSince since when the sink has been failing, or null while it works
   */
  public record State(
      int capacity,
      int reserved,
      int queued,
      long written,
      long refused,
      long failures,
      long lost,
      @Nullable Instant failingSince) {
    /** True if the sink works and a call would find a place. */
    public boolean healthy() {
      return failingSince == null && reserved < capacity;
    }
  }

  private static final Logger log = LoggerFactory.getLogger(AuditQueue.class);
  private static final int MAX_BATCH = 1024;

  private final AuditSink sink;
  private final Overflow overflow;
  private final int capacity;
  private final long maxWaitNanos;
  private final long lingerNanos;
  private final long retryNanos;
  private final Duration closeTimeout;
  private final TimeSource time;

  private final Semaphore places;
  private final Queue<AuditEvent> events = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final AtomicLong written = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();
  private final AtomicLong lost = new AtomicLong();
  private final Thread writer;
  private volatile boolean idle;
  private volatile boolean closing;
  private volatile boolean giveUp;
  private volatile boolean ended;
  private volatile @Nullable Instant failingSince;
  // of the writer's thread only
  private long noted;

  private AuditQueue(Builder builder) {
    sink = builder.sink;
    overflow = builder.overflow;
    capacity = builder.capacity;
    maxWaitNanos = builder.maxWait.toNanos();
    lingerNanos = builder.linger.toNanos();
    retryNanos = builder.retryAfter.toNanos();
    closeTimeout = builder.closeTimeout;
    time = builder.time;
    places = new Semaphore(capacity);
    writer = new Thread(this::run, "llmguard-audit");
    writer.setDaemon(true);
    writer.start();
  }

  /** A builder of a queue in front of the sink, which the queue closes with itself. */
  public static Builder to(AuditSink sink) {
    return new Builder(sink);
  }

  /** What happens to a call for which there is no place. */
  public Overflow overflow() {
    return overflow;
  }

  /** How the queue is now. */
  public State state() {
    return new State(
        capacity,
        capacity - places.availablePermits(),
        queued.get(),
        written.get(),
        refused.get(),
        failures.get(),
        lost.get(),
        failingSince);
  }

  /**
   * Takes a place for the event of a call; each place that was got is used by one {@link #put}.
   *
   * @return false if the call must be refused
   */
  boolean reserve() {
    if (!closing && (places.tryAcquire() || (overflow == Overflow.BLOCK && await()))) {
      return true;
    }
    refused.incrementAndGet();
    return false;
  }

  private boolean await() {
    try {
      return places.tryAcquire(maxWaitNanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Hands over the event of a call that has a place. Never blocks. */
  void put(AuditEvent event) {
    queued.incrementAndGet();
    events.add(event);
    if (idle) {
      LockSupport.unpark(writer);
    } else if (ended) {
      abandon();
    }
  }

  private void run() {
    List<AuditEvent> batch = new ArrayList<>(MAX_BATCH);
    while (true) {
      boolean last = closing;
      for (AuditEvent event = events.poll(); event != null; event = events.poll()) {
        batch.add(event);
        if (batch.size() == MAX_BATCH) {
          break;
        }
      }
      if (!batch.isEmpty() || refused.get() > noted) {
        if (!write(batch)) {
          break;
        }
        batch.clear();
        if (!closing) {
          // what comes now shares the next write
          LockSupport.parkNanos(lingerNanos);
        }
      } else if (last) {
        break;
      } else {
        idle = true;
        if (events.isEmpty() && !closing && refused.get() == noted) {
          LockSupport.parkNanos(this, TimeUnit.SECONDS.toNanos(1));
        }
        idle = false;
      }
    }
    lost.addAndGet(batch.size());
    queued.addAndGet(-batch.size());
    places.release(batch.size());
    ended = true;
    abandon();
    if (lost.get() > 0) {
      log.error("{} audit events could not be written before the end", lost.get());
    }
    try {
      sink.close();
    } catch (IOException | RuntimeException e) {
      log.error("the audit sink failed to close", e);
    }
  }

  /** Offers the batch until it is taken; false if that was given up. */
  private boolean write(List<AuditEvent> batch) {
    int done = 0;
    while (true) {
      try {
        long unaudited = refused.get();
        if (unaudited > noted) {
          sink.writeUnaudited(unaudited - noted);
          noted = unaudited;
        }
        if (done < batch.size()) {
          sink.write(batch);
          done = batch.size();
        }
        if (failingSince != null) {
          log.warn("the audit sink works again");
          failingSince = null;
        }
        written.addAndGet(done);
        queued.addAndGet(-done);
        places.release(done);
        return true;
      } catch (IOException | RuntimeException e) {
        failures.incrementAndGet();
        if (failingSince == null) {
          failingSince = time.now();
          log.error("the audit sink fails; {} events wait", queued.get(), e);
        }
        if (giveUp) {
          return false;
        }
        LockSupport.parkNanos(this, retryNanos);
        if (giveUp) {
          return false;
        }
      }
    }
  }

  /** Counts what comes too late to be written. */
  private void abandon() {
    while (events.poll() != null) {
      queued.decrementAndGet();
      lost.incrementAndGet();
      places.release();
    }
  }

  /**
   * Takes no more calls, writes what waits within {@link Builder#closeTimeout}, and closes the
   * sink. What cannot be written by then is counted as lost, and logged.
   */
  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(writer);
    boolean interrupted = false;
    try {
      writer.join(Math.max(1, closeTimeout.toMillis()));
    } catch (InterruptedException e) {
      interrupted = true;
    }
    giveUp = true;
    LockSupport.unpark(writer);
    try {
      // a sink that hangs must not keep the application from ending
      writer.join(TimeUnit.SECONDS.toMillis(1));
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Sets up a queue. Not thread-safe. */
  public static final class Builder {
    private final AuditSink sink;
    private Overflow overflow = Overflow.REFUSE;
    private int capacity = 16_384;
    private Duration maxWait = Duration.ofSeconds(30);
    private Duration linger = Duration.ofMillis(2);
    private Duration retryAfter = Duration.ofMillis(500);
    private Duration closeTimeout = Duration.ofSeconds(10);
    private TimeSource time = TimeSource.system();

    private Builder(AuditSink sink) {
      this.sink = Objects.requireNonNull(sink);
    }

    /** What happens to a call for which there is no place; REFUSE unless set. */
    public Builder overflow(Overflow value) {
      overflow = Objects.requireNonNull(value);
      return this;
    }

    /** How many calls under way and waiting events there may be; at least 1, 16,384 unless set. */
    public Builder capacity(int value) {
      if (value < 1) {
        throw new IllegalArgumentException("an audit queue has at least one place: " + value);
      }
      capacity = value;
      return this;
    }

    /** How long a call waits for a place under BLOCK; 30 s unless set. */
    public Builder maxWait(Duration value) {
      maxWait = notNegative("maxWait", value);
      return this;
    }

    /** How long after a write the next one waits to be shared; 2 ms unless set. */
    public Builder linger(Duration value) {
      linger = notNegative("linger", value);
      return this;
    }

    /** How long after a failure the sink is tried again; 500 ms unless set. */
    public Builder retryAfter(Duration value) {
      retryAfter = notNegative("retryAfter", value);
      return this;
    }

    /** How long closing waits for events to be written; 10 s unless set. */
    public Builder closeTimeout(Duration value) {
      closeTimeout = notNegative("closeTimeout", value);
      return this;
    }

    /** Where the queue takes the time from; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = Objects.requireNonNull(value);
      return this;
    }

    private static Duration notNegative(String name, Duration value) {
      if (value.isNegative()) {
        throw new IllegalArgumentException(name + " is not negative: " + value);
      }
      return value;
    }

    /** The queue, with its thread started; close it. */
    public AuditQueue build() {
      return new AuditQueue(this);
    }
  }
}
