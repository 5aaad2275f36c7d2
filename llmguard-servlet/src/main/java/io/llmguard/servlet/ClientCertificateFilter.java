package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.ClientCertificateAuthenticator;
import io.llmguard.servlet.internal.Assembly;

/**
 * Lets in who shows a known client certificate; the caller is the request's principal from here on.
 *
 * <p>The chain is what the container has verified: its connector asks for certificates and knows
 * the authorities. Where a proxy has verified it, {@code source} says in which field it is handed
 * over, and {@code trusted-proxies} by whom.
 *
 * <p>Init-params: {@code subjects} (distinguished names, RFC 4514, between semicolons or line
 * breaks), {@code names} (alternative names: host names, URIs, mail addresses), {@code
 * fingerprints} (SHA-256, hex): at least one of these is needed, and a caller is called by the one
 * that fits; {@code scopes} ({@code inference}, {@code embeddings} and {@code models:read} unless
 * set), {@code source} ({@code connection}, {@code client-cert} for RFC 9440, {@code nginx}; {@code
 * connection} unless set), {@code trusted-proxies} (address blocks), {@code realm}.
 */
public final class ClientCertificateFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public ClientCertificateFilter() {}

  /** A filter that asks this authenticator. */
  public ClientCertificateFilter(ClientCertificateAuthenticator authenticator) {
    super(Place.AUTHENTICATION, AuthenticationStage.builder().authenticator(authenticator).build());
  }

  @Override
  void assemble(Assembly parts) {
    parts.clientAddress();
    parts.certificates("", true);
  }
}
