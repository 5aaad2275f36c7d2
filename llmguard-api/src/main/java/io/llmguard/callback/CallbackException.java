package io.llmguard.callback;

import java.io.IOException;

/** A target that answered, but not as it should; the message holds no secret and no content. */
public final class CallbackException extends IOException {
  private static final long serialVersionUID = 1L;

  /** A target that answered so. */
  public CallbackException(String message) {
    super(message);
  }
}
