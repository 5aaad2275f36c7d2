package io.llmguard.wire;

import java.nio.ByteBuffer;

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
}
