package io.llmguard.key;

/** A key store cannot be reached or does not answer as it should. */
public final class KeyStoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What could not be done, and why. */
  public KeyStoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
