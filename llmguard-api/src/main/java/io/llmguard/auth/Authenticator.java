package io.llmguard.auth;

import io.llmguard.Exchange;
import java.util.concurrent.CompletionStage;

/**
 * Establishes who calls from one kind of credential.
 *
 * <p>Implementations are thread-safe and do not block: what has to be fetched completes the answer
 * later.
 */
public interface Authenticator {
  /**
   * Looks at the credential of the call.
   *
   * @return {@link Authentication.Absent} if there is none of this kind, so that another
   *     authenticator may look
   */
  CompletionStage<Authentication> authenticate(Exchange exchange);
}
