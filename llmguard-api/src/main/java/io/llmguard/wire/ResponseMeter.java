package io.llmguard.wire;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads from an answer's bytes, as they pass, what was used and whether the answer is whole.
 *
 * <p>Bytes may be split anywhere; memory stays bounded whatever comes. One meter reads one answer,
 * by one thread at a time.
 */
public interface ResponseMeter {
  /** Reads the remaining bytes of {@code bytes} and leaves its position as it was. */
  void accept(ByteBuffer bytes);

  /**
   * True once the answer has said its own end ({@code "done":true}, {@code [DONE]}, the last brace
   * of a document, …), or if the kind of answer has no end of its own to say. An error is no end:
   * ask {@link #failed} too.
   */
  boolean finished();

  /** True once an error line or event was seen in an answer whose status said success. */
  boolean failed();

  /** The counts that the upstream reported so far, or null. */
  @Nullable Usage usage();

  /** Lines or events with output seen so far; in a stream, close to the number of tokens. */
  long outputEvents();

  /** How the answer is divided; {@link Framing#DOCUMENT} where nobody looks into it. */
  default Framing framing() {
    return Framing.DOCUMENT;
  }

  /** True if the next byte of the answer would be the first of a line. */
  default boolean atLineStart() {
    return true;
  }

  /** A meter that reads nothing and is always finished. */
  static ResponseMeter none() {
    return NoMeter.INSTANCE;
  }
}
