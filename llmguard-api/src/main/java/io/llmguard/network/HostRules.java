package io.llmguard.network;

import io.llmguard.GuardRequest;
import io.llmguard.Refusal;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Judges by which name a request was sent here: by name only, on any port. */
final class HostRules {
  private static final Refusal BAD =
      Refusal.of(400, "bad-host", "the request needs exactly one Host, a name or an address");
  private static final Refusal UNKNOWN =
      Refusal.of(421, "unknown-host", "this server does not answer to the name in Host");

  /** Lower-case names without a trailing dot; null takes any. */
  private final @Nullable Set<String> names;

  private HostRules(@Nullable Set<String> names) {
    this.names = names;
  }

  static HostRules any() {
    return new HostRules(null);
  }

  /**
   * Takes these names and those of loopback.
   *
   * @throws IllegalArgumentException if one is no name; the message says which
   */
  static HostRules of(Collection<String> hosts) {
    Set<String> names = new HashSet<>();
    for (String host : hosts) {
      boolean bareV6 = host.indexOf(':') >= 0 && !host.startsWith("[");
      String name = nameOf(bareV6 ? "[" + host + "]" : host);
      if (name == null || (!bareV6 && !host.endsWith("]") && host.indexOf(':') >= 0)) {
        throw new IllegalArgumentException(
            "no host name: \"" + Printable.of(host) + "\"; give a name or address without a port");
      }
      names.add(name);
    }
    return new HostRules(Set.copyOf(names));
  }

  /** True if every name is taken. */
  boolean takesAny() {
    return names == null;
  }

  @Nullable Refusal check(GuardRequest request) {
    String authority = request.authority();
    String name = authority == null ? null : nameOf(authority);
    if (name == null) {
      return BAD;
    }
    List<String> hosts = request.headers().all("Host");
    // HTTP/2 may say it twice: as :authority and as Host
    if (hosts.size() > 1 || (hosts.size() == 1 && !name.equals(nameOf(hosts.get(0))))) {
      return BAD;
    }
    return names == null || names.contains(name) || isLoopback(name) ? null : UNKNOWN;
  }

  private static boolean isLoopback(String name) {
    if (name.equals("localhost")) {
      return true;
    }
    InetAddress address = IpAddresses.parseOrNull(name);
    return address != null && address.isLoopbackAddress();
  }

  /**
   * The name in {@code uri-host [":" port]} (RFC 9110, section 7.2) in lower case, an IPv6 address
   * in its one form; null if it is malformed.
   */
  static @Nullable String nameOf(String authority) {
    int end = authority.length();
    int close = authority.indexOf(']');
    int colon = authority.indexOf(':', Math.max(close, 0));
    if (colon >= 0) {
      if (!isPort(authority, colon + 1)) {
        return null;
      }
      end = colon;
    }
    if (authority.startsWith("[")) {
      if (close != end - 1) {
        return null;
      }
      String literal = authority.substring(1, close);
      InetAddress address = literal.indexOf(':') < 0 ? null : IpAddresses.parseOrNull(literal);
      return address == null ? null : address.getHostAddress();
    }
    if (end > 0 && authority.charAt(end - 1) == '.') {
      end--;
    }
    for (int i = 0; i < end; i++) {
      if (!isNameChar(authority.charAt(i))) {
        return null;
      }
    }
    return end == 0 ? null : authority.substring(0, end).toLowerCase(Locale.ROOT);
  }

  private static boolean isPort(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return text.length() - from <= 5;
  }

  private static boolean isNameChar(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '-'
        || c == '.'
        || c == '_';
  }
}
