package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;

/** Lets in who presents an API key; the caller is the principal from here on. */
public final class ApiKeyWebFilter extends GuardWebFilter {
  /** A filter that asks this authenticator. */
  public ApiKeyWebFilter(ApiKeyAuthenticator authenticator) {
    this(AuthenticationStage.builder().authenticator(authenticator).build());
  }

  /** A filter that authenticates by this stage. */
  public ApiKeyWebFilter(AuthenticationStage stage) {
    super(Place.AUTHENTICATION, stage);
  }
}
