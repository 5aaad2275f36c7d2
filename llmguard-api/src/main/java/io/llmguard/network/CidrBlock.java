package io.llmguard.network;

import java.net.InetAddress;

/**
 * A block of IP addresses in CIDR notation (RFC 4632; RFC 4291, section 2.3).
 *
 * <p>IPv4-mapped IPv6 addresses count as the IPv4 addresses that they hold, in blocks and in what
 * is looked up; so {@code ::/0} is every IPv6 address and no IPv4 address.
 *
 * @param network the first address of the block
 * @param prefixLength how many leading bits all addresses of the block share: 0 to 32, or to 128
 */
public record CidrBlock(InetAddress network, int prefixLength) {
  /** Checks the prefix length, and that no bit behind it is set. */
  public CidrBlock {
    byte[] raw = network.getAddress();
    if (IpAddresses.isMapped(raw)) {
      prefixLength -= 96;
      network = IpAddresses.unmapped(network);
      if (prefixLength < 0) {
        throw new IllegalArgumentException(
            "an IPv4-mapped block needs a prefix of at least 96 bits: "
                + (prefixLength + 96)
                + "; write the IPv4 block instead");
      }
    }
    byte[] bytes = network.getAddress();
    int bits = bytes.length * 8;
    if (prefixLength < 0 || prefixLength > bits) {
      throw new IllegalArgumentException(
          "the prefix of an "
              + (bits == 32 ? "IPv4" : "IPv6")
              + " block is 0 to "
              + bits
              + " bits, not "
              + prefixLength);
    }
    if (clearTail(bytes, prefixLength)) {
      throw new IllegalArgumentException(
          "address bits are set behind the prefix of "
              + network.getHostAddress()
              + "/"
              + prefixLength
              + "; the block is "
              + IpAddresses.of(bytes).getHostAddress()
              + "/"
              + prefixLength);
    }
  }

  /**
   * The block that the text is: {@code 10.0.0.0/8}, {@code 2001:db8::/32}, or a single address.
   *
   * @throws IllegalArgumentException if it is no block; the message says what is wrong
   */
  public static CidrBlock parse(String text) {
    int slash = text.indexOf('/');
    try {
      String address = slash < 0 ? text : text.substring(0, slash);
      // the width as written: a mapped address is written with 128 bits
      int width = address.indexOf(':') < 0 ? 32 : 128;
      InetAddress network = IpAddresses.parse(address);
      int prefix = slash < 0 ? width : parsePrefix(text.substring(slash + 1), width);
      boolean mapped = width == 128 && network.getAddress().length == 4;
      if (!mapped) {
        return new CidrBlock(network, prefix);
      }
      if (prefix < 96) {
        throw new IllegalArgumentException(
            "an IPv4-mapped block needs a prefix of at least 96 bits; write the IPv4 block instead");
      }
      return new CidrBlock(network, prefix - 96);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "no address block: \"" + Printable.of(text) + "\": " + e.getMessage(), e);
    }
  }

  private static int parsePrefix(String text, int width) {
    boolean digits = !text.isEmpty() && text.length() <= 3;
    for (int i = 0; i < text.length(); i++) {
      digits &= text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    if (!digits) {
      throw new IllegalArgumentException("after the slash stands a number of bits, 0 to " + width);
    }
    return Integer.parseInt(text);
  }

  /** True if the address lies in the block. */
  public boolean contains(InetAddress address) {
    byte[] mine = network.getAddress();
    byte[] other = IpAddresses.unmapped(address).getAddress();
    if (mine.length != other.length) {
      return false;
    }
    clearTail(other, prefixLength);
    return java.util.Arrays.equals(mine, other);
  }

  /** Clears the bits behind the prefix; true if one was set. */
  private static boolean clearTail(byte[] bytes, int prefixLength) {
    boolean changed = false;
    for (int i = 0; i < bytes.length; i++) {
      int kept = Math.max(0, Math.min(8, prefixLength - i * 8));
      byte cleared = (byte) (bytes[i] & (0xff00 >>> kept));
      changed |= cleared != bytes[i];
      bytes[i] = cleared;
    }
    return changed;
  }

  /** The block in CIDR notation. */
  @Override
  public String toString() {
    return network.getHostAddress() + "/" + prefixLength;
  }
}
