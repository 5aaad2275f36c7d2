package io.llmguard.budget;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which calls are asked for; null in a part means any.
 *
 * @param since those that came at this moment or later
 * @param until those that came before this moment
 * @param caller those of the caller with this id; an API key's caller has the id of its record
 * @param team those of this team
 * @param user those of this user
 * @param model those that named this model
 */
public record SpendQuery(
    @Nullable Instant since,
    @Nullable Instant until,
    @Nullable String caller,
    @Nullable String team,
    @Nullable String user,
    @Nullable String model) {
  /** Every call. */
  public static final SpendQuery ALL = new SpendQuery(null, null, null, null, null, null);

  /** The same, from this moment on. */
  public SpendQuery since(@Nullable Instant value) {
    return new SpendQuery(value, until, caller, team, user, model);
  }

  /** The same, up to this moment. */
  public SpendQuery until(@Nullable Instant value) {
    return new SpendQuery(since, value, caller, team, user, model);
  }

  /** The same, of one caller. */
  public SpendQuery caller(@Nullable String value) {
    return new SpendQuery(since, until, value, team, user, model);
  }

  /** The same, of one team. */
  public SpendQuery team(@Nullable String value) {
    return new SpendQuery(since, until, caller, value, user, model);
  }

  /** The same, of one user. */
  public SpendQuery user(@Nullable String value) {
    return new SpendQuery(since, until, caller, team, value, model);
  }

  /** The same, of one model. */
  public SpendQuery model(@Nullable String value) {
    return new SpendQuery(since, until, caller, team, user, value);
  }

  boolean matches(SpendEntry entry) {
    return (since == null || !entry.at().isBefore(since))
        && (until == null || entry.at().isBefore(until))
        && (caller == null || caller.equals(entry.who().caller()))
        && (team == null || team.equals(entry.who().team()))
        && (user == null || user.equals(entry.who().user()))
        && (model == null || model.equals(entry.model()));
  }
}
