package io.llmguard.key;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The whole SHA-256 digest of a credential, by which it is stored, looked up and audited.
 *
 * <p>{@link #equals} takes the same time wherever two digests differ. Immutable.
 */
public final class KeyHash {
  private static final int BYTES = 32;

  private final byte[] digest;

  private KeyHash(byte[] digest) {
    this.digest = digest;
  }

  /** The hash of a credential, over its UTF-8 bytes. */
  public static KeyHash of(String credential) {
    return new KeyHash(sha256().digest(credential.getBytes(StandardCharsets.UTF_8)));
  }

  /** The hash of a credential that is bytes, such as a certificate's encoding. */
  public static KeyHash of(byte[] credential) {
    return new KeyHash(sha256().digest(credential));
  }

  /**
   * The hash that is written so.
   *
   * @param hex 64 hex digits in any case
   * @throws IllegalArgumentException if it is anything else
   */
  public static KeyHash parse(String hex) {
    if (hex.length() != 2 * BYTES) {
      throw new IllegalArgumentException("a SHA-256 hash has 64 hex digits, not " + hex.length());
    }
    return new KeyHash(HexFormat.of().parseHex(hex));
  }

  /** 64 lower-case hex digits. */
  public String hex() {
    return HexFormat.of().formatHex(digest);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KeyHash that && MessageDigest.isEqual(digest, that.digest);
  }

  /** The first four bytes: they tell nothing about a credential that its hash does not. */
  @Override
  public int hashCode() {
    return digest[0] << 24
        | (digest[1] & 0xff) << 16
        | (digest[2] & 0xff) << 8
        | (digest[3] & 0xff);
  }

  @Override
  public String toString() {
    return hex();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
