package io.llmguard.benchmark.upstream;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;

/**
 * An LLM server that answers at once, on one thread: the cheapest upstream there can be, so that
 * what is measured is what stands in front of it. It answers {@code /validate} too, with 204 for
 * the one right API key and 401 for all else.
 */
public final class UpstreamServer implements AutoCloseable {
  private final Selector selector;
  private final ServerSocketChannel server;
  private final Answers answers;
  private final long paceNanos;

  /** Paced streams, in the order in which they are due: all wait equally long. */
  private final ArrayDeque<ServerConnection> waiting = new ArrayDeque<>();

  private UpstreamServer(Answers answers, Duration pace) throws IOException {
    this.answers = answers;
    this.paceNanos = pace.toNanos();
    this.selector = Selector.open();
    this.server = ServerSocketChannel.open();
    server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 4096);
    server.configureBlocking(false);
    server.register(selector, SelectionKey.OP_ACCEPT);
  }

  /**
   * Starts a server on a free loopback port.
   *
   * @param apiKey the key that {@code /validate} takes
   * @param pace the pause between the chunks of a paced stream
   */
  public static UpstreamServer start(String apiKey, Duration pace) throws IOException {
    UpstreamServer upstream = new UpstreamServer(new Answers(apiKey), pace);
    Thread thread = new Thread(upstream::loop, "upstream");
    thread.setDaemon(true);
    thread.start();
    return upstream;
  }

  /** The port on the loopback address. */
  public int port() {
    return server.socket().getLocalPort();
  }

  private void loop() {
    try {
      while (selector.isOpen()) {
        long now = System.nanoTime();
        for (ServerConnection next = waiting.peek();
            next != null && next.due() - now <= 0;
            next = waiting.peek()) {
          waiting.remove();
          next.writeOn();
        }
        ServerConnection next = waiting.peek();
        if (next == null) {
          selector.select(this::ready);
        } else {
          selector.select(this::ready, Math.max(1, (next.due() - now) / 1_000_000));
        }
      }
    } catch (ClosedSelectorException e) {
      // closed, as asked
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void ready(SelectionKey key) {
    try {
      if (key.isAcceptable()) {
        accept();
      } else if (key.attachment() instanceof ServerConnection connection) {
        connection.ready();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept() throws IOException {
    for (SocketChannel channel = server.accept(); channel != null; channel = server.accept()) {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
      key.attach(new ServerConnection(channel, key, answers, this));
    }
  }

  /** Has a connection go on writing one pace from now. */
  void later(ServerConnection connection) {
    connection.due(System.nanoTime() + paceNanos);
    waiting.add(connection);
  }

  @Override
  public void close() throws IOException {
    for (SelectionKey key : selector.keys()) {
      key.channel().close();
    }
    selector.close();
  }
}
