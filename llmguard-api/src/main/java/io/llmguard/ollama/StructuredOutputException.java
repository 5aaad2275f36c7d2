package io.llmguard.ollama;

/** The model's text does not fit the type: says where (a JSON pointer) and what was expected. */
public final class StructuredOutputException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final String pointer;
  private final String text;

  /** At a place, for a reason, in a text. */
  public StructuredOutputException(String pointer, String reason, String text) {
    super(
        "the model's answer does not fit at "
            + (pointer.isEmpty() ? "/" : pointer)
            + ": "
            + reason);
    this.pointer = pointer;
    this.text = text;
  }

  /** Where: a JSON pointer (RFC 6901), empty for the whole. */
  public String pointer() {
    return pointer;
  }

  /** The model's whole text, which the message does not hold. */
  public String text() {
    return text;
  }
}
