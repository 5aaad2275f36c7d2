package io.llmguard.audit.internal;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The SHA-256 that chains audit lines, in lower-case hex. Not thread-safe. */
final class ChainDigest {
  /** What the first line of a trail has in place of the hash of the line before. */
  static final String GENESIS = "0".repeat(64);

  private static final HexFormat HEX = HexFormat.of();

  private final MessageDigest sha256;

  ChainDigest() {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  String hash(byte[] bytes, int from, int to) {
    sha256.update(bytes, from, to - from);
    return finish();
  }

  void update(byte[] bytes, int from, int to) {
    sha256.update(bytes, from, to - from);
  }

  void update(byte b) {
    sha256.update(b);
  }

  /** The digest of what was given since the last one. */
  String finish() {
    return HEX.formatHex(sha256.digest());
  }
}
