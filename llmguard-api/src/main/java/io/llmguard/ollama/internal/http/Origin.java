package io.llmguard.ollama.internal.http;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * Where a connection leads: connections to equal origins serve each other's calls.
 *
 * @param secure whether TLS is spoken
 * @param host the server's name or address, without brackets
 * @param port the server's port
 * @param proxy what is connected to in its place, or null
 */
record Origin(boolean secure, String host, int port, @Nullable InetSocketAddress proxy) {
  static Origin of(URI uri, ProxySelector proxies) throws IOException {
    boolean secure = "https".equalsIgnoreCase(uri.getScheme());
    String host = uri.getHost();
    if (host == null) {
      throw new ProtocolException("a URL without a host");
    }
    int port = uri.getPort() >= 0 ? uri.getPort() : secure ? 443 : 80;
    return new Origin(secure, unbracketed(host), port, proxy(proxies, uri));
  }

  private static String unbracketed(String host) {
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  private static @Nullable InetSocketAddress proxy(ProxySelector proxies, URI uri)
      throws ConnectException {
    Proxy.Type other = null;
    for (Proxy proxy : proxies.select(uri)) {
      if (proxy.type() == Proxy.Type.DIRECT) {
        return null;
      }
      if (proxy.type() == Proxy.Type.HTTP && proxy.address() instanceof InetSocketAddress address) {
        return address;
      }
      other = proxy.type();
    }
    if (other != null) {
      // who asks for a proxy does not want to be seen without one
      throw new ConnectException("a proxy of type " + other + " is not supported");
    }
    return null;
  }

  /** The name or address that is connected to. */
  String connectHost() {
    return proxy == null ? host : proxy.getHostString();
  }

  /** The port that is connected to. */
  int connectPort() {
    return proxy == null ? port : proxy.getPort();
  }

  /** Whether requests are told to a proxy, which passes them on. */
  boolean forwarded() {
    return proxy != null && !secure;
  }

  /** Whether a proxy is asked for a tunnel. */
  boolean tunnelled() {
    return proxy != null && secure;
  }

  /** The value of {@code Host}. */
  String authority() {
    return port == (secure ? 443 : 80) ? bracketed() : bracketed() + ":" + port;
  }

  /** Host and port, as a tunnel is asked for. */
  String hostAndPort() {
    return bracketed() + ":" + port;
  }

  private String bracketed() {
    // a zone is for this machine alone
    int zone = host.indexOf('%');
    String sent = zone < 0 ? host : host.substring(0, zone);
    return sent.indexOf(':') >= 0 ? "[" + sent + "]" : sent;
  }
}
