package io.llmguard.servlet.internal;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/** Reads the address that a container names as its peer's; never asks a name server. */
final class PeerAddresses {
  private PeerAddresses() {}

  /**
   * The address of this literal; the unspecified one, which no allow list holds, for anything else
   * (a Unix domain socket has none).
   */
  static InetAddress parse(@Nullable String literal) {
    try {
      return literal != null && isLiteral(literal)
          ? InetAddress.getByName(literal)
          : InetAddress.getByAddress(new byte[4]);
    } catch (UnknownHostException e) {
      return unspecified();
    }
  }

  private static InetAddress unspecified() {
    try {
      return InetAddress.getByAddress(new byte[4]);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("four bytes are an address", e);
    }
  }

  private static boolean isLiteral(String text) {
    if (text.indexOf(':') >= 0) {
      return true; // a host name has none: IPv6, or an error
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && c != '.') {
        return false;
      }
    }
    return !text.isEmpty();
  }
}
