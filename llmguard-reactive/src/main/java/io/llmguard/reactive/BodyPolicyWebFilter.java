package io.llmguard.reactive;

import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelStage;
import io.llmguard.wire.RequestReader;

/**
 * Reads JSON bodies once, bounded and strictly, and judges the models that they name; what was
 * checked is what the application reads.
 *
 * <p>Which calls have such a body the endpoints say, so this judges them too.
 */
public final class BodyPolicyWebFilter extends GuardWebFilter {
  /** A filter that knows these endpoints and takes bodies up to so many bytes. */
  public BodyPolicyWebFilter(EndpointCatalogue catalogue, int maxBytes) {
    super(
        StandardGuard.builder()
            .stage(Place.ENDPOINT, new EndpointStage(catalogue))
            .stage(Place.BODY, new BodyStage(RequestReader.create(), maxBytes))
            .stage(Place.MODEL, new ModelStage())
            .build());
  }
}
