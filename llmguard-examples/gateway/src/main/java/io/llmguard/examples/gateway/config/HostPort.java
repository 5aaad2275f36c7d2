package io.llmguard.examples.gateway.config;

import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * Where a listener is bound.
 *
 * @param host an address or a name; an IPv6 address without its brackets
 * @param port 0 for any free one
 */
public record HostPort(String host, int port) {
  /**
   * Reads {@code HOST:PORT}, {@code [IPV6]:PORT}.
   *
   * @throws IllegalArgumentException with a message that says what was expected
   */
  public static HostPort parse(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      throw new IllegalArgumentException("an IPv6 address stands in brackets: [::1]:8081");
    }
    if (host.isEmpty() || !text.substring(colon + 1).matches("\\d{1,5}")) {
      throw new IllegalArgumentException("must be HOST:PORT, such as 127.0.0.1:8081");
    }
    int port = Integer.parseInt(text.substring(colon + 1));
    if (port > 65535) {
      throw new IllegalArgumentException("a port is at most 65535, not " + port);
    }
    return new HostPort(host, port);
  }

  /** True if only this machine can reach it. */
  public boolean isLoopback() {
    try {
      for (InetAddress address : InetAddress.getAllByName(host)) {
        if (!address.isLoopbackAddress()) {
          return false;
        }
      }
      return true;
    } catch (UnknownHostException e) {
      return false;
    }
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
