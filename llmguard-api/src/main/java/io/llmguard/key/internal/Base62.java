package io.llmguard.key.internal;

import java.math.BigInteger;

/** Numbers in the digits {@code 0-9A-Za-z}, most significant first. */
public final class Base62 {
  private static final String DIGITS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  private static final BigInteger BASE = BigInteger.valueOf(62);

  private Base62() {}

  /** The bytes as one unsigned number, padded with zeros to so many digits. */
  public static String encode(byte[] bytes, int digits) {
    BigInteger rest = new BigInteger(1, bytes);
    char[] text = new char[digits];
    for (int i = digits - 1; i >= 0; i--) {
      BigInteger[] division = rest.divideAndRemainder(BASE);
      text[i] = DIGITS.charAt(division[1].intValue());
      rest = division[0];
    }
    if (rest.signum() != 0) {
      throw new IllegalArgumentException(bytes.length + " bytes need more digits than " + digits);
    }
    return new String(text);
  }

  /** A number that is not negative, padded with zeros to so many digits. */
  public static String encode(long number, int digits) {
    long rest = number;
    char[] text = new char[digits];
    for (int i = digits - 1; i >= 0; i--) {
      text[i] = DIGITS.charAt((int) (rest % 62));
      rest /= 62;
    }
    if (rest != 0) {
      throw new IllegalArgumentException(number + " needs more digits than " + digits);
    }
    return new String(text);
  }

  /** True for one of the digits. */
  public static boolean isDigit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  }
}
