package io.llmguard.policy;

import io.llmguard.wire.Operation;
import org.jspecify.annotations.Nullable;

/**
 * What a (method, path) of an LLM server's API is.
 *
 * @param operation what a call there asks to do
 * @param scope what a credential needs for it, or null where any credential will do
 * @param body what the guard does with the request body
 */
public record Endpoint(Operation operation, @Nullable Scope scope, BodyKind body) {
  /** What the guard does with a request body. */
  public enum BodyKind {
    /** There is none; one that comes is refused. */
    NONE,
    /** JSON: read strictly, checked, then forwarded. */
    JSON,
    /** A form whose fields are read while its file is spooled to disk. */
    MULTIPART,
    /** Passed through unread, of any length. */
    OPAQUE
  }
}
