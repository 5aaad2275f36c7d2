package io.llmguard.upstream;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** The beginning of an answer, held back until it is known to be whole; by one thread at a time. */
final class HeldAnswer {
  private final int most;
  private final long announced;
  private byte[] bytes = {};
  private int length;

  /**
   * Holds up to so many bytes.
   *
   * @param announced the answer's length as the upstream announced it, or -1
   */
  HeldAnswer(int most, long announced) {
    this.most = most;
    this.announced = announced;
  }

  /**
   * Takes a piece.
   *
   * @param piece what would go to the client
   * @param received how many bytes of the answer have come in all
   * @return what may go out now; null if the piece was copied and is held
   */
  @org.jspecify.annotations.Nullable
  ByteBuffer take(ByteBuffer piece, long received) {
    if (received == announced || length + (long) piece.remaining() > most) {
      return with(piece);
    }
    append(piece);
    return null;
  }

  /** What was held, and this. */
  ByteBuffer with(ByteBuffer last) {
    if (length == 0) {
      return last;
    }
    append(last);
    return ByteBuffer.wrap(bytes, 0, length);
  }

  private void append(ByteBuffer piece) {
    int more = piece.remaining();
    if (length + more > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(length + more, Math.max(1024, 2 * bytes.length)));
    }
    piece.get(bytes, length, more);
    length += more;
  }
}
