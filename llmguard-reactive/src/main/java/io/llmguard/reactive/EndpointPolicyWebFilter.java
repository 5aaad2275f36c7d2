package io.llmguard.reactive;

import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;

/**
 * Lets calls of known endpoints pass, by method, path and the caller's scopes; refuses the rest.
 */
public final class EndpointPolicyWebFilter extends GuardWebFilter {
  /** A filter that knows these endpoints. */
  public EndpointPolicyWebFilter(EndpointCatalogue catalogue) {
    super(Place.ENDPOINT, new EndpointStage(catalogue));
  }
}
