package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.JwtAuthenticator;
import io.llmguard.servlet.internal.Assembly;

/**
 * Lets in who presents a signed token; the caller is the request's principal from here on.
 *
 * <p>Init-params: {@code issuer}, {@code audience} (one or more), {@code jwks} (the address of the
 * issuer's keys), {@code algorithms} ({@code RS256 ES256} unless set), {@code realm}.
 */
public final class JwtFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public JwtFilter() {}

  /** A filter that asks this authenticator. */
  public JwtFilter(JwtAuthenticator authenticator) {
    super(Place.AUTHENTICATION, AuthenticationStage.builder().authenticator(authenticator).build());
  }

  @Override
  void assemble(Assembly parts) {
    parts.tokens(true);
  }
}
