package io.llmguard.wire;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Digests prompts for the audit line, so that the same prompt is found again without being kept.
 *
 * <p>What is digested is the prompt's UTF-8; a lone surrogate counts as U+FFFD, as in JavaScript.
 * Implementations are thread-safe.
 */
@FunctionalInterface
public interface PromptHasher {
  /** A new digest of one prompt. */
  Digest start();

  /** A digest that is being computed; used by one thread, once. */
  interface Digest {
    /** Takes the next bytes of the prompt. */
    void update(byte[] bytes, int offset, int length);

    /** Ends the digest. */
    String hex();
  }

  /** The digest of a whole prompt. */
  default PromptDigest digest(String prompt) {
    byte[] bytes = Unicode.withoutLoneSurrogates(prompt).getBytes(StandardCharsets.UTF_8);
    Digest digest = start();
    digest.update(bytes, 0, bytes.length);
    return new PromptDigest(digest.hex(), prompt.length());
  }

  /** SHA-256 (FIPS 180-4), in lower-case hex. A short prompt can be found by guessing. */
  static PromptHasher sha256() {
    return () -> {
      MessageDigest sha256 = newSha256();
      return new Digest() {
        @Override
        public void update(byte[] bytes, int offset, int length) {
          sha256.update(bytes, offset, length);
        }

        @Override
        public String hex() {
          return HexFormat.of().formatHex(sha256.digest());
        }
      };
    };
  }

  /**
   * HMAC-SHA-256 (RFC 2104) under a secret, in lower-case hex; what to use where prompts can be
   * guessed.
   *
   * @throws IllegalArgumentException if the secret is empty
   */
  static PromptHasher hmacSha256(byte[] secret) {
    SecretKeySpec key = new SecretKeySpec(secret, "HmacSHA256");
    return () -> {
      Mac mac = newMac(key);
      return new Digest() {
        @Override
        public void update(byte[] bytes, int offset, int length) {
          mac.update(bytes, offset, length);
        }

        @Override
        public String hex() {
          return HexFormat.of().formatHex(mac.doFinal());
        }
      };
    };
  }

  private static MessageDigest newSha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static Mac newMac(SecretKeySpec key) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      return mac;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has HmacSHA256", e);
    }
  }
}
