package io.llmguard.network;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * A set of IP addresses, given as blocks.
 *
 * <p>Looking an address up takes a binary search over merged ranges. IPv4-mapped IPv6 addresses
 * count as the IPv4 addresses that they hold. Immutable.
 */
public final class CidrSet {
  /** No address at all. */
  public static final CidrSet NONE = new CidrSet(List.of());

  /** Every address. */
  public static final CidrSet ALL = of("0.0.0.0/0", "::/0");

  /** The addresses by which a machine speaks to itself. */
  public static final CidrSet LOOPBACK = of("127.0.0.0/8", "::1/128");

  private final List<CidrBlock> blocks;
  // ranges, both ends included, in ascending order, apart from each other
  private final long[] v4;
  private final long[] v6;

  private CidrSet(List<CidrBlock> blocks) {
    this.blocks = blocks;
    this.v4 = ranges4(blocks);
    this.v6 = ranges6(blocks);
  }

  /** The addresses of all the blocks together. */
  public static CidrSet of(Collection<CidrBlock> blocks) {
    return new CidrSet(List.copyOf(blocks));
  }

  /**
   * The addresses of all the blocks together, each as {@link CidrBlock#parse} reads it.
   *
   * @throws IllegalArgumentException if one is no block; the message says which and why
   */
  public static CidrSet parse(Collection<String> blocks) {
    return new CidrSet(blocks.stream().map(CidrBlock::parse).toList());
  }

  /** The same as {@link #parse}, for a few blocks. */
  public static CidrSet of(String... blocks) {
    return parse(List.of(blocks));
  }

  /** The blocks as given. */
  public List<CidrBlock> blocks() {
    return blocks;
  }

  /** True if there is no address in the set. */
  public boolean isEmpty() {
    return blocks.isEmpty();
  }

  /** True if the address lies in one of the blocks. */
  public boolean contains(InetAddress address) {
    byte[] b = address.getAddress();
    if (b.length == 4) {
      return contains4(int32(b, 0));
    }
    long high = int64(b, 0);
    long low = int64(b, 8);
    if (high == 0 && low >>> 32 == 0xffffL) {
      return contains4(low & 0xffffffffL);
    }
    return contains6(high, low);
  }

  private boolean contains4(long address) {
    int low = 0;
    int high = v4.length / 2 - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (address < v4[middle * 2]) {
        high = middle - 1;
      } else if (address > v4[middle * 2 + 1]) {
        low = middle + 1;
      } else {
        return true;
      }
    }
    return false;
  }

  private boolean contains6(long addressHigh, long addressLow) {
    int low = 0;
    int high = v6.length / 4 - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int at = middle * 4;
      if (compare(addressHigh, addressLow, v6[at], v6[at + 1]) < 0) {
        high = middle - 1;
      } else if (compare(addressHigh, addressLow, v6[at + 2], v6[at + 3]) > 0) {
        low = middle + 1;
      } else {
        return true;
      }
    }
    return false;
  }

  private static int compare(long high1, long low1, long high2, long low2) {
    int byHigh = Long.compareUnsigned(high1, high2);
    return byHigh != 0 ? byHigh : Long.compareUnsigned(low1, low2);
  }

  private static long[] ranges4(List<CidrBlock> blocks) {
    List<long[]> ranges = new ArrayList<>();
    for (CidrBlock block : blocks) {
      byte[] b = block.network().getAddress();
      if (b.length == 4) {
        long first = int32(b, 0);
        ranges.add(new long[] {first, first | (0xffffffffL >>> block.prefixLength())});
      }
    }
    ranges.sort(Comparator.comparingLong(r -> r[0]));
    List<long[]> merged = new ArrayList<>();
    for (long[] range : ranges) {
      long[] last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
      if (last != null && range[0] <= last[1] + 1) {
        last[1] = Math.max(last[1], range[1]);
      } else {
        merged.add(range);
      }
    }
    return flat(merged, 2);
  }

  private static long[] ranges6(List<CidrBlock> blocks) {
    List<long[]> ranges = new ArrayList<>();
    for (CidrBlock block : blocks) {
      byte[] b = block.network().getAddress();
      if (b.length == 16) {
        ranges.add(range6(int64(b, 0), int64(b, 8), block.prefixLength()));
      }
    }
    ranges.sort((r, s) -> compare(r[0], r[1], s[0], s[1]));
    List<long[]> merged = new ArrayList<>();
    for (long[] range : ranges) {
      // blocks overlap only by one holding the other, so the first end is the larger one
      long[] last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
      if (last == null || compare(range[0], range[1], last[2], last[3]) > 0) {
        merged.add(range);
      }
    }
    return flat(merged, 4);
  }

  private static long[] range6(long high, long low, int prefix) {
    long highTail = prefix >= 64 ? 0 : -1L >>> prefix;
    long lowTail = prefix <= 64 ? -1L : prefix == 128 ? 0 : -1L >>> (prefix - 64);
    return new long[] {high, low, high | highTail, low | lowTail};
  }

  private static long[] flat(List<long[]> ranges, int width) {
    long[] flat = new long[ranges.size() * width];
    for (int i = 0; i < ranges.size(); i++) {
      System.arraycopy(ranges.get(i), 0, flat, i * width, width);
    }
    return flat;
  }

  private static long int32(byte[] b, int at) {
    return (b[at] & 0xffL) << 24
        | (b[at + 1] & 0xffL) << 16
        | (b[at + 2] & 0xffL) << 8
        | (b[at + 3] & 0xffL);
  }

  private static long int64(byte[] b, int at) {
    return int32(b, at) << 32 | int32(b, at + 4);
  }

  @Override
  public String toString() {
    return blocks.toString();
  }
}
