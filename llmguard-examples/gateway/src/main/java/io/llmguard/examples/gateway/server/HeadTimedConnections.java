package io.llmguard.examples.gateway.server;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.internal.HttpConnection;

/**
 * Connections that end where no head of a call comes in time, and stand still as long as a call
 * does: a stream is silent while a model loads, and the proxy's own timers end what takes too long.
 *
 * <p>The connector's idle time-out bounds how long nothing comes; the time of a head bounds what
 * comes byte by byte.
 */
final class HeadTimedConnections extends HttpConnectionFactory {
  private final long headNanos;

  HeadTimedConnections(HttpConfiguration http, Duration head) {
    super(http);
    headNanos = head.toNanos();
  }

  @Override
  public Connection newConnection(Connector connector, EndPoint endPoint) {
    HttpConnection connection =
        new HeadTimed(getHttpConfiguration(), connector, endPoint, headNanos);
    return configure(connection, connector, endPoint);
  }

  private static final class HeadTimed extends HttpConnection {
    private final long headNanos;
    private long begun;

    HeadTimed(HttpConfiguration http, Connector connector, EndPoint endPoint, long headNanos) {
      super(http, connector, endPoint);
      this.headNanos = headNanos;
    }

    /** One thread at a time fills a connection. */
    @Override
    public void onFillable() {
      if (getHttpChannel().getRequest() == null) {
        long now = System.nanoTime();
        if (getParser().isStart()) {
          begun = now;
        } else if (now - begun > headNanos) {
          close();
          return;
        }
      }
      super.onFillable();
    }

    @Override
    public boolean onIdleExpired(TimeoutException timeout) {
      return getHttpChannel().getRequest() == null && super.onIdleExpired(timeout);
    }
  }
}
