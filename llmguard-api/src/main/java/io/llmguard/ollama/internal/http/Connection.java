package io.llmguard.ollama.internal.http;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnsupportedAddressTypeException;
import org.jspecify.annotations.Nullable;

/**
 * One connection, which never waits: reading and writing do what they can at once, and {@link
 * #await} has the call that uses it told when there is more to do. One thread at a time uses it;
 * {@link #close} is for any.
 */
final class Connection {
  private static final int INPUT = 16 * 1024;

  private final Origin origin;
  private final SocketChannel channel;
  private final SelectionKey key;
  private @Nullable Tls tls;

  /** What was received and not yet read; in reading mode. */
  private ByteBuffer input = ByteBuffer.allocate(INPUT).flip();

  private volatile @Nullable Runnable waiting;
  private boolean used;
  private long idleSince;

  /** Begins to connect to an address of the origin's, or of its proxy. */
  Connection(Origin origin, InetSocketAddress address, Reactor reactor) throws IOException {
    this.origin = origin;
    this.channel = SocketChannel.open();
    boolean begun = false;
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.connect(address);
      key = reactor.register(channel, this);
      begun = true;
    } catch (UnsupportedAddressTypeException e) {
      throw new ConnectException("there is no network of this kind here");
    } finally {
      if (!begun) {
        channel.close();
      }
    }
  }

  Origin origin() {
    return origin;
  }

  /** Whether it has served a call before the present one. */
  boolean reused() {
    return used;
  }

  long idleSince() {
    return idleSince;
  }

  /** Marks it as without a call since this moment. */
  void idle(long now) {
    used = true;
    idleSince = now;
  }

  /** Whether the connection stands; else it is to be awaited. */
  boolean connected() throws IOException {
    return channel.finishConnect();
  }

  /** Speaks TLS from now on. */
  void secure(Tls layer) {
    tls = layer;
    input = ByteBuffer.allocate(Math.max(INPUT, layer.applicationBufferSize())).flip();
  }

  /** Whether TLS is agreed on; else what is to be awaited was registered. */
  boolean handshaken() throws IOException {
    Tls layer = tls;
    if (layer == null) {
      return true;
    }
    int wanted = layer.handshake(channel);
    if (wanted != 0) {
      await(wanted);
    }
    return wanted == 0;
  }

  /** Bytes that have come, in reading mode; to be read before {@link #fill}. */
  ByteBuffer input() {
    return input;
  }

  /**
   * Takes what has come in where all before was read: its count, 0 for nothing yet, -1 at the end.
   */
  int fill() throws IOException {
    input.clear();
    try {
      Tls layer = tls;
      return layer == null ? channel.read(input) : layer.read(channel, input);
    } finally {
      input.flip();
    }
  }

  /** Sends what can be sent at once; true where all of it was. */
  boolean write(ByteBuffer[] bytes) throws IOException {
    Tls layer = tls;
    if (layer != null) {
      return layer.write(channel, bytes);
    }
    channel.write(bytes);
    return !bytes[bytes.length - 1].hasRemaining();
  }

  /** Who is told, once for each {@link #await}. */
  void waiter(@Nullable Runnable value) {
    waiting = value;
  }

  /** Has the waiter told when one of these operations can go on. */
  void await(int operations) throws ClosedChannelException {
    try {
      Reactor.await(key, operations);
    } catch (CancelledKeyException e) {
      throw new ClosedChannelException();
    }
  }

  void ready() {
    Runnable told = waiting;
    if (told != null) {
      told.run();
    }
  }

  /** Closes at once, without a farewell; the peer sees it. */
  void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // it is gone all the same
    }
    Reactor.release(key);
  }
}
