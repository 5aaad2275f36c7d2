package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.JwtAuthenticator;

/** Lets in who presents a signed token; the caller is the principal from here on. */
public final class JwtWebFilter extends GuardWebFilter {
  /** A filter that asks this authenticator. */
  public JwtWebFilter(JwtAuthenticator authenticator) {
    super(Place.AUTHENTICATION, AuthenticationStage.builder().authenticator(authenticator).build());
  }
}
