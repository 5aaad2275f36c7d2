package io.llmguard.upstream;

/**
 * Why a call to an upstream failed.
 *
 * @param kind the kind of failure
 * @param detail what happened, without any part of the request or the answer
 */
public record UpstreamFailure(Kind kind, String detail) {
  /** The closed set of failures. */
  public enum Kind {
    /** No connection could be made: nothing was sent. */
    CONNECT,
    /** The connection ended, or HTTP was broken, before the answer's head had come. */
    BEFORE_HEAD,
    /** The connection ended, or HTTP was broken, after the head had come. */
    AFTER_HEAD,
    /** A connection could not be made in time. */
    CONNECT_TIMEOUT,
    /** The answer's first byte did not come in time. */
    FIRST_BYTE_TIMEOUT,
    /** Nothing came for too long in the middle of the answer. */
    IDLE_TIMEOUT,
    /** The whole call took too long. */
    TOTAL_TIMEOUT,
    /** The request's body could not be read from the client. */
    REQUEST_BODY,
    /** It was cancelled from this side. */
    CANCELLED
  }
}
