package io.llmguard.boot;

import io.llmguard.assembly.GuardSettings.OnStoreFailure;
import io.llmguard.assembly.SettingException;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetPeriod;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.BudgetUser;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.budget.NanoUsd;
import io.llmguard.budget.Price;
import io.llmguard.budget.PriceList;
import io.llmguard.budget.SpendLedger;
import io.llmguard.key.KeyRecord;
import io.llmguard.key.KeyStore;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Name;

/**
 * What calls cost and what may be spent, as properties hold it. Null takes the default.
 *
 * @param budgets the budgets that hold for all callers, beside the keys' own
 * @param defaultPrice US dollars for an hour of the LLM server's time; unless set, 0.80 for calls
 *     that a budget in US dollars counts, and nothing for others
 * @param spend how spend is reckoned
 */
public record SpendSettings(List<Item> budgets, @Nullable BigDecimal defaultPrice, Spend spend) {
  /** Copies the list. */
  public SpendSettings {
    budgets = List.copyOf(budgets);
  }

  /**
   * A budget.
   *
   * @param scope whose calls it counts together
   * @param usd how many US dollars may be spent in the window; this or {@code tokens}
   * @param tokens how many tokens may be
   * @param name the one that it is for: a key by its id or name, a team, a user, a pattern of
   *     models; each by itself unless set
   * @param window its length, as {@code 1h}, {@code 1d} or {@code 1mo}; it never begins anew unless
   *     set
   * @param timezone where its days begin; that of {@link Spend} unless set
   * @param rolling true to count what is younger than the window, not what is since its beginning
   * @param alertAt from how much an alert is given, in dollars or tokens as the budget; or null
   * @param shadow true to count and report only
   */
  public record Item(
      @Name("for") BudgetScope scope,
      @Nullable BigDecimal usd,
      @Nullable Long tokens,
      @Nullable String name,
      @Nullable String window,
      @Nullable ZoneId timezone,
      boolean rolling,
      @Nullable BigDecimal alertAt,
      boolean shadow) {}

  /**
   * How spend is reckoned.
   *
   * @param enabled whether it is, and budgets hold; true unless set
   * @param timezone where days and months begin; UTC unless set
   * @param user who the user of a call is; the subject unless set
   * @param outputTokens what a call gets that sets no ceiling; 2,048 unless set
   * @param promptOverhead what a model's template may add to a prompt; 256 unless set
   * @param upstreamTime how long a server may work on a call whose time costs something; 10 min
   *     unless set
   * @param onStoreFailure what happens to calls under a budget while the ledger is out of reach;
   *     they are refused unless set
   */
  public record Spend(
      Boolean enabled,
      ZoneId timezone,
      BudgetUser user,
      Long outputTokens,
      Long promptOverhead,
      Duration upstreamTime,
      OnStoreFailure onStoreFailure) {
    /** Every default. */
    @SuppressWarnings("NullAway") // null is what a binder gives for what is not set
    public static final Spend DEFAULTS = new Spend(null, null, null, null, null, null, null);

    /** Fills in the defaults. */
    public Spend {
      enabled = or(enabled, true);
      timezone = or(timezone, ZoneOffset.UTC);
      user = or(user, BudgetUser.SUBJECT);
      outputTokens = or(outputTokens, BudgetStage.DEFAULT_OUTPUT_TOKENS);
      promptOverhead = or(promptOverhead, BudgetStage.DEFAULT_PROMPT_OVERHEAD);
      upstreamTime = or(upstreamTime, BudgetStage.DEFAULT_UPSTREAM_TIME);
      onStoreFailure = or(onStoreFailure, OnStoreFailure.FAIL_CLOSED);
    }

    private static <T> T or(@Nullable T value, T fallback) {
      return value == null ? fallback : value;
    }
  }

  PriceList prices() {
    BigDecimal hour = defaultPrice;
    return hour == null
        ? PriceList.none()
        : PriceList.all(named("default-price", () -> Price.perHour(hour)));
  }

  /** A stage with these budgets, without prices. */
  BudgetStage.Builder stage(SpendLedger ledger) {
    return BudgetStage.builder(ledger)
        .budgets(made())
        .user(spend.user())
        .outputTokens(checked("spend.output-tokens", spend.outputTokens(), 1))
        .promptOverhead(checked("spend.prompt-overhead", spend.promptOverhead(), 0))
        .upstreamTime(atLeastASecond(spend.upstreamTime()))
        .failOpen(spend.onStoreFailure() == OnStoreFailure.FAIL_OPEN);
  }

  private List<Budget> made() {
    List<Budget> all = new ArrayList<>();
    for (int i = 0; i < budgets.size(); i++) {
      all.add(budget(at(i), budgets.get(i)));
    }
    return all;
  }

  private static String at(int index) {
    return "budgets[" + index + "]";
  }

  private static long checked(String setting, long value, long least) {
    if (value < least) {
      throw new SettingException(setting, "must be at least " + least);
    }
    return value;
  }

  private static Duration atLeastASecond(Duration time) {
    if (time.toMillis() < 1_000) {
      throw new SettingException("spend.upstream-time", "must be at least 1s");
    }
    return time;
  }

  private Budget budget(String setting, Item item) {
    BigDecimal usd = item.usd();
    Long tokens = item.tokens();
    BigDecimal alert = item.alertAt();
    if (item.scope() == null) {
      throw new SettingException(setting + ".for", "is missing: key, team, user, model or global");
    }
    if ((usd == null) == (tokens == null)) {
      throw new SettingException(setting, "needs one of usd and tokens");
    }
    return named(
        setting,
        () -> {
          Budget.Builder budget = Budget.of(item.scope(), window(setting, item));
          if (usd != null) {
            budget.usd(usd);
          } else if (tokens != null) {
            budget.tokens(tokens);
          }
          if (alert != null) {
            budget.alertAt(usd == null ? alert.longValueExact() : NanoUsd.of(alert));
          }
          return budget.only(item.name()).enforced(!item.shadow()).build();
        });
  }

  private BudgetWindow window(String setting, Item item) {
    String length = item.window();
    if (length == null) {
      return BudgetWindow.FOREVER;
    }
    BudgetPeriod period = named(setting + ".window", () -> BudgetPeriod.parse(length));
    ZoneId zone = item.timezone() == null ? spend.timezone() : item.timezone();
    return item.rolling() ? BudgetWindow.rolling(period, zone) : BudgetWindow.fixed(period, zone);
  }

  /**
   * A budget for a key that there is not would limit nobody.
   *
   * @param keys where the keys are, or null where that is unknown
   */
  void refuseUnknownKeys(@Nullable KeyStore keys) {
    if (keys == null || budgets.isEmpty()) {
      return;
    }
    List<KeyRecord> known = keys.list();
    List<Budget> all = made();
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).isForNoneOf(known)) {
        throw new SettingException(at(i) + ".name", "there is no key with this id or name");
      }
    }
  }

  /** What a setting makes; where it makes nothing, the error names it. */
  private static <T> T named(String setting, Supplier<T> made) {
    try {
      return made.get();
    } catch (SettingException e) {
      throw e;
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new SettingException(setting, String.valueOf(e.getMessage()), e);
    }
  }
}
