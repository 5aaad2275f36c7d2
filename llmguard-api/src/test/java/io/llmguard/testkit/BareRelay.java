package io.llmguard.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A relay that does nothing but pass on that its client has left, over as many threads and sockets
 * as any gateway needs for it: what the machine itself takes for that at this moment.
 */
final class BareRelay implements AutoCloseable {
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          work -> {
            Thread thread = new Thread(work, "bare-relay");
            thread.setDaemon(true);
            return thread;
          });
  private final ServerSocket server;

  private BareRelay(ServerSocket server) {
    this.server = server;
  }

  static BareRelay open() throws IOException {
    return new BareRelay(new ServerSocket(0, 8, InetAddress.getLoopbackAddress()));
  }

  /** Two ends of a connection. */
  private record Pair(Socket near, Socket far) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      near.close();
      far.close();
    }
  }

  private Pair pair() throws IOException {
    Socket near = new Socket(server.getInetAddress(), server.getLocalPort());
    return new Pair(near, server.accept());
  }

  /** Nanoseconds from a client's leaving until the server behind the relay has seen it. */
  long pass() throws Exception {
    try (Pair client = pair();
        Pair upstream = pair()) {
      CompletableFuture<Long> seen =
          CompletableFuture.supplyAsync(() -> endOf(upstream.far()), threads);
      var unused =
          CompletableFuture.supplyAsync(() -> endOf(client.far()), threads)
              .thenAcceptAsync(left -> close(upstream.near()), threads);
      long left = System.nanoTime();
      client.near().close();
      return seen.get(20, TimeUnit.SECONDS) - left;
    }
  }

  private static long endOf(Socket socket) {
    try {
      while (socket.getInputStream().read() >= 0) {
        // nobody sends anything
      }
    } catch (IOException e) {
      // an end as well
    }
    return System.nanoTime();
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    threads.shutdown();
    server.close();
  }
}
