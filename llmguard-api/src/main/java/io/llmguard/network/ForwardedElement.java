package io.llmguard.network;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * What one element of {@code Forwarded} (RFC 7239, section 4) says that matters here.
 *
 * @param client the address of {@code for}, or null if it is {@code unknown}, an obfuscated
 *     identifier, absent, or if the element is malformed
 * @param proto the value of {@code proto}, or null
 */
record ForwardedElement(@Nullable InetAddress client, @Nullable String proto) {
  private static final ForwardedElement MALFORMED = new ForwardedElement(null, null);

  static ForwardedElement parse(String text) {
    Parser parser = new Parser(text);
    return parser.parse() ? new ForwardedElement(address(parser.node), parser.proto) : MALFORMED;
  }

  /** The address of a node identifier: an address with or without a port, IPv6 in brackets. */
  private static @Nullable InetAddress address(@Nullable String node) {
    if (node == null || node.isEmpty()) {
      return null;
    }
    if (node.charAt(0) == '[') {
      return bracketed(node);
    }
    int colon = node.indexOf(':');
    if (colon >= 0 && !isPort(node, colon + 1)) {
      return null;
    }
    String host = colon < 0 ? node : node.substring(0, colon);
    return IpAddresses.parseOrNull(host);
  }

  /**
   * The address of an element of {@code X-Forwarded-For}: as a node identifier, and also IPv6
   * without brackets, as most proxies write it.
   */
  static @Nullable InetAddress bareAddress(String text) {
    boolean bareV6 = text.charAt(0) != '[' && text.indexOf(':') != text.lastIndexOf(':');
    return bareV6 ? IpAddresses.parseOrNull(text) : address(text);
  }

  private static @Nullable InetAddress bracketed(String node) {
    int close = node.indexOf(']');
    if (close < 0 || node.indexOf(':') < 0 || node.indexOf(':') > close) {
      return null;
    }
    boolean portOk =
        close == node.length() - 1 || (node.charAt(close + 1) == ':' && isPort(node, close + 2));
    return portOk ? IpAddresses.parseOrNull(node.substring(1, close)) : null;
  }

  /** A port of RFC 7239, section 6: one to five digits, or an obfuscated one. */
  private static boolean isPort(String text, int from) {
    int length = text.length() - from;
    if (length > 1 && text.charAt(from) == '_') {
      return true;
    }
    for (int i = from; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return length >= 1 && length <= 5;
  }

  /** Reads {@code name=value} pairs separated by semicolons; a name may stand only once. */
  private static final class Parser {
    private final String text;
    private int at;
    private @Nullable String node;
    private @Nullable String proto;

    Parser(String text) {
      this.text = text;
    }

    boolean parse() {
      while (at < text.length()) {
        skipBlanks();
        if (at < text.length() && text.charAt(at) != ';' && !pair()) {
          return false;
        }
        skipBlanks();
        if (at < text.length() && text.charAt(at++) != ';') {
          return false;
        }
      }
      return true;
    }

    private boolean pair() {
      String name = token();
      if (name.isEmpty() || at >= text.length() || text.charAt(at++) != '=') {
        return false;
      }
      boolean quotes = at < text.length() && text.charAt(at) == '"';
      String value = quotes ? quotedString() : value();
      if (value == null) {
        return false;
      }
      if (name.equalsIgnoreCase("for")) {
        boolean first = node == null;
        node = value;
        return first;
      }
      if (name.equalsIgnoreCase("proto")) {
        boolean first = proto == null;
        proto = value;
        return first;
      }
      return true;
    }

    private String token() {
      int start = at;
      while (at < text.length() && isTokenChar(text.charAt(at))) {
        at++;
      }
      return text.substring(start, at);
    }

    /** A token; colons and brackets too, which belong in quotes but are often sent bare. */
    private @Nullable String value() {
      int start = at;
      while (at < text.length()
          && (isTokenChar(text.charAt(at)) || ":[]".indexOf(text.charAt(at)) >= 0)) {
        at++;
      }
      return at == start ? null : text.substring(start, at);
    }

    private @Nullable String quotedString() {
      StringBuilder value = new StringBuilder();
      for (at++; at < text.length(); at++) {
        char c = text.charAt(at);
        if (c == '"') {
          at++;
          return value.toString();
        }
        if (c == '\\') {
          if (++at == text.length()) {
            return null;
          }
          c = text.charAt(at);
        }
        value.append(c);
      }
      return null;
    }

    private void skipBlanks() {
      while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
        at++;
      }
    }

    private static boolean isTokenChar(char c) {
      return (c >= 'a' && c <= 'z')
          || (c >= 'A' && c <= 'Z')
          || (c >= '0' && c <= '9')
          || "!#$%&'*+-.^_`|~".indexOf(c) >= 0;
    }
  }
}
