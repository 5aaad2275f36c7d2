package io.llmguard.benchmark.client;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Locale;

/**
 * A server that answers every request at once with the whole {@link Script#answer()}, so that the
 * client alone is what takes time. One thread for each connection.
 */
final class Upstream implements AutoCloseable {
  private final ServerSocket server;
  private final byte[] answer = Script.answer();

  private Upstream(ServerSocket server) {
    this.server = server;
  }

  static Upstream start() throws IOException {
    Upstream upstream = new Upstream(new ServerSocket(0, 128, InetAddress.getLoopbackAddress()));
    daemon("upstream", upstream::accept);
    return upstream;
  }

  private static void daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getLocalPort();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        daemon("upstream-connection", () -> serve(socket));
      }
    } catch (IOException e) {
      // closed, as asked
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      while (request(in)) {
        socket.getOutputStream().write(answer);
      }
    } catch (IOException e) {
      // the client has left
    }
  }

  /** Reads a request with its body; false at the end of the connection. */
  private static boolean request(InputStream in) throws IOException {
    long length = 0;
    boolean chunked = false;
    String line = line(in);
    if (line == null) {
      return false;
    }
    for (; line != null && !line.isEmpty(); line = line(in)) {
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Long.parseLong(line.substring(15).strip());
      }
      chunked |= lower.startsWith("transfer-encoding:") && lower.contains("chunked");
    }
    while (chunked) {
      long size = Long.parseLong(String.valueOf(line(in)), 16);
      in.skipNBytes(size + 2);
      chunked = size > 0;
    }
    in.skipNBytes(length);
    return true;
  }

  private static @org.jspecify.annotations.Nullable String line(InputStream in) throws IOException {
    byte[] bytes = new byte[8192];
    for (int length = 0; length < bytes.length; length++) {
      int next = in.read();
      if (next < 0) {
        return null;
      }
      if (next == '\n') {
        return new String(bytes, 0, length, US_ASCII).strip();
      }
      bytes[length] = (byte) next;
    }
    throw new IOException("a header line of over " + bytes.length + " bytes");
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
