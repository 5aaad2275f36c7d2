package io.llmguard.benchmark.load;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/** One connection that sends, waits for the whole answer, and sends again. */
final class ClientConnection {
  private final LoadGenerator load;
  private final Selector selector;
  private final ResponseParser response = new ResponseParser();
  private SocketChannel channel;
  private SelectionKey key;
  private ByteBuffer request;
  private long sentAt;
  private long firstByteAt;

  ClientConnection(LoadGenerator load, Selector selector) throws IOException {
    this.load = load;
    this.selector = selector;
    this.request = load.request();
    this.channel = SocketChannel.open();
    this.key = connect();
  }

  private SelectionKey connect() throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    boolean connected = channel.connect(load.target());
    sentAt = System.nanoTime();
    return channel.register(
        selector, connected ? SelectionKey.OP_WRITE : SelectionKey.OP_CONNECT, this);
  }

  void ready() throws IOException {
    try {
      if (key.isConnectable()) {
        channel.finishConnect();
        send();
      } else if (key.isWritable()) {
        write();
      } else if (key.isReadable()) {
        read();
      }
    } catch (IOException e) {
      load.failed(e.toString());
      again();
    }
  }

  private void send() throws IOException {
    request = load.request();
    response.reset();
    firstByteAt = 0;
    sentAt = System.nanoTime();
    write();
  }

  private void write() throws IOException {
    channel.write(request);
    int ops = request.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ;
    if (key.interestOps() != ops) {
      key.interestOps(ops);
    }
  }

  private void read() throws IOException {
    ByteBuffer buffer = load.buffer();
    if (channel.read(buffer) < 0) {
      throw new IOException("the server closed within an answer");
    }
    if (firstByteAt == 0) {
      firstByteAt = System.nanoTime();
    }
    long before = response.body();
    boolean complete = response.accept(buffer.flip());
    load.received(response.body() - before);
    if (complete) {
      if (response.status() == 200 && load.whole(response.body())) {
        load.completed(firstByteAt - sentAt, System.nanoTime() - sentAt);
      } else {
        load.failed("status " + response.status() + " with " + response.body() + " bytes");
      }
      if (response.closes()) {
        again();
      } else {
        send();
      }
    }
  }

  /** Begins anew on another connection. */
  private void again() throws IOException {
    key.cancel();
    channel.close();
    channel = SocketChannel.open();
    request = load.request();
    response.reset();
    firstByteAt = 0;
    key = connect();
  }
}
