package io.llmguard.servlet;

import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Lets calls of known endpoints pass, by method, path and the caller's scopes; refuses the rest.
 *
 * <p>It takes no init-param: the catalogue is {@link EndpointCatalogue#standard()}.
 */
public final class EndpointPolicyFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public EndpointPolicyFilter() {}

  /** A filter that knows these endpoints. */
  public EndpointPolicyFilter(EndpointCatalogue catalogue) {
    super(Place.ENDPOINT, new EndpointStage(catalogue));
  }

  @Override
  void assemble(Assembly parts) {
    parts.endpoints();
  }
}
