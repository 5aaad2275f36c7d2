package io.llmguard;

/** What a stage, or a whole {@link Guard}, says to a call. */
public sealed interface Decision {
  /** The call may go on. */
  record Admit(Exchange exchange) implements Decision {}

  /** The call ends here with this answer. */
  record Refuse(Refusal refusal) implements Decision {}
}
