package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Lets in who presents an API key; the caller is the request's principal from here on.
 *
 * <p>Init-params: {@code database} (an SQLite file of keys), {@code master-key-variable} (the
 * environment variable that holds a key with every scope), {@code realm}. At least one of the first
 * two is needed.
 */
public final class ApiKeyFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public ApiKeyFilter() {}

  /** A filter that asks this authenticator. */
  public ApiKeyFilter(ApiKeyAuthenticator authenticator) {
    this(AuthenticationStage.builder().authenticator(authenticator).build());
  }

  /** A filter that authenticates by this stage. */
  public ApiKeyFilter(AuthenticationStage stage) {
    super(Place.AUTHENTICATION, stage);
  }

  @Override
  void assemble(Assembly parts) {
    parts.apiKeys(true);
  }
}
