package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.ResponseMeter;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The answer of an attempt on its way to the client: its head, what is changed in it, and what is
 * held back of it. Its bytes are taken by one thread at a time; the rest may be asked by any.
 */
final class PassingAnswer {
  private static final ByteBuffer NO_BYTES = ByteBuffer.allocate(0);

  private final int status;
  private final HeaderMap fields;
  private final boolean bodiless;
  private final boolean stream;
  private final boolean flush;
  private final long announced;
  private final @Nullable AnswerTransform transform;

  private @Nullable HeldAnswer held;
  private long bytes;
  private volatile @Nullable Refusal withheld;

  /**
   * Takes an answer's head, which the exchange has seen.
   *
   * @param heldBytes how much may be held back of an answer in one piece whose failure could be
   *     hidden from the client, or -1 where there is none that could
   */
  PassingAnswer(Exchange exchange, Route.To route, int status, Headers headers, int heldBytes) {
    this.status = status;
    bodiless = status == 204 || status == 304 || exchange.method().equals("HEAD");
    stream = !bodiless && ResponseFields.isStream(headers.first("Content-Type"));
    flush = stream || !headers.contains("Content-Length");
    announced = headers.contentLength();
    transform = bodiless ? null : Transforms.of(exchange, route, status, headers);
    fields = ResponseFields.of(headers, exchange.responseHeaders(), stream);
    if (transform != null) {
      ResponseFields.withoutDigests(fields);
    }
    held = heldBytes < 0 || stream || bodiless ? null : new HeldAnswer(heldBytes, announced);
  }

  int status() {
    return status;
  }

  /** The head as the client gets it, to which more may be added. */
  HeaderMap fields() {
    return fields;
  }

  /** True if no body follows the head. */
  boolean bodiless() {
    return bodiless;
  }

  boolean stream() {
    return stream;
  }

  /** True if each piece goes out at once. */
  boolean flush() {
    return flush;
  }

  /** True if the head is known to be final before any of the body has come. */
  boolean headStands() {
    return transform == null || stream;
  }

  /**
   * Takes a piece as it came.
   *
   * @return what may go out now; null if nothing may yet
   * @throws RuntimeException if it cannot be changed as it should be
   */
  @Nullable ByteBuffer take(ByteBuffer piece) {
    ByteBuffer out = transform == null ? piece : transform.apply(piece);
    HeldAnswer holding = held;
    if (holding != null) {
      out = holding.take(out, bytes);
      if (out != null) {
        held = null;
      }
    }
    return out;
  }

  /**
   * What is left to go out after the last piece.
   *
   * @throws RuntimeException if it cannot be changed as it should be
   */
  ByteBuffer rest() {
    ByteBuffer rest = transform == null ? NO_BYTES : transform.end();
    if (held != null && !isWithheld()) {
      rest = held.with(rest);
      held = null;
    }
    return rest;
  }

  /** Counts a piece that has come; what has come in all is returned. */
  long count(ByteBuffer piece) {
    bytes += piece.remaining();
    return bytes;
  }

  /** True if the client may not have the rest of what was taken. */
  boolean isWithheld() {
    withheld = transform == null ? null : transform.refusal();
    return withheld != null;
  }

  /** Why the client may not have the rest of the answer, or null. */
  @Nullable Refusal withheld() {
    return withheld;
  }

  /** True if all of an answer in one piece has come, and what was used is known from it. */
  boolean whole(ResponseMeter meter) {
    return !stream && !bodiless && meter != ResponseMeter.none() && meter.finished();
  }

  /** True if all of the answer has come, though the upstream may not have said its end. */
  boolean hasCome(ResponseMeter meter) {
    return announced >= 0
        ? bytes >= announced
        : stream && meter != ResponseMeter.none() && meter.finished();
  }
}
