package io.llmguard.inspect;

/** What a built-in inspector does about what it finds. */
public enum Reaction {
  /** The call, or the rest of the answer, is refused. */
  REFUSE,
  /** What was found is replaced by the name of its kind, as in {@code [email]}. */
  REDACT
}
