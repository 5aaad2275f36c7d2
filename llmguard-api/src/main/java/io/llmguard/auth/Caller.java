package io.llmguard.auth;

import io.llmguard.budget.Budget;
import io.llmguard.limit.LimitSet;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import java.security.Principal;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who calls, as an {@link Authenticator} established it; the principal of an admitted call.
 *
 * <p>Immutable; build one with {@link #builder}.
 */
public final class Caller implements Principal {
  /** By what kind of credential a caller is known. */
  public enum Kind {
    /** An API key of the key store. */
    API_KEY,
    /** The configured master key. */
    MASTER_KEY,
    /** A signed token. */
    JWT,
    /** A client certificate. */
    CERTIFICATE,
    /** What an application's own authenticator says. */
    OTHER
  }

  private final Kind kind;
  private final String id;
  private final String name;
  private final @Nullable String keyId;
  private final @Nullable String owner;
  private final @Nullable String team;
  private final Set<Scope> scopes;
  private final ModelAccess models;
  private final LimitSet limits;
  private final List<Budget> budgets;

  private Caller(Builder builder) {
    kind = builder.kind;
    id = builder.id;
    name = builder.name;
    keyId = builder.keyId;
    owner = builder.owner;
    team = builder.team;
    scopes = Set.copyOf(builder.scopes);
    models = builder.models;
    limits = builder.limits;
    budgets = List.copyOf(builder.budgets);
  }

  /**
   * A builder of a caller with the default scopes, every model and the configured limits.
   *
   * @param kind by what kind of credential the caller is known
   * @param id under what its limits and spend are kept: unique among all callers, never a
   *     credential
   */
  public static Builder builder(Kind kind, String id) {
    return new Builder(kind, id);
  }

  /** By what kind of credential the caller is known. */
  public Kind kind() {
    return kind;
  }

  /** Under what its limits and spend are kept: unique among all callers, never a credential. */
  public String id() {
    return id;
  }

  /** The name for people; the id unless another was given. */
  @Override
  public String getName() {
    return name;
  }

  /** The id of the API key's record, or null for other credentials. */
  public @Nullable String keyId() {
    return keyId;
  }

  /** To whom the credential was given, or null. */
  public @Nullable String owner() {
    return owner;
  }

  /** The team that shares budgets, or null. */
  public @Nullable String team() {
    return team;
  }

  /** What the credential may be used for. */
  public Set<Scope> scopes() {
    return scopes;
  }

  /** Which models the caller may name. */
  public ModelAccess models() {
    return models;
  }

  /** The caller's own limits. */
  public LimitSet limits() {
    return limits;
  }

  /** The caller's own budgets, beside the configured ones. */
  public List<Budget> budgets() {
    return budgets;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Caller that && id.equals(that.id);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  @Override
  public String toString() {
    return "Caller[" + kind + " " + id + "]";
  }

  /** Collects what is known of a caller. */
  public static final class Builder {
    private final Kind kind;
    private final String id;
    private String name;
    private @Nullable String keyId;
    private @Nullable String owner;
    private @Nullable String team;
    private Set<Scope> scopes = Scope.DEFAULTS;
    private ModelAccess models = ModelAccess.ALL;
    private LimitSet limits = LimitSet.CONFIGURED;
    private List<Budget> budgets = List.of();

    private Builder(Kind kind, String id) {
      this.kind = kind;
      this.id = id;
      this.name = id;
    }

    /** The name for people. */
    public Builder name(String value) {
      name = value;
      return this;
    }

    /** The id of the API key's record. */
    public Builder keyId(@Nullable String value) {
      keyId = value;
      return this;
    }

    /** To whom the credential was given. */
    public Builder owner(@Nullable String value) {
      owner = value;
      return this;
    }

    /** The team that shares budgets. */
    public Builder team(@Nullable String value) {
      team = value;
      return this;
    }

    /** What the credential may be used for; {@link Scope#DEFAULTS} unless set. */
    public Builder scopes(Set<Scope> value) {
      scopes = value;
      return this;
    }

    /** Which models the caller may name; all unless set. */
    public Builder models(ModelAccess value) {
      models = value;
      return this;
    }

    /** The caller's own limits; the configured ones unless set. */
    public Builder limits(LimitSet value) {
      limits = value;
      return this;
    }

    /** The caller's own budgets; none unless set. */
    public Builder budgets(List<Budget> value) {
      budgets = value;
      return this;
    }

    /** The caller. */
    public Caller build() {
      return new Caller(this);
    }
  }
}
