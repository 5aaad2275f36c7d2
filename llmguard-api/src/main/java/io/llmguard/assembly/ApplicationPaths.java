package io.llmguard.assembly;

import io.llmguard.policy.Endpoint;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.Scope;
import io.llmguard.wire.Operation;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The paths of an application by what becomes of them: guarded, judged, forwarded. Immutable. */
public final class ApplicationPaths {
  private static final Endpoint OWN =
      new Endpoint(Operation.OTHER, Scope.INFERENCE, Endpoint.BodyKind.OPAQUE);

  private final Set<String> guarded = new LinkedHashSet<>();
  private final Set<String> llm = new LinkedHashSet<>();
  private final Set<String> proxied = new LinkedHashSet<>();

  private ApplicationPaths(ApplicationSettings settings, boolean proxy) {
    add(guarded, settings.web().paths(), "web.paths");
    add(llm, settings.web().llmPaths(), "web.llm-paths");
    if (proxy) {
      add(proxied, settings.proxy().paths(), "proxy.paths");
    }
    llm.addAll(proxied);
    guarded.addAll(llm);
  }

  /**
   * Reads the paths.
   *
   * @param proxy true if there is a proxy to forward to
   * @throws SettingException if one of them is no pattern of this kind
   */
  public static ApplicationPaths of(ApplicationSettings settings, boolean proxy) {
    return new ApplicationPaths(settings, proxy);
  }

  private static void add(Set<String> prefixes, List<String> patterns, String setting) {
    for (String pattern : patterns) {
      if (!pattern.matches("(/[A-Za-z0-9._~-]+)*/\\*\\*")) {
        throw new SettingException(
            setting, "a path is /** or ends with it, as /api/** does, unlike " + pattern);
      }
      prefixes.add(pattern.substring(0, pattern.length() - 2));
    }
  }

  /** What is guarded, as patterns of the Servlet specification: {@code /api/*}. */
  public List<String> guardedServletPatterns() {
    return servletPatterns(guarded);
  }

  /** What goes on to the LLM server, as patterns of the Servlet specification. */
  public List<String> proxiedServletPatterns() {
    return servletPatterns(proxied);
  }

  private static List<String> servletPatterns(Set<String> prefixes) {
    return prefixes.stream().map(prefix -> prefix + "*").toList();
  }

  /**
   * What is guarded: every path below one of these, each with a slash at its end, and the same
   * without it.
   */
  public List<String> guardedPrefixes() {
    return List.copyOf(guarded);
  }

  /** What goes on to the LLM server, in the same way. */
  public List<String> proxiedPrefixes() {
    return List.copyOf(proxied);
  }

  /** What may be called: LLM servers' APIs where they are, and the application's own elsewhere. */
  public EndpointCatalogue catalogue() {
    EndpointCatalogue.Builder catalogue = EndpointCatalogue.builder().addStandard();
    return llm.contains("/")
        ? catalogue.build()
        : catalogue.application(OWN, new ArrayList<>(llm)).build();
  }
}
