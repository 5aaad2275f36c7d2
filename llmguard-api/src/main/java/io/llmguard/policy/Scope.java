package io.llmguard.policy;

import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a credential may be used for. */
public enum Scope {
  /** Chats and completions of every API. */
  INFERENCE("inference"),
  /** Embeddings of every API. */
  EMBEDDINGS("embeddings"),
  /** What tells about a model: {@code /api/show}, {@code /api/ps}, {@code /api/status}. */
  MODELS_READ("models:read"),
  /** What changes the server's models: pull, push, create, copy, delete, blobs. */
  MODELS_WRITE("models:write"),
  /** All of the others and the rest: the admin API, the server's account. */
  ADMIN("admin");

  /** What a key may do unless it is told otherwise. */
  public static final Set<Scope> DEFAULTS = Set.of(INFERENCE, EMBEDDINGS, MODELS_READ);

  private final String word;

  Scope(String word) {
    this.word = word;
  }

  /** The scope as it is written in configuration, keys and tokens. */
  public String word() {
    return word;
  }

  /** The scope of that name, in any case, or null when there is none. */
  public static @Nullable Scope of(String word) {
    String lower = word.toLowerCase(Locale.ROOT);
    for (Scope scope : values()) {
      if (scope.word.equals(lower)) {
        return scope;
      }
    }
    return null;
  }

  /** True if a holder of {@code granted} may do what takes this scope. */
  public boolean grantedBy(Set<Scope> granted) {
    return granted.contains(this) || granted.contains(ADMIN);
  }

  @Override
  public String toString() {
    return word;
  }
}
