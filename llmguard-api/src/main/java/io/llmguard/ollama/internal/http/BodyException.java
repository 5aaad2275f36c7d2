package io.llmguard.ollama.internal.http;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The body of a request cannot be read: the fault is not the server's. */
public final class BodyException extends IOException {
  private static final long serialVersionUID = 1;

  BodyException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
