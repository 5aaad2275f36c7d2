package io.llmguard.budget;

import io.llmguard.key.KeyRecord;
import io.llmguard.limit.ModelNames;
import java.math.BigDecimal;
import java.util.Collection;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What may be spent in a window, by whom.
 *
 * <p>Of two budgets of the same scope, unit and window that count the same calls, the more special
 * one holds: a caller's own before a named one before one for each. Immutable.
 */
public final class Budget {
  private final BudgetScope scope;
  private final BudgetWindow window;
  private final BudgetUnit unit;
  private final long amount;
  private final @Nullable String only;
  private final @Nullable Pattern models;
  private final @Nullable String onlyModels;
  private final @Nullable Long alertAt;
  private final boolean enforced;
  private final String accountBegin;
  private final String accountEnd;

  private Budget(Builder builder) {
    BudgetUnit counted = builder.unit;
    if (counted == null) {
      throw new IllegalArgumentException("a budget needs an amount, in USD or in tokens");
    }
    if (builder.only != null && builder.only.isBlank()) {
      throw new IllegalArgumentException("the name of what a budget is for is blank");
    }
    if (builder.only != null && builder.scope == BudgetScope.GLOBAL) {
      throw new IllegalArgumentException("a budget for everybody is not for " + builder.only);
    }
    scope = builder.scope;
    window = builder.window;
    unit = counted;
    amount = builder.amount;
    only = builder.only;
    onlyModels = builder.onlyModels;
    if (onlyModels != null && scope == BudgetScope.MODEL) {
      throw new IllegalArgumentException("a budget for models says by its name for which");
    }
    String pattern = scope == BudgetScope.MODEL ? only : onlyModels;
    models = pattern == null ? null : ModelNames.pattern(pattern);
    alertAt = builder.alertAt;
    enforced = builder.enforced;
    accountBegin = scope + "|" + unit + "|" + window.id() + "|";
    accountEnd = onlyModels == null ? "" : "|" + Subjects.bounded(ModelNames.plain(onlyModels));
    if (alertAt != null && (alertAt < 1 || alertAt > amount)) {
      throw new IllegalArgumentException("an alert comes between nothing and the whole budget");
    }
  }

  /**
   * True if it is for one key, by id or name, that is none of these, so that it would limit nobody;
   * the master key is always there.
   */
  public boolean isForNoneOf(Collection<KeyRecord> keys) {
    String meant = only;
    return scope == BudgetScope.KEY
        && meant != null
        && !meant.equals("master")
        && keys.stream().noneMatch(key -> key.id().equals(meant) || key.name().equals(meant));
  }

  /** A builder of a budget; it needs an amount. */
  public static Builder of(BudgetScope scope, BudgetWindow window) {
    return new Builder(scope, window);
  }

  /** Whose calls it counts together. */
  public BudgetScope scope() {
    return scope;
  }

  /** Over what time. */
  public BudgetWindow window() {
    return window;
  }

  /** What it counts. */
  public BudgetUnit unit() {
    return unit;
  }

  /** How much may be spent in the window: billionths of a US dollar, or tokens. */
  public long amount() {
    return amount;
  }

  /**
   * The one that it is for: a caller's id or name, a team, a user, or a pattern of models, which
   * are counted together; null for each by itself.
   */
  public @Nullable String only() {
    return only;
  }

  /**
   * Of whose calls it counts only those to models of this pattern, or null for all; a budget for
   * models says so by {@link #only}.
   */
  public @Nullable String onlyModels() {
    return onlyModels;
  }

  /** From how much an alert is given, once in each window, or null for none. */
  public @Nullable Long alertAt() {
    return alertAt;
  }

  /** False if it counts and reports, and refuses nothing. */
  public boolean enforced() {
    return enforced;
  }

  /** True if a model of this name, in its plain form, is counted. */
  boolean matchesModel(String plain) {
    return models == null || models.matcher(plain).matches();
  }

  /** True if a budget for models counts one of this name. */
  public boolean covers(String model) {
    return matchesModel(ModelNames.plain(model));
  }

  /** Under what name spend is counted for this subject; the same in every process. */
  String account(String subject) {
    return accountBegin + Subjects.bounded(subject) + accountEnd;
  }

  /** Scope, amount and window. */
  @Override
  public String toString() {
    return "Budget["
        + scope
        + (only == null ? "" : " " + only)
        + (onlyModels == null ? "" : " for " + onlyModels)
        + ", "
        + (unit == BudgetUnit.USD ? NanoUsd.toUsd(amount).toPlainString() : amount)
        + " "
        + unit
        + ", "
        + window.id()
        + "]";
  }

  /** Collects what a budget is. Not thread-safe. */
  public static final class Builder {
    private final BudgetScope scope;
    private final BudgetWindow window;
    private @Nullable BudgetUnit unit;
    private long amount;
    private @Nullable String only;
    private @Nullable String onlyModels;
    private @Nullable Long alertAt;
    private boolean enforced = true;

    private Builder(BudgetScope scope, BudgetWindow window) {
      this.scope = Objects.requireNonNull(scope);
      this.window = Objects.requireNonNull(window);
    }

    /** So many US dollars, 0 to {@link NanoUsd#MOST}. */
    public Builder usd(BigDecimal value) {
      unit = BudgetUnit.USD;
      amount = NanoUsd.of(value);
      return this;
    }

    /** So many tokens, input and output together; not negative. */
    public Builder tokens(long value) {
      if (value < 0) {
        throw new IllegalArgumentException("a budget is not negative: " + value);
      }
      unit = BudgetUnit.TOKENS;
      amount = value;
      return this;
    }

    /** The one that it is for; each by itself unless set. */
    public Builder only(@Nullable String value) {
      only = value;
      return this;
    }

    /** The models that it counts, of whoever it is for; all unless set. */
    public Builder onlyModels(@Nullable String pattern) {
      onlyModels = pattern;
      return this;
    }

    /** From how much an alert is given, in the amount's unit; none unless set. */
    public Builder alertAt(@Nullable Long value) {
      alertAt = value;
      return this;
    }

    /** False to count and report only; true unless set. */
    public Builder enforced(boolean value) {
      enforced = value;
      return this;
    }

    /**
     * The budget.
     *
     * @throws IllegalArgumentException if it has no amount, or the parts contradict each other
     */
    public Budget build() {
      return new Budget(this);
    }
  }
}
