package io.llmguard.key;

import io.llmguard.key.internal.Base62;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.zip.CRC32;

/**
 * A secret that lets its holder in: {@code sk-}, 43 characters for 32 random bytes in base 62, and
 * a checksum of 6 characters; 52 characters in all.
 *
 * <p>Secret scanners find one by {@link #PATTERN} and tell a real one by the checksum: the CRC-32
 * (ISO-HDLC, as in zlib) of the first 46 characters, written in base 62 with the digits {@code
 * 0-9A-Za-z}, most significant first, padded with zeros. The checksum catches every single wrong
 * character and every swap of neighbours; it says nothing about whether a key exists.
 *
 * <p>Immutable. A key never stands in {@link #toString}.
 */
public final class ApiKey {
  /** What every key matches, for secret scanners. */
  public static final String PATTERN = "\\bsk-[0-9A-Za-z]{49}\\b";

  /** The length of every key in characters. */
  public static final int LENGTH = 52;

  private static final String PREFIX = "sk-";
  private static final int SECRET_BYTES = 32;
  private static final int SECRET_DIGITS = 43;
  private static final int CHECKSUM_DIGITS = 6;
  private static final int CHECKSUM_AT = PREFIX.length() + SECRET_DIGITS;

  private final String text;

  private ApiKey(String text) {
    this.text = text;
  }

  /** What a presented string is, by its form alone. */
  public sealed interface Parsed {
    /** The form and the checksum are right; whether such a key exists is another question. */
    record WellFormed(ApiKey key) implements Parsed {}

    /** The form is a key's, the checksum is not: a character is wrong or two are swapped. */
    record Mistyped() implements Parsed {}

    /** No API key of this format. */
    record Malformed() implements Parsed {}
  }

  private static final Parsed MISTYPED = new Parsed.Mistyped();
  private static final Parsed MALFORMED = new Parsed.Malformed();

  /** A new key. */
  public static ApiKey generate(SecureRandom random) {
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    String body = PREFIX + Base62.encode(secret, SECRET_DIGITS);
    return new ApiKey(body + checksum(body));
  }

  /** Tells what a presented string is, by its form alone. */
  public static Parsed parse(String presented) {
    if (presented.length() != LENGTH || !presented.startsWith(PREFIX)) {
      return MALFORMED;
    }
    for (int i = PREFIX.length(); i < LENGTH; i++) {
      if (!Base62.isDigit(presented.charAt(i))) {
        return MALFORMED;
      }
    }
    return presented.startsWith(checksum(presented.substring(0, CHECKSUM_AT)), CHECKSUM_AT)
        ? new Parsed.WellFormed(new ApiKey(presented))
        : MISTYPED;
  }

  /** The hash by which the key is stored. */
  public KeyHash hash() {
    return KeyHash.of(text);
  }

  /** The secret itself, to be shown to its owner once and kept nowhere. */
  public String reveal() {
    return text;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ApiKey that && hash().equals(that.hash());
  }

  @Override
  public int hashCode() {
    return hash().hashCode();
  }

  @Override
  public String toString() {
    return "ApiKey[sk-…]";
  }

  private static String checksum(String body) {
    CRC32 crc = new CRC32();
    crc.update(body.getBytes(StandardCharsets.US_ASCII));
    return Base62.encode(crc.getValue(), CHECKSUM_DIGITS);
  }
}
