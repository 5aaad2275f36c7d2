package io.llmguard.network;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads IP addresses from text without ever asking a name service.
 *
 * <p>An IPv4-mapped IPv6 address ({@code ::ffff:192.0.2.1}, RFC 4291, section 2.5.5.2) is the IPv4
 * address that it holds, here and everywhere in this package.
 */
public final class IpAddresses {
  private IpAddresses() {}

  /**
   * The address that the text is: four decimal octets without leading zeros, or an IPv6 address as
   * in RFC 4291, section 2.2, without brackets and zone.
   *
   * @throws IllegalArgumentException if it is anything else; the message says what
   */
  public static InetAddress parse(String text) {
    InetAddress address = parseOrNull(text);
    if (address == null) {
      throw new IllegalArgumentException(
          "not an IPv4 or IPv6 address: \"" + Printable.of(text) + "\"");
    }
    return address;
  }

  /** The address that the text is, or null if it is none. */
  static @Nullable InetAddress parseOrNull(String text) {
    byte[] bytes = text.indexOf(':') < 0 ? parseV4(text) : parseV6(text);
    return bytes == null ? null : of(bytes);
  }

  /** The IPv4 address inside an IPv4-mapped one; any other address as it is, without a zone. */
  public static InetAddress unmapped(InetAddress address) {
    if (address instanceof Inet4Address) {
      return address;
    }
    byte[] bytes = address.getAddress();
    return isMapped(bytes) ? of(Arrays.copyOfRange(bytes, 12, 16)) : address;
  }

  static boolean isMapped(byte[] bytes) {
    if (bytes.length != 16 || bytes[10] != -1 || bytes[11] != -1) {
      return false;
    }
    for (int i = 0; i < 10; i++) {
      if (bytes[i] != 0) {
        return false;
      }
    }
    return true;
  }

  static InetAddress of(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("an address has 4 or 16 bytes, not " + bytes.length, e);
    }
  }

  private static byte @Nullable [] parseV4(String text) {
    byte[] bytes = new byte[4];
    return readV4(text, 0, bytes, 0) ? bytes : null;
  }

  /** Reads dotted decimal from {@code from} to the end of the text. */
  private static boolean readV4(String text, int from, byte[] into, int at) {
    int i = from;
    for (int octet = 0; octet < 4; octet++) {
      int start = i;
      int value = 0;
      while (i < text.length() && isDigit(text.charAt(i)) && i - start < 4) {
        value = value * 10 + text.charAt(i++) - '0';
      }
      int digits = i - start;
      // a leading zero means octal to some readers: two readings are none
      if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text.charAt(start) == '0')) {
        return false;
      }
      into[at + octet] = (byte) value;
      if (octet < 3 && (i >= text.length() || text.charAt(i++) != '.')) {
        return false;
      }
    }
    return i == text.length();
  }

  private static byte @Nullable [] parseV6(String text) {
    byte[] bytes = new byte[16];
    int filled = 0;
    int gap = -1;
    int i = 0;
    if (text.startsWith("::")) {
      gap = 0;
      i = 2;
    }
    while (i < text.length()) {
      if (filled == 16) {
        return null;
      }
      int start = i;
      int value = 0;
      while (i < text.length() && isHex(text.charAt(i)) && i - start < 4) {
        value = value << 4 | Character.digit(text.charAt(i++), 16);
      }
      if (i == start) {
        return null;
      }
      if (i < text.length() && text.charAt(i) == '.') {
        if (filled > 12 || !readV4(text, start, bytes, filled)) {
          return null;
        }
        filled += 4;
        break;
      }
      bytes[filled++] = (byte) (value >>> 8);
      bytes[filled++] = (byte) value;
      if (i == text.length()) {
        break;
      }
      if (text.charAt(i++) != ':' || i == text.length()) {
        return null;
      }
      if (text.charAt(i) == ':') {
        if (gap >= 0) {
          return null;
        }
        gap = filled;
        i++;
      }
    }
    return expand(bytes, filled, gap);
  }

  /** Moves what stands behind the gap to the end; the gap stands for at least one group. */
  private static byte @Nullable [] expand(byte[] bytes, int filled, int gap) {
    if (gap < 0) {
      return filled == 16 ? bytes : null;
    }
    if (filled > 14) {
      return null;
    }
    int tail = filled - gap;
    System.arraycopy(bytes, gap, bytes, 16 - tail, tail);
    Arrays.fill(bytes, gap, 16 - tail, (byte) 0);
    return bytes;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isHex(char c) {
    return c < 0x80 && Character.digit(c, 16) >= 0;
  }
}
