package io.llmguard.reactive;

import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;

/**
 * Reads bodies once, bounded and strictly, judges the models that they name and holds what they ask
 * for against ceilings; what was checked is what the application reads.
 *
 * <p>Which calls have such a body the endpoints say, so this judges them too.
 */
public final class BodyPolicyWebFilter extends GuardWebFilter {
  /** A filter that knows these endpoints and does this with their bodies. */
  public BodyPolicyWebFilter(EndpointCatalogue catalogue, BodyPolicy policy) {
    super(guard(catalogue, policy).build());
  }

  private static StandardGuard.Builder guard(EndpointCatalogue catalogue, BodyPolicy policy) {
    StandardGuard.Builder guard =
        StandardGuard.builder().stage(Place.ENDPOINT, new EndpointStage(catalogue));
    policy.addTo(guard);
    return guard;
  }
}
