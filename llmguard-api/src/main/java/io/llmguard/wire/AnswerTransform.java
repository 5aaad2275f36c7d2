package io.llmguard.wire;

import io.llmguard.Refusal;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Changes an answer's body on its way to the client, piece by piece.
 *
 * <p>One transform serves one answer, by one thread at a time.
 */
public interface AnswerTransform {
  /**
   * Takes the next piece as it came from the upstream.
   *
   * @param piece its bytes; all of them are taken
   * @return what may go to the client now, perhaps nothing; valid until the next call
   */
  ByteBuffer apply(ByteBuffer piece);

  /** What is still to go to the client once the upstream's answer has ended. */
  ByteBuffer end();

  /**
   * Why no more of the answer may go to the client, or null; asked for after each piece, which goes
   * out first, and after the end. Of a stream, whole lines or events have gone out then.
   */
  default @Nullable Refusal refusal() {
    return null;
  }
}
