package io.llmguard.wire;

/** Ends the reading of a body; carries no trace, as it is thrown for whatever strangers send. */
final class BadBody extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient MalformedBody why;

  BadBody(MalformedBody why) {
    super(null, null, false, false);
    this.why = why;
  }

  MalformedBody why() {
    return why;
  }
}
