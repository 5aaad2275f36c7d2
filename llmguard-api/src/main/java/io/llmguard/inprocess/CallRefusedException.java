package io.llmguard.inprocess;

import io.llmguard.Refusal;

/** A guard has refused a call of the application's own. */
public final class CallRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Refusal refusal;

  /** A refused call. */
  public CallRefusedException(Refusal refusal) {
    super(refusal.reason() + ": " + refusal.detail());
    this.refusal = refusal;
  }

  /** Why, with the status and the fields that an answer over HTTP would have. */
  public Refusal refusal() {
    return refusal;
  }
}
