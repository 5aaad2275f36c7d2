package io.llmguard.wire;

import io.llmguard.Refusal;

/**
 * A request body that is refused as it could mean one thing to the guard and another to the
 * upstream, or nothing at all.
 *
 * @param reason why, in words joined by hyphens: {@code invalid-utf8}, {@code invalid-json}, {@code
 *     too-deep}, {@code duplicate-key}, {@code ambiguous-key}, {@code invalid-field}, {@code
 *     model-missing}
 * @param detail one sentence for people; holds nothing of the body but names of known fields
 * @param offset the byte at which it was seen
 * @param path where it was seen, as in {@code $.messages[0].content}
 */
public record MalformedBody(String reason, String detail, long offset, String path)
    implements BodyReading, FormReading {
  /** The answer to the call: 400. */
  public Refusal refusal() {
    return Refusal.of(400, reason, detail + " (" + path + ", byte " + offset + ")");
  }
}
