package io.llmguard.policy;

import static io.llmguard.policy.Endpoint.BodyKind.JSON;
import static io.llmguard.policy.Endpoint.BodyKind.MULTIPART;
import static io.llmguard.policy.Endpoint.BodyKind.NONE;
import static io.llmguard.policy.Endpoint.BodyKind.OPAQUE;

import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.wire.Operation;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The exact list of (method, decoded path) that may be called; everything else is refused.
 *
 * <p>Immutable; make one with {@link #standard()} or {@link #builder()}.
 */
public final class EndpointCatalogue {
  private final Map<String, Map<String, Endpoint>> exact;
  private final Map<String, Map<String, Endpoint>> below;
  private final List<String> closed;
  private final @Nullable Endpoint others;

  private EndpointCatalogue(Builder builder) {
    exact = deepCopy(builder.exact);
    below = deepCopy(builder.below);
    closed = List.copyOf(builder.closed);
    others = builder.others;
  }

  private static Map<String, Map<String, Endpoint>> deepCopy(
      Map<String, Map<String, Endpoint>> paths) {
    Map<String, Map<String, Endpoint>> copy = new HashMap<>();
    paths.forEach((path, methods) -> copy.put(path, new LinkedHashMap<>(methods)));
    return copy;
  }

  /** What the catalogue says to a call. */
  public sealed interface Match {
    /** The call is this one. */
    record Found(Endpoint endpoint) implements Match {}

    /**
     * The path is known, but not with this method.
     *
     * @param allowed the methods that it takes
     */
    record WrongMethod(Set<String> allowed) implements Match {}

    /** There is no such path. */
    record Unknown() implements Match {}
  }

  /** The APIs of Ollama, and of OpenAI and Anthropic as far as self-hosted servers answer them. */
  public static EndpointCatalogue standard() {
    return builder().addStandard().build();
  }

  /** A builder of an empty catalogue. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Looks a call up.
   *
   * @param method the method, in its own case: methods are case-sensitive
   * @param path the normalised path
   */
  public Match find(String method, String path) {
    if (others != null && !isClosed(path)) {
      return new Match.Found(others);
    }
    Map<String, Endpoint> methods = exact.get(path);
    if (methods == null) {
      methods = findBelow(path);
    }
    if (methods == null) {
      return new Match.Unknown();
    }
    Endpoint endpoint = methods.get(method);
    return endpoint != null
        ? new Match.Found(endpoint)
        : new Match.WrongMethod(new LinkedHashSet<>(methods.keySet()));
  }

  private boolean isClosed(String path) {
    for (String prefix : closed) {
      if (path.startsWith(prefix) || path.equals(prefix.substring(0, prefix.length() - 1))) {
        return true;
      }
    }
    return false;
  }

  private @Nullable Map<String, Endpoint> findBelow(String path) {
    for (Map.Entry<String, Map<String, Endpoint>> entry : below.entrySet()) {
      String prefix = entry.getKey();
      if (path.length() > prefix.length() && path.startsWith(prefix)) {
        return entry.getValue();
      }
    }
    return null;
  }

  /** Collects endpoints. Not thread-safe. */
  public static final class Builder {
    private final Map<String, Map<String, Endpoint>> exact = new LinkedHashMap<>();
    private final Map<String, Map<String, Endpoint>> below = new LinkedHashMap<>();
    private final List<String> closed = new ArrayList<>();
    private @Nullable Endpoint others;

    private Builder() {}

    /** Allows a method on exactly this decoded path. */
    public Builder allow(String method, String path, Endpoint endpoint) {
      put(exact, method, path, endpoint);
      return this;
    }

    /** Allows a method on every path below this decoded prefix, which ends with a slash. */
    public Builder allowBelow(String method, String prefix, Endpoint endpoint) {
      if (!prefix.endsWith("/")) {
        throw new IllegalArgumentException("a prefix ends with a slash: " + prefix);
      }
      put(below, method, prefix, endpoint);
      return this;
    }

    /**
     * Takes every path of an application that answers calls itself for this endpoint, with any
     * method, but for those at and below the given prefixes: there the rest of the catalogue holds.
     *
     * @param endpoint what the application's own paths are
     * @param except prefixes that end with a slash
     */
    public Builder application(Endpoint endpoint, Collection<String> except) {
      for (String prefix : except) {
        if (!prefix.endsWith("/")) {
          throw new IllegalArgumentException("a prefix ends with a slash: " + prefix);
        }
      }
      others = endpoint;
      closed.addAll(except);
      return this;
    }

    private static void put(
        Map<String, Map<String, Endpoint>> paths, String method, String path, Endpoint endpoint) {
      paths.computeIfAbsent(path, p -> new LinkedHashMap<>()).put(method, endpoint);
    }

    /** Adds what {@link EndpointCatalogue#standard()} holds. */
    public Builder addStandard() {
      heartbeatAndLists();
      inference();
      management();
      return this;
    }

    private void heartbeatAndLists() {
      for (String method : new String[] {"GET", "HEAD"}) {
        any(method, "/", Operation.OLLAMA_INFO);
        any(method, "/api/tags", Operation.OLLAMA_TAGS);
        any(method, "/api/version", Operation.OLLAMA_INFO);
      }
      any("GET", "/v1/models", Operation.OPENAI_MODELS);
      allowBelow("GET", "/v1/models/", new Endpoint(Operation.OPENAI_MODEL, null, NONE));
      post("/api/show", Operation.OLLAMA_SHOW, Scope.MODELS_READ, JSON);
      allow("GET", "/api/ps", new Endpoint(Operation.OLLAMA_PS, Scope.MODELS_READ, NONE));
      allow("GET", "/api/status", new Endpoint(Operation.OLLAMA_INFO, Scope.MODELS_READ, NONE));
    }

    private void inference() {
      post("/api/generate", Operation.OLLAMA_GENERATE, Scope.INFERENCE, JSON);
      post("/api/chat", Operation.OLLAMA_CHAT, Scope.INFERENCE, JSON);
      post("/api/embed", Operation.OLLAMA_EMBED, Scope.EMBEDDINGS, JSON);
      post("/api/embeddings", Operation.OLLAMA_EMBEDDINGS, Scope.EMBEDDINGS, JSON);
      post("/v1/chat/completions", Operation.OPENAI_CHAT, Scope.INFERENCE, JSON);
      post("/v1/completions", Operation.OPENAI_COMPLETIONS, Scope.INFERENCE, JSON);
      post("/v1/embeddings", Operation.OPENAI_EMBEDDINGS, Scope.EMBEDDINGS, JSON);
      post("/v1/responses", Operation.OPENAI_RESPONSES, Scope.INFERENCE, JSON);
      post("/v1/messages", Operation.ANTHROPIC_MESSAGES, Scope.INFERENCE, JSON);
      post("/v1/audio/transcriptions", Operation.OPENAI_TRANSCRIPTIONS, Scope.INFERENCE, MULTIPART);
    }

    private void management() {
      for (String path : new String[] {"/api/pull", "/api/push", "/api/create"}) {
        post(path, Operation.OLLAMA_PROGRESS, Scope.MODELS_WRITE, JSON);
      }
      post("/api/copy", Operation.OLLAMA_MANAGE, Scope.MODELS_WRITE, JSON);
      allow("DELETE", "/api/delete", manage(Scope.MODELS_WRITE, JSON));
      Endpoint blob = new Endpoint(Operation.OLLAMA_BLOB, Scope.MODELS_WRITE, OPAQUE);
      allowBelow("POST", "/api/blobs/", blob);
      allowBelow(
          "HEAD", "/api/blobs/", new Endpoint(Operation.OLLAMA_BLOB, Scope.MODELS_WRITE, NONE));
      // the account of the server's owner, and what may change from version to version
      allow("POST", "/api/me", manage(Scope.ADMIN, OPAQUE));
      allow("POST", "/api/signout", manage(Scope.ADMIN, OPAQUE));
      allowBelow("DELETE", "/api/user/keys/", manage(Scope.ADMIN, OPAQUE));
      for (String method : new String[] {"GET", "POST", "DELETE"}) {
        allowBelow(method, "/api/experimental/", manage(Scope.ADMIN, OPAQUE));
      }
    }

    private void any(String method, String path, Operation operation) {
      allow(method, path, new Endpoint(operation, null, NONE));
    }

    private void post(String path, Operation operation, Scope scope, BodyKind body) {
      allow("POST", path, new Endpoint(operation, scope, body));
    }

    private static Endpoint manage(Scope scope, BodyKind body) {
      return new Endpoint(Operation.OLLAMA_MANAGE, scope, body);
    }

    /** The catalogue. */
    public EndpointCatalogue build() {
      return new EndpointCatalogue(this);
    }
  }
}
