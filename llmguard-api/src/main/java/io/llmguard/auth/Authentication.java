package io.llmguard.auth;

import io.llmguard.Refusal;

/** What an {@link Authenticator} found. */
public sealed interface Authentication {
  /** The credential is good. */
  record Authenticated(Caller caller) implements Authentication {}

  /** The call carries no credential of this kind. */
  record Absent() implements Authentication {}

  /** The call carries a credential of this kind that is not accepted. */
  record Rejected(Refusal refusal) implements Authentication {}
}
