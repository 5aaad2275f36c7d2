package io.llmguard.limit;

import io.llmguard.network.IpAddresses;
import java.net.InetAddress;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Which bucket is meant: a policy and whom it counts.
 *
 * <p>{@link #toString()} is stable and the same in every process, for stores that keep buckets
 * elsewhere. It may hold a caller's id or address, never a credential.
 */
public final class LimitKey {
  // addresses are the caller's choice: without a secret he could choose them to collide
  private static final long SEED = ThreadLocalRandom.current().nextLong();

  private final String policy;
  private final String subject;
  private final long number;

  private LimitKey(String policy, String subject, long number) {
    this.policy = policy;
    this.subject = subject;
    this.number = number;
  }

  /** The bucket of a subject, which has a name of its own. */
  public static LimitKey of(String policy, String subject) {
    return new LimitKey(policy, subject, 0);
  }

  /**
   * The bucket of an address: of an IPv4 address itself, of an IPv6 address its network of 64 bits,
   * since that is the least that one customer holds.
   */
  public static LimitKey ofAddress(String policy, InetAddress address) {
    byte[] b = IpAddresses.unmapped(address).getAddress();
    return b.length == 4
        ? new LimitKey(policy, "4", int32(b, 0))
        : new LimitKey(policy, "6", int32(b, 0) << 32 | int32(b, 4));
  }

  private static long int32(byte[] b, int at) {
    return (b[at] & 0xffL) << 24
        | (b[at + 1] & 0xffL) << 16
        | (b[at + 2] & 0xffL) << 8
        | (b[at + 3] & 0xffL);
  }

  /** The policy: a fixed word. */
  public String policy() {
    return policy;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LimitKey that
        && number == that.number
        && subject.equals(that.subject)
        && policy.equals(that.policy);
  }

  @Override
  public int hashCode() {
    long mixed = (number ^ SEED) * 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ mixed >>> 32) * 0xD6E8FEB86659FD93L;
    return (int) (mixed ^ mixed >>> 32) + 31 * subject.hashCode();
  }

  /** Policy, colon, subject; numbers of addresses in hex. */
  @Override
  public String toString() {
    return number == 0
        ? policy + ":" + subject
        : policy + ":" + subject + ":" + Long.toHexString(number);
  }
}
