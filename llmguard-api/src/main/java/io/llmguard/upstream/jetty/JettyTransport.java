package io.llmguard.upstream.jetty;

import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.UpstreamRequest;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.internal.Deadlines;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.Executor;
import org.eclipse.jetty.client.Connection;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.ProxyAuthenticationProtocolHandler;
import org.eclipse.jetty.client.RedirectProtocolHandler;
import org.eclipse.jetty.client.WWWAuthenticationProtocolHandler;
import org.eclipse.jetty.client.transport.HttpClientTransportOverHTTP;
import org.eclipse.jetty.http.HttpCookieStore;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.Invocable.InvocationType;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * Calls upstreams over HTTP/1.1 through Jetty's client, with less work for a call than {@link
 * io.llmguard.upstream.JdkTransport}.
 *
 * <p>A kept connection that the upstream closed at the moment of use is made good once, on a new
 * one, if the body can be sent again.
 */
public final class JettyTransport implements UpstreamTransport {
  private static final int MAX_RESPONSE_HEADERS = 64 * 1024;

  /** What a client's server has let in goes out, and what is added to it. */
  private static final int MAX_REQUEST_HEADERS = 1024 * 1024;

  private static final int KEPT_MILLIS = 60_000;

  private final HttpClient client;
  // which connections have carried a call: Jetty does not tell a kept one from a new one
  private final Set<Connection> used =
      Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));
  private final Deadlines deadlines = new Deadlines("llmguard-upstream-deadlines");

  /** A transport with these settings; its threads are running. */
  public JettyTransport(TransportSettings settings) {
    ClientConnector connector = new ClientConnector();
    connector.setSelectors(1);
    connector.setTCPNoDelay(true);
    if (settings.tls() != null) {
      SslContextFactory.Client tls = new SslContextFactory.Client();
      tls.setSslContext(settings.tls());
      connector.setSslContextFactory(tls);
    }
    HttpClientTransportOverHTTP transport = new HttpClientTransportOverHTTP(connector);
    if (!settings.blockingHandlers()) {
      transport.setInvocationType(InvocationType.NON_BLOCKING);
    }
    client = new HttpClient(transport);
    Executor executor = settings.executor();
    if (executor == null) {
      QueuedThreadPool threads = new QueuedThreadPool(200, 4);
      threads.setName("llmguard-upstream");
      threads.setDaemon(true);
      executor = threads;
    }
    client.setExecutor(executor);
    client.setName("llmguard-upstream");
    client.setUserAgentField(null);
    client.setDefaultRequestContentType(null);
    client.setFollowRedirects(false);
    client.setHttpCookieStore(new HttpCookieStore.Empty());
    client.setMaxConnectionsPerDestination(settings.maxConnections());
    client.setMaxRequestsQueuedPerDestination(Integer.MAX_VALUE);
    client.setMaxRequestHeadersSize(MAX_REQUEST_HEADERS);
    client.setMaxResponseHeadersSize(MAX_RESPONSE_HEADERS);
    client.setResponseBufferSize(16 * 1024);
    client.setIdleTimeout(KEPT_MILLIS);
    try {
      client.start();
    } catch (Exception e) {
      throw new IllegalStateException("Jetty's client does not start", e);
    }
    // both are filled at the start
    client.getContentDecoderFactories().clear();
    client.getProtocolHandlers().remove(RedirectProtocolHandler.NAME);
    client.getProtocolHandlers().remove(WWWAuthenticationProtocolHandler.NAME);
    client.getProtocolHandlers().remove(ProxyAuthenticationProtocolHandler.NAME);
  }

  @Override
  public UpstreamCall send(UpstreamRequest request, ResponseHandler handler) {
    JettyCall call = new JettyCall(client, used, request, handler, deadlines);
    call.send();
    return call;
  }

  @Override
  public void close() {
    deadlines.close();
    try {
      client.stop();
    } catch (Exception e) {
      throw new IllegalStateException("Jetty's client does not stop", e);
    }
  }
}
