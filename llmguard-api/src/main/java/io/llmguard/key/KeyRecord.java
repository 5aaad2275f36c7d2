package io.llmguard.key;

import io.llmguard.limit.LimitSet;
import io.llmguard.network.CidrSet;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of an API key: everything but the key.
 *
 * <p>Times are kept to the millisecond. Immutable; change one by {@link #toBuilder} and {@link
 * KeyStore#update}.
 */
public final class KeyRecord {
  /** Whether a key lets its holder in. */
  public enum State {
    /** It does. */
    ACTIVE,
    /** It does not until it is unblocked. */
    BLOCKED,
    /** It never does again. */
    REVOKED
  }

  /** What a presented key is worth at one moment. */
  public enum Standing {
    /** It lets its holder in. */
    GOOD,
    /** The record has expired. */
    EXPIRED,
    /** The record is blocked. */
    BLOCKED,
    /** The record is revoked. */
    REVOKED,
    /** The key was replaced by another, and the time of grace is over. */
    SUPERSEDED,
    /** The key is another one. */
    OTHER
  }

  /** The longest {@link #metadata} in characters. */
  public static final int MAX_METADATA = 16_384;

  private final String id;
  private final KeyHash hash;
  private final @Nullable KeyHash previousHash;
  private final @Nullable Instant previousUntil;
  private final String name;
  private final @Nullable String owner;
  private final @Nullable String team;
  private final Set<Scope> scopes;
  private final ModelAccess models;
  private final LimitSet limits;
  private final @Nullable BigDecimal budgetUsd;
  private final @Nullable String budgetWindow;
  private final @Nullable BigDecimal alertUsd;
  private final List<KeyBudget> furtherBudgets;
  private final List<String> networks;
  private final CidrSet allowed;
  private final @Nullable Instant expiresAt;
  private final Instant createdAt;
  private final @Nullable Instant lastUsedAt;
  private final State state;
  private final String metadata;

  private KeyRecord(Builder builder) {
    id = builder.id;
    hash = builder.hash;
    previousHash = builder.previousHash;
    previousUntil = millis(builder.previousUntil);
    name = builder.name;
    owner = builder.owner;
    team = builder.team;
    scopes = Set.copyOf(builder.scopes);
    models = builder.models;
    limits = builder.limits;
    budgetUsd = builder.budgetUsd;
    budgetWindow = builder.budgetWindow;
    alertUsd = builder.alertUsd;
    furtherBudgets = List.copyOf(builder.furtherBudgets);
    networks = List.copyOf(builder.networks);
    allowed = CidrSet.parse(networks);
    expiresAt = millis(builder.expiresAt);
    createdAt = builder.createdAt.truncatedTo(ChronoUnit.MILLIS);
    lastUsedAt = millis(builder.lastUsedAt);
    state = builder.state;
    metadata = builder.metadata;
    if (id.isBlank()) {
      throw new IllegalArgumentException("a key record needs an id");
    }
    printable("id", id);
    printable("name", name);
    printable("owner", owner);
    printable("team", team);
    if ((previousHash == null) != (previousUntil == null)) {
      throw new IllegalArgumentException("a previous hash and the end of its grace go together");
    }
    if (metadata.length() > MAX_METADATA) {
      throw new IllegalArgumentException(
          "the metadata of a key has more than " + MAX_METADATA + " characters");
    }
    if (budgetUsd != null && budgetUsd.signum() < 0) {
      throw new IllegalArgumentException("a budget is not negative: " + budgetUsd);
    }
    if (alertUsd != null && alertUsd.signum() <= 0) {
      throw new IllegalArgumentException("an alert comes above nothing: " + alertUsd);
    }
  }

  /** These stand in logs and tables, where a control character could forge a line. */
  private static void printable(String what, @Nullable String text) {
    if (text != null && text.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException("the " + what + " of a key has a control character");
    }
  }

  private static @Nullable Instant millis(@Nullable Instant time) {
    return time == null ? null : time.truncatedTo(ChronoUnit.MILLIS);
  }

  /**
   * A builder of an active record with the default scopes, every model, no limits of its own, no
   * budget, any network and no expiry.
   *
   * @param id unique among the records of a store
   * @param hash the hash of the key
   * @param createdAt when the key was made
   */
  public static Builder builder(String id, KeyHash hash, Instant createdAt) {
    return new Builder(id, hash, createdAt);
  }

  /** A builder that starts from this record. */
  public Builder toBuilder() {
    Builder builder = new Builder(id, hash, createdAt);
    builder.previousHash = previousHash;
    builder.previousUntil = previousUntil;
    builder.name = name;
    builder.owner = owner;
    builder.team = team;
    builder.scopes = scopes;
    builder.models = models;
    builder.limits = limits;
    builder.budgetUsd = budgetUsd;
    builder.budgetWindow = budgetWindow;
    builder.alertUsd = alertUsd;
    builder.furtherBudgets = furtherBudgets;
    builder.networks = networks;
    builder.expiresAt = expiresAt;
    builder.lastUsedAt = lastUsedAt;
    builder.state = state;
    builder.metadata = metadata;
    return builder;
  }

  /**
   * What a key of this hash is worth at this moment; the one place that decides it.
   *
   * <p>A record expires at the very moment of {@link #expiresAt}, and grace ends at the very moment
   * of {@link #previousUntil}.
   */
  public Standing standing(KeyHash presented, Instant now) {
    // both comparisons are always made, so that the time taken tells nothing
    boolean current = hash.equals(presented);
    boolean previous = previousHash != null && previousHash.equals(presented);
    if (!current && !previous) {
      return Standing.OTHER;
    }
    if (state == State.REVOKED) {
      return Standing.REVOKED;
    }
    if (state == State.BLOCKED) {
      return Standing.BLOCKED;
    }
    if (expiresAt != null && !now.isBefore(expiresAt)) {
      return Standing.EXPIRED;
    }
    if (!current && previousUntil != null && !now.isBefore(previousUntil)) {
      return Standing.SUPERSEDED;
    }
    return Standing.GOOD;
  }

  /** True while the key that this one replaced still lets its holder in. */
  public boolean inGrace(Instant now) {
    return previousUntil != null && now.isBefore(previousUntil);
  }

  /** True if the key may be used from this address. */
  public boolean allows(InetAddress address) {
    return networks.isEmpty() || allowed.contains(address);
  }

  /** The id, which is no secret. */
  public String id() {
    return id;
  }

  /** The hash of the key. */
  public KeyHash hash() {
    return hash;
  }

  /** The hash of the key that this one replaced, or null. */
  public @Nullable KeyHash previousHash() {
    return previousHash;
  }

  /** Until when the replaced key still lets its holder in, or null. */
  public @Nullable Instant previousUntil() {
    return previousUntil;
  }

  /** The name for people; the id unless another was given. */
  public String name() {
    return name;
  }

  /** To whom the key was given, or null. */
  public @Nullable String owner() {
    return owner;
  }

  /** The team that shares budgets, or null. */
  public @Nullable String team() {
    return team;
  }

  /** What the key may be used for. */
  public Set<Scope> scopes() {
    return scopes;
  }

  /** Which models the key may name. */
  public ModelAccess models() {
    return models;
  }

  /** The key's own limits. */
  public LimitSet limits() {
    return limits;
  }

  /** What the key may spend in each window, in USD, or null without a budget. */
  public @Nullable BigDecimal budgetUsd() {
    return budgetUsd;
  }

  /** The budget's window, such as {@code 1mo}, or null without one. */
  public @Nullable String budgetWindow() {
    return budgetWindow;
  }

  /** From how much spent in the budget's window an alert is given, in USD, or null for none. */
  public @Nullable BigDecimal alertUsd() {
    return alertUsd;
  }

  /** The budgets that hold beside the first one. */
  public List<KeyBudget> furtherBudgets() {
    return furtherBudgets;
  }

  /** The networks from which the key may be used, in CIDR notation; empty for any. */
  public List<String> networks() {
    return networks;
  }

  /** When the key stops letting its holder in, or null for never. */
  public @Nullable Instant expiresAt() {
    return expiresAt;
  }

  /** When the key was made. */
  public Instant createdAt() {
    return createdAt;
  }

  /** When the key was last used, to the nearest batch, or null. */
  public @Nullable Instant lastUsedAt() {
    return lastUsedAt;
  }

  /** Whether the key lets its holder in. */
  public State state() {
    return state;
  }

  /**
   * What an administrator notes about the key, as the text of a JSON object; kept and never looked
   * into. It is no place for secrets: administrators read it.
   */
  public String metadata() {
    return metadata;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KeyRecord that
        && id.equals(that.id)
        && hash.equals(that.hash)
        && Objects.equals(previousHash, that.previousHash)
        && Objects.equals(previousUntil, that.previousUntil)
        && name.equals(that.name)
        && Objects.equals(owner, that.owner)
        && Objects.equals(team, that.team)
        && scopes.equals(that.scopes)
        && models.equals(that.models)
        && limits.equals(that.limits)
        && Objects.equals(budgetUsd, that.budgetUsd)
        && Objects.equals(budgetWindow, that.budgetWindow)
        && Objects.equals(alertUsd, that.alertUsd)
        && furtherBudgets.equals(that.furtherBudgets)
        && networks.equals(that.networks)
        && Objects.equals(expiresAt, that.expiresAt)
        && createdAt.equals(that.createdAt)
        && Objects.equals(lastUsedAt, that.lastUsedAt)
        && state == that.state
        && metadata.equals(that.metadata);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  /** Id, name and state only. */
  @Override
  public String toString() {
    return "KeyRecord[" + id + " " + name + " " + state + "]";
  }

  /** Collects what is kept of a key. Not thread-safe. */
  public static final class Builder {
    private final String id;
    private KeyHash hash;
    private Instant createdAt;
    private @Nullable KeyHash previousHash;
    private @Nullable Instant previousUntil;
    private String name;
    private @Nullable String owner;
    private @Nullable String team;
    private Set<Scope> scopes = Scope.DEFAULTS;
    private ModelAccess models = ModelAccess.ALL;
    private LimitSet limits = LimitSet.CONFIGURED;
    private @Nullable BigDecimal budgetUsd;
    private @Nullable String budgetWindow;
    private @Nullable BigDecimal alertUsd;
    private List<KeyBudget> furtherBudgets = List.of();
    private List<String> networks = List.of();
    private @Nullable Instant expiresAt;
    private @Nullable Instant lastUsedAt;
    private State state = State.ACTIVE;
    private String metadata = "{}";

    private Builder(String id, KeyHash hash, Instant createdAt) {
      this.id = id;
      this.hash = hash;
      this.createdAt = createdAt;
      this.name = id;
    }

    /** The name for people. */
    public Builder name(String value) {
      name = value;
      return this;
    }

    /** To whom the key is given. */
    public Builder owner(@Nullable String value) {
      owner = value;
      return this;
    }

    /** The team that shares budgets. */
    public Builder team(@Nullable String value) {
      team = value;
      return this;
    }

    /** What the key may be used for; {@link Scope#DEFAULTS} unless set. */
    public Builder scopes(Set<Scope> value) {
      scopes = value.isEmpty() ? Set.of() : EnumSet.copyOf(value);
      return this;
    }

    /** Which models the key may name; all unless set. */
    public Builder models(ModelAccess value) {
      models = value;
      return this;
    }

    /** The key's own limits; the configured ones unless set. */
    public Builder limits(LimitSet value) {
      limits = value;
      return this;
    }

    /** What the key may spend in each window; no budget unless set. */
    public Builder budget(@Nullable BigDecimal usd, @Nullable String window) {
      budgetUsd = usd == null ? null : KeyBudget.plain(usd.stripTrailingZeros());
      budgetWindow = window;
      return this;
    }

    /** From how much spent in the budget's window an alert is given; none unless set. */
    public Builder alertUsd(@Nullable BigDecimal usd) {
      alertUsd = usd == null ? null : KeyBudget.plain(usd.stripTrailingZeros());
      return this;
    }

    /** Budgets that hold beside the first one; none unless set. */
    public Builder furtherBudgets(List<KeyBudget> value) {
      furtherBudgets = value;
      return this;
    }

    /** The networks from which the key may be used, in CIDR notation; any unless set. */
    public Builder networks(List<String> value) {
      networks = value;
      return this;
    }

    /** When the key stops letting its holder in; never unless set. */
    public Builder expiresAt(@Nullable Instant value) {
      expiresAt = value;
      return this;
    }

    /** When the key was last used. */
    public Builder lastUsedAt(@Nullable Instant value) {
      lastUsedAt = value;
      return this;
    }

    /** Whether the key lets its holder in; active unless set. */
    public Builder state(State value) {
      state = value;
      return this;
    }

    /**
     * What an administrator notes about the key, as the text of a JSON object of at most {@link
     * #MAX_METADATA} characters; an empty one unless set.
     */
    public Builder metadata(String value) {
      metadata = value;
      return this;
    }

    /** Puts another key in the place of this one, which goes on being good until {@code until}. */
    public Builder replaceKey(KeyHash newHash, Instant until) {
      previousHash = hash;
      previousUntil = until;
      hash = newHash;
      return this;
    }

    /** The key that was replaced, and until when it is good; null for neither. */
    public Builder previous(@Nullable KeyHash replaced, @Nullable Instant until) {
      previousHash = replaced;
      previousUntil = until;
      return this;
    }

    /** Takes the hashes of another record, and the time when that one was made. */
    Builder hashesOf(KeyRecord other) {
      hash = other.hash;
      previousHash = other.previousHash;
      previousUntil = other.previousUntil;
      createdAt = other.createdAt;
      return this;
    }

    /**
     * The record.
     *
     * @throws IllegalArgumentException if something in it is out of its range, or a network is not
     *     in CIDR notation
     */
    public KeyRecord build() {
      return new KeyRecord(this);
    }
  }
}
