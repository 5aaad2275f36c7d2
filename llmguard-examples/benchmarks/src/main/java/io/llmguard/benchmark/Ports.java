package io.llmguard.benchmark;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Free ports for programs that have to be told theirs. */
final class Ports {
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  private Ports() {}

  static int free() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Waits until a child listens. */
  static void await(int port, Child child, String what) throws IOException {
    long end = System.nanoTime() + DEADLINE.toNanos();
    while (System.nanoTime() - end < 0) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        if (socket.isConnected()) {
          return;
        }
      } catch (ConnectException e) {
        if (!child.alive()) {
          throw new IOException(what + " did not start", e);
        }
        LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
      }
    }
    throw new IOException(what + " did not listen within " + DEADLINE.toSeconds() + " s");
  }
}
