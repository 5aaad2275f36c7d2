package io.llmguard.wire;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Stands where a digest would, and keeps what would be digested. */
final class PromptCollector implements PromptHasher.Digest {
  private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
  private final int max;

  private PromptCollector(int max) {
    this.max = max;
  }

  static String promptOf(CheckedBody body, int maxBytes) {
    PromptCollector prompt = new PromptCollector(maxBytes);
    RequestReader.create(() -> prompt).read(body.call().operation(), body.bytes());
    return prompt.text();
  }

  @Override
  public void update(byte[] bytes, int offset, int length) {
    kept.write(bytes, offset, Math.min(length, max - kept.size()));
  }

  @Override
  public String hex() {
    return "";
  }

  private String text() {
    byte[] bytes = kept.toByteArray();
    int end = bytes.length;
    if (end == max) {
      // not half a character at the end
      int start = end - 1;
      while (start >= 0 && (bytes[start] & 0xc0) == 0x80) {
        start--;
      }
      int length =
          start < 0 || bytes[start] >= 0 ? 1 : Integer.numberOfLeadingZeros(~bytes[start] << 24);
      if (start >= 0 && start + length > end) {
        end = start;
      }
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }
}
