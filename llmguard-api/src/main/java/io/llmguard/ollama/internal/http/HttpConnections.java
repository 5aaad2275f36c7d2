package io.llmguard.ollama.internal.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one client: those without a call are kept for a minute, for calls to the same
 * origin. Closing it closes them, and ends its thread; calls under way are closed by their owners.
 * Thread-safe.
 */
public final class HttpConnections implements AutoCloseable {
  /** How many connections to an origin are kept without a call. */
  private static final int MOST_IDLE = 64;

  private static final long LONGEST_IDLE = TimeUnit.MINUTES.toNanos(1);

  /** Says which addresses a host has; may wait. */
  @FunctionalInterface
  interface Resolver {
    /** The addresses, in the order in which they are tried. */
    InetAddress[] resolve(String host) throws UnknownHostException;
  }

  private final Reactor reactor;
  private final Resolver resolver;
  private final ProxySelector proxies;
  private final @Nullable SSLContext tls;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Origin, ArrayDeque<Connection>> idle = new HashMap<>();
  private boolean closed;

  /**
   * Without a connection yet.
   *
   * @param name of its thread
   * @param proxies who says by which proxy a server is reached
   * @param tls for https, or null for the platform's
   */
  public HttpConnections(String name, ProxySelector proxies, @Nullable SSLContext tls) {
    this(name, proxies, tls, InetAddress::getAllByName);
  }

  HttpConnections(String name, ProxySelector proxies, @Nullable SSLContext tls, Resolver resolver) {
    this.resolver = resolver;
    this.reactor = new Reactor(name, this::closeOld);
    this.proxies = proxies;
    this.tls = tls;
  }

  ProxySelector proxies() {
    return proxies;
  }

  SSLContext tls() throws IOException {
    try {
      return tls == null ? SSLContext.getDefault() : tls;
    } catch (NoSuchAlgorithmException e) {
      throw new IOException("the platform has no TLS", e);
    }
  }

  /** Where connections of an origin may lead to; asks for the names, which may wait. */
  List<InetSocketAddress> addresses(Origin origin) throws UnknownHostException {
    try {
      return Stream.of(resolver.resolve(origin.connectHost()))
          .map(address -> new InetSocketAddress(address, origin.connectPort()))
          .toList();
    } catch (UnknownHostException e) {
      throw new UnknownHostException("the host is not known: " + origin.connectHost());
    }
  }

  /** A new connection that is being made. */
  Connection fresh(Origin origin, InetSocketAddress address) throws IOException {
    return new Connection(origin, address, reactor);
  }

  /** A connection that is kept and still stands; null where there is none. */
  @Nullable Connection kept(Origin origin) {
    for (Connection last = last(origin); last != null; last = last(origin)) {
      if (usable(last)) {
        return last;
      }
      last.close();
    }
    return null;
  }

  private @Nullable Connection last(Origin origin) {
    lock.lock();
    try {
      ArrayDeque<Connection> list = idle.get(origin);
      Connection last = list == null ? null : list.pollLast();
      if (list != null && list.isEmpty()) {
        idle.remove(origin);
      }
      if (last != null) {
        last.waiter(null);
      }
      return last;
    } finally {
      lock.unlock();
    }
  }

  /** What nobody asked for, or the end, has come to a connection that is of no use any more. */
  private static boolean usable(Connection connection) {
    try {
      return !connection.input().hasRemaining() && connection.fill() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Keeps a connection for the next call. */
  void keep(Connection connection) {
    connection.idle(System.nanoTime());
    lock.lock();
    try {
      ArrayDeque<Connection> list =
          idle.computeIfAbsent(connection.origin(), origin -> new ArrayDeque<>());
      if (!closed && list.size() < MOST_IDLE) {
        connection.waiter(() -> dropped(connection));
        connection.await(SelectionKey.OP_READ);
        list.addLast(connection);
        return;
      }
    } catch (ClosedChannelException e) {
      // not worth keeping
    } finally {
      lock.unlock();
    }
    connection.close();
  }

  /** A server ended a connection that no call uses. */
  private void dropped(Connection connection) {
    lock.lock();
    try {
      ArrayDeque<Connection> list = idle.get(connection.origin());
      if (list == null || !list.remove(connection)) {
        return;
      }
      if (list.isEmpty()) {
        idle.remove(connection.origin());
      }
    } finally {
      lock.unlock();
    }
    connection.close();
  }

  private void closeOld() {
    long now = System.nanoTime();
    closeAll(connection -> now - connection.idleSince() >= LONGEST_IDLE);
  }

  private void closeAll(Predicate<Connection> which) {
    List<Connection> old = new ArrayList<>();
    lock.lock();
    try {
      for (Iterator<ArrayDeque<Connection>> lists = idle.values().iterator(); lists.hasNext(); ) {
        ArrayDeque<Connection> list = lists.next();
        list.removeIf(connection -> which.test(connection) && old.add(connection));
        if (list.isEmpty()) {
          lists.remove();
        }
      }
    } finally {
      lock.unlock();
    }
    old.forEach(Connection::close);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
    closeAll(connection -> true);
    reactor.close();
  }
}
