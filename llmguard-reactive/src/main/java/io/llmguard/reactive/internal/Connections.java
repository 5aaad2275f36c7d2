package io.llmguard.reactive.internal;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.http.server.reactive.ServerHttpResponseDecorator;
import org.springframework.util.ClassUtils;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** What a server's own connections say and do, where the server is one that is known. */
final class Connections {
  private static final boolean NETTY =
      ClassUtils.isPresent(
          "reactor.netty.http.server.HttpServerResponse", Connections.class.getClassLoader());

  private Connections() {}

  /**
   * The address at the other end of the connection. On Reactor Netty the socket's own, whatever
   * header a forwarding filter may have believed; the unspecified one, which no allow list holds,
   * where there is none (a Unix domain socket).
   */
  static InetAddress peer(ServerHttpRequest request) {
    SocketAddress remote = NETTY ? Netty.remote(request) : null;
    if (remote == null) {
      remote = request.getRemoteAddress();
    }
    return remote instanceof InetSocketAddress inet && inet.getAddress() != null
        ? inet.getAddress()
        : unspecified();
  }

  private static InetAddress unspecified() {
    try {
      return InetAddress.getByAddress(new byte[4]);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("four bytes are an address", e);
    }
  }

  /** Cuts the connection, or resets the stream; false where the server does not let one. */
  static boolean cut(ServerHttpResponse response) {
    return NETTY && Netty.cut(response);
  }

  /** True if nothing can be written any more; false also where the server does not tell. */
  static boolean closed(ServerHttpResponse response) {
    return NETTY && Netty.closed(response);
  }

  /**
   * The event loop of the connection, on which a task that comes from it runs at once; null where
   * the server shows none.
   */
  static @Nullable Executor eventLoop(ServerHttpRequest request) {
    return NETTY ? Netty.eventLoop(request) : null;
  }

  /** Loaded where Reactor Netty is there. */
  private static final class Netty {
    private Netty() {}

    /** The server's own object, or null where none stands behind it, as in a test. */
    private static @Nullable Object known(Supplier<Object> asked) {
      try {
        return asked.get();
      } catch (IllegalStateException | IllegalArgumentException e) {
        return null;
      }
    }

    static @Nullable SocketAddress remote(ServerHttpRequest request) {
      Channel channel = channel(request);
      return channel == null ? null : channel.remoteAddress();
    }

    static @Nullable Executor eventLoop(ServerHttpRequest request) {
      Channel channel = channel(request);
      if (channel == null) {
        return null;
      }
      EventLoop loop = channel.eventLoop();
      return task -> {
        if (loop.inEventLoop()) {
          task.run();
        } else {
          loop.execute(task);
        }
      };
    }

    private static @Nullable Channel channel(ServerHttpRequest request) {
      return channel(known(() -> ServerHttpRequestDecorator.getNativeRequest(request)));
    }

    private static @Nullable Channel channel(ServerHttpResponse response) {
      return channel(known(() -> ServerHttpResponseDecorator.getNativeResponse(response)));
    }

    private static @Nullable Channel channel(@Nullable Object server) {
      Channel[] found = new Channel[1];
      if (server instanceof HttpServerRequest request) {
        request.withConnection(connection -> found[0] = connection.channel());
      } else if (server instanceof HttpServerResponse response) {
        response.withConnection(connection -> found[0] = connection.channel());
      }
      return found[0];
    }

    static boolean cut(ServerHttpResponse response) {
      Channel channel = channel(response);
      if (channel == null) {
        return false;
      }
      var unused = channel.close();
      return true;
    }

    static boolean closed(ServerHttpResponse response) {
      Channel channel = channel(response);
      return channel != null && !channel.isActive();
    }
  }
}
