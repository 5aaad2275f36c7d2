package io.llmguard.servlet.internal;

import io.llmguard.servlet.internal.Container.Watch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.server.internal.HttpConnection;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether the other end of an HTTP/1.1 connection of Jetty closes while a call is answered.
 *
 * <p>Between the last byte of a request and the last byte of its answer Jetty has no interest in
 * reading, so this has. One thread arms the connections of calls that are older than {@link
 * #AGE_NANOS}, so that fast calls pay for no system call; the selector wakes what becomes readable.
 * An end of the stream is a client that left. Bytes are the next request, sent early: they are put
 * where Jetty will look for them, and the connection is left alone from then on. Before an answer
 * is complete the interest is taken back, since Jetty then registers its own.
 */
final class JettyProbe implements AutoCloseable {
  private static final long AGE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final int PEEK = 1024;

  /** Calls that are too young, the oldest first: each waits equally long. */
  private final ConcurrentLinkedQueue<Watched> young = new ConcurrentLinkedQueue<>();

  private volatile @Nullable Thread thread;
  private volatile boolean asleep;
  private volatile boolean closed;

  Watch watch(
      HttpConnection connection,
      AbstractEndPoint endPoint,
      BooleanSupplier bodyRead,
      Runnable gone) {
    Watched watched = new Watched(connection, endPoint, bodyRead, gone);
    watched.due = System.nanoTime() + AGE_NANOS;
    young.add(watched);
    Thread sweeper = thread;
    if (sweeper == null) {
      start();
    } else if (asleep) {
      LockSupport.unpark(sweeper);
    }
    return watched;
  }

  private synchronized void start() {
    if (thread == null && !closed) {
      Thread sweeper = new Thread(this::sweep, "llmguard-disconnect-probe");
      sweeper.setDaemon(true);
      thread = sweeper;
      sweeper.start();
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    Thread sweeper = thread;
    if (sweeper != null) {
      LockSupport.unpark(sweeper);
    }
  }

  private void sweep() {
    while (!closed) {
      Watched next = young.poll();
      if (next == null) {
        asleep = true;
        if (young.isEmpty() && !closed) {
          LockSupport.park(this);
        }
        asleep = false;
      } else if (!next.stopped && grown(next) && !next.arm()) {
        next.due = System.nanoTime() + AGE_NANOS;
        young.add(next);
      }
    }
  }

  private boolean grown(Watched call) {
    for (long wait = call.due - System.nanoTime();
        wait > 0 && !closed;
        wait = call.due - System.nanoTime()) {
      LockSupport.parkNanos(this, wait);
    }
    return !closed;
  }

  private enum State {
    /** Jetty may still be reading. */
    YOUNG,
    /** This is what the selector tells of readable bytes. */
    ARMED,
    /** Nothing is watched any more. */
    OVER
  }

  /** One call; its own lock stands for the right to read from the connection. */
  private static final class Watched implements Watch, Callback {
    private final HttpConnection connection;
    private final AbstractEndPoint endPoint;
    private final BooleanSupplier bodyRead;
    private final Runnable gone;
    private long due;
    private volatile boolean stopped;

    // guarded by this
    private State state = State.YOUNG;
    private boolean arming;
    private boolean leftWhileArming;

    Watched(
        HttpConnection connection,
        AbstractEndPoint endPoint,
        BooleanSupplier bodyRead,
        Runnable gone) {
      this.connection = connection;
      this.endPoint = endPoint;
      this.bodyRead = bodyRead;
      this.gone = gone;
    }

    /** Registers interest; false if that has to be tried again later. */
    boolean arm() {
      synchronized (this) {
        if (state != State.YOUNG) {
          return true;
        }
        if (!bodyRead.getAsBoolean()) {
          return false;
        }
        if (!connection.isRequestBufferEmpty()) {
          state = State.OVER; // the next request is here already; it stays where it is
          return true;
        }
        state = State.ARMED;
        arming = true;
        boolean registered = endPoint.tryFillInterested(this);
        arming = false;
        if (!registered) {
          state = State.YOUNG;
          return false;
        }
        if (!leftWhileArming) {
          return true;
        }
      }
      gone.run();
      return true;
    }

    @Override
    public void succeeded() {
      synchronized (this) {
        if (state != State.ARMED || !hasLeft()) {
          return;
        }
        state = State.OVER;
        if (arming) {
          leftWhileArming = true;
          return;
        }
      }
      gone.run();
    }

    /** Reads what has come; with the lock held. */
    private boolean hasLeft() {
      ByteBuffer buffer = BufferUtil.allocate(Math.min(PEEK, connection.getInputBufferSize()));
      int filled;
      try {
        filled = endPoint.fill(buffer);
      } catch (IOException | RuntimeException e) {
        return true;
      }
      if (filled > 0) {
        state = State.OVER;
        connection.onUpgradeTo(buffer);
      } else if (filled == 0 && !endPoint.tryFillInterested(this)) {
        state = State.OVER;
      }
      return filled < 0;
    }

    @Override
    public void failed(Throwable cause) {
      synchronized (this) {
        if (state != State.ARMED) {
          return;
        }
        state = State.OVER;
        if (arming) {
          leftWhileArming = true;
          return;
        }
      }
      gone.run();
    }

    @Override
    public void stop() {
      stopped = true;
      synchronized (this) {
        boolean armed = state == State.ARMED;
        state = State.OVER;
        if (armed) {
          // takes this out of the end point, which tells it so
          endPoint.getFillInterest().fillable();
        }
      }
    }
  }
}
