package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.ClientCertificateAuthenticator;

/**
 * Lets in who shows a known client certificate; the caller is the principal from here on.
 *
 * <p>The chain is what the server has verified: it asks for certificates and knows the authorities.
 * Where a proxy has verified it, the authenticator says in which field it is handed over, and by
 * whom.
 */
public final class ClientCertificateWebFilter extends GuardWebFilter {
  /** A filter that asks this authenticator. */
  public ClientCertificateWebFilter(ClientCertificateAuthenticator authenticator) {
    super(Place.AUTHENTICATION, AuthenticationStage.builder().authenticator(authenticator).build());
  }
}
