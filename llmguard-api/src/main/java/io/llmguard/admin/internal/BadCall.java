package io.llmguard.admin.internal;

import io.llmguard.Refusal;

/** Ends the reading of a call with the refusal that answers it; has no stack trace. */
public final class BadCall extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Refusal refusal;

  /** A call that is answered so. */
  public BadCall(int status, String reason, String detail) {
    super(detail, null, false, false);
    refusal = Refusal.of(status, reason, detail);
  }

  /** A request that is not as it must be: 400. */
  public static BadCall request(String detail) {
    return new BadCall(400, "bad-request", detail);
  }

  /** A key that is not there: 404. */
  public static BadCall unknownKey(String where) {
    return new BadCall(404, "unknown-key", where + " names no key that is known here");
  }

  /** The answer. */
  public Refusal refusal() {
    return refusal;
  }
}
