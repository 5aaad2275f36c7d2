package io.llmguard.servlet;

import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.servlet.internal.Assembly;

/**
 * Reads bodies once, bounded and strictly, judges the models that they name and holds what they ask
 * for against ceilings; what was checked is what the application reads.
 *
 * <p>Which calls have such a body the endpoints say, so this judges them too. Init-params: {@code
 * max-body} (bytes of JSON, 10 MiB unless set), {@code max-form} (bytes of a form, 100 MiB unless
 * set), {@code form-directory} (where forms lie meanwhile, the JVM's directory for temporary files
 * unless set); and the ceilings, of which only the last two are there unless set: {@code
 * ceiling-mode} ({@code clamp} or {@code refuse}), {@code ceiling-output-tokens}, {@code
 * ceiling-context}, {@code ceiling-keep-alive}, {@code ceiling-min-keep-alive}, {@code
 * ceiling-logprobs}, {@code ceiling-choices}, {@code ceiling-load-options} ({@code false} refuses
 * what makes a server load a model anew), {@code ceiling-load-only} ({@code false} refuses calls
 * without a prompt, which only load one), {@code ceiling-remote-images} and {@code
 * ceiling-server-tools} ({@code true} allows them).
 */
public final class BodyPolicyFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public BodyPolicyFilter() {}

  /** A filter that knows these endpoints and does this with their bodies. */
  public BodyPolicyFilter(EndpointCatalogue catalogue, BodyPolicy policy) {
    super(guard(catalogue, policy).build());
  }

  private static StandardGuard.Builder guard(EndpointCatalogue catalogue, BodyPolicy policy) {
    StandardGuard.Builder guard =
        StandardGuard.builder().stage(Place.ENDPOINT, new EndpointStage(catalogue));
    policy.addTo(guard);
    return guard;
  }

  @Override
  void assemble(Assembly parts) {
    parts.endpoints();
    parts.bodies();
  }
}
