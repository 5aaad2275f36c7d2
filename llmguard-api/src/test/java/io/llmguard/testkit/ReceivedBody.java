package io.llmguard.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/** The body of a received request, of any size, in constant memory. Immutable. */
public final class ReceivedBody {
  private final byte[] bytes;
  private final long length;
  private final String sha256;
  private final boolean complete;

  private ReceivedBody(byte[] bytes, long length, String sha256, boolean complete) {
    this.bytes = bytes;
    this.length = length;
    this.sha256 = sha256;
    this.complete = complete;
  }

  static ReceivedBody unread() {
    return new ReceivedBody(new byte[0], 0, HexFormat.of().formatHex(sha256().digest()), false);
  }

  static ReceivedBody read(BodyReader reader, LongConsumer received) {
    ByteArrayOutputStream kept = new ByteArrayOutputStream();
    MessageDigest digest = sha256();
    long length = 0;
    byte[] buffer = new byte[1 << 16];
    try {
      for (int n = reader.read(buffer); n >= 0; n = reader.read(buffer)) {
        length += n;
        received.accept(n);
        digest.update(buffer, 0, n);
        if (length <= ReceivedRequest.KEPT_BODY) {
          kept.write(buffer, 0, n);
        }
      }
    } catch (IOException e) {
      // cut off or malformed: what came so far is what the test wants to see, and complete() says
      // no
    }
    byte[] bytes = length <= ReceivedRequest.KEPT_BODY ? kept.toByteArray() : new byte[0];
    return new ReceivedBody(
        bytes, length, HexFormat.of().formatHex(digest.digest()), reader.ended());
  }

  /**
   * The bytes without framing; empty where there were more than {@link ReceivedRequest#KEPT_BODY}.
   */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** How many bytes came, without framing. */
  public long length() {
    return length;
  }

  /** The SHA-256 of all of them, in lower-case hex. */
  public String sha256Hex() {
    return sha256;
  }

  /** Whether the body came to its end as its framing says. */
  public boolean complete() {
    return complete;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
