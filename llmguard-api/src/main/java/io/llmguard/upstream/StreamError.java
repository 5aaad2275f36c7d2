package io.llmguard.upstream;

import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.wire.Dialect;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The error line or event with which a stream that broke off tells its client so. */
final class StreamError {
  private StreamError() {}

  /**
   * The bytes to write, or null where the dialect has no errors in mid-stream.
   *
   * @param midLine true if the stream broke off within a line
   */
  static @Nullable ByteBuffer of(
      Refusal refusal, Dialect dialect, boolean events, boolean midLine) {
    if (dialect == Dialect.PLAIN) {
      return null;
    }
    ByteBuffer json = RefusalRenderer.render(refusal, dialect).body();
    String before = midLine ? "\n" : "";
    String after = "\n";
    if (events) {
      // an empty line ends an event that broke off, so that its data is not taken with the error's
      before = (midLine ? "\n\n" : "\n") + (dialect == Dialect.ANTHROPIC ? "event: error\n" : "");
      before += "data: ";
      after = "\n\n";
    }
    byte[] head = before.getBytes(StandardCharsets.US_ASCII);
    byte[] tail = after.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(head.length + json.remaining() + tail.length)
        .put(head)
        .put(json)
        .put(tail)
        .flip();
  }
}
