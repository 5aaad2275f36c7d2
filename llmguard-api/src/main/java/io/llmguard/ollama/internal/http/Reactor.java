package io.llmguard.ollama.internal.http;

import java.io.IOException;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells when a channel that was waited for is ready: one selector, one daemon thread, which ends
 * while there is no channel. It does no I/O of its own and runs nothing that waits. Thread-safe.
 */
final class Reactor implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Reactor.class);
  private static final long TICK = TimeUnit.SECONDS.toNanos(5);

  private final String name;
  private final Runnable tick;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Selector selector;
  private volatile boolean closed;

  /** With what is to be done every few seconds while there are channels. */
  Reactor(String name, Runnable tick) {
    this.name = name;
    this.tick = tick;
  }

  /** Registers a channel, which is waited for only after {@link #await}. */
  SelectionKey register(SocketChannel channel, Connection connection) throws IOException {
    lock.lock();
    try {
      if (closed) {
        throw new IOException("the client is closed");
      }
      Selector current = selector;
      if (current == null) {
        current = begun();
        selector = current;
      }
      return channel.register(current, 0, connection);
    } finally {
      lock.unlock();
    }
  }

  private Selector begun() throws IOException {
    Selector mine = Selector.open();
    boolean runs = false;
    try {
      Thread thread = new Thread(() -> run(mine), name + "-io");
      thread.setDaemon(true);
      thread.start();
      runs = true;
    } finally {
      if (!runs) {
        mine.close();
      }
    }
    return mine;
  }

  /** Waits once for these operations; the connection's {@code ready} is told. */
  static void await(SelectionKey key, int operations) {
    key.interestOps(operations);
    key.selector().wakeup();
  }

  private void run(Selector mine) {
    long last = System.nanoTime();
    try {
      while (!closed) {
        mine.select(Reactor::ready, TimeUnit.NANOSECONDS.toMillis(TICK));
        long now = System.nanoTime();
        if (now - last >= TICK) {
          last = now;
          tick.run();
          if (given(mine, true)) {
            return;
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      LOG.error("the selector of {} failed", name, e);
    } finally {
      given(mine, false);
      end(mine);
    }
  }

  /** Lets go of a selector, always or only where it has no channel; the next one gets another. */
  private boolean given(Selector mine, boolean onlyUnused) {
    lock.lock();
    try {
      if (onlyUnused && !mine.keys().isEmpty()) {
        return false;
      }
      if (selector == mine) {
        selector = null;
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private static void ready(SelectionKey key) {
    try {
      key.interestOps(0);
      if (key.attachment() instanceof Connection connection) {
        connection.ready();
      }
    } catch (CancelledKeyException e) {
      // closed meanwhile by who no longer waits
    } catch (RuntimeException | Error e) {
      // one reader must not take all connections along; to be out of threads is an Error too
      LOG.error("a connection's reader failed to be told", e);
    }
  }

  /** Lets channels that were closed go at once. */
  static void release(SelectionKey key) {
    key.selector().wakeup();
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      if (selector != null) {
        selector.wakeup();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Closes what is still registered, so that nobody waits for it. */
  private static void end(Selector selector) {
    try {
      for (SelectionKey key : selector.keys()) {
        if (key.attachment() instanceof Connection connection) {
          connection.close();
          connection.ready();
        }
      }
      selector.close();
    } catch (IOException e) {
      LOG.debug("a selector did not close", e);
    }
  }
}
