package io.llmguard.examples.gateway.config;

import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetPeriod;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.BudgetUser;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.budget.CostExpression;
import io.llmguard.budget.NanoUsd;
import io.llmguard.budget.Price;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads prices and budgets, LiteLLM's and those under {@code llmguard:}. */
final class BudgetReader {
  private BudgetReader() {}

  /** The price in a deployment's {@code litellm_params} or {@code model_info}, or null. */
  static @Nullable Price price(Setting params, @Nullable Setting info) {
    BigDecimal input = amount(params, info, "input_cost_per_token");
    BigDecimal output = amount(params, info, "output_cost_per_token");
    BigDecimal inputSecond = amount(params, info, "input_cost_per_second");
    BigDecimal outputSecond = amount(params, info, "output_cost_per_second");
    BigDecimal cached = amount(params, info, "cache_read_input_token_cost");
    BigDecimal request = amount(params, info, "input_cost_per_request");
    Setting expression = either(params, info, "cost");
    CostExpression cost =
        expression == null
            ? null
            : checked(expression, () -> CostExpression.parse(expression.string()));
    if (Stream.of(input, output, inputSecond, outputSecond, cached, request, cost)
        .allMatch(Objects::isNull)) {
      return null;
    }
    return checked(
        params,
        () ->
            new Price(
                orZero(input),
                cached == null ? orZero(input) : cached,
                orZero(output),
                orZero(inputSecond).add(orZero(outputSecond)),
                orZero(request),
                cost));
  }

  private static BigDecimal orZero(@Nullable BigDecimal value) {
    return value == null ? BigDecimal.ZERO : value;
  }

  private static @Nullable BigDecimal amount(Setting params, @Nullable Setting info, String name) {
    Setting setting = either(params, info, name);
    return setting == null ? null : decimal(setting);
  }

  private static @Nullable Setting either(Setting params, @Nullable Setting info, String name) {
    Setting first = params.get(name);
    Setting second = info == null ? null : info.get(name);
    return first == null ? second : first;
  }

  private static BigDecimal decimal(Setting setting) {
    BigDecimal value;
    try {
      value = new BigDecimal(setting.string().strip());
    } catch (NumberFormatException e) {
      throw setting.error("must be a number such as 0.0000015");
    }
    if (value.signum() < 0 || value.compareTo(NanoUsd.MOST) > 0 || value.scale() > 100) {
      throw setting.error("must be between 0 and a billion");
    }
    return value;
  }

  private static <T> T checked(Setting setting, Supplier<T> made) {
    try {
      return made.get();
    } catch (IllegalArgumentException e) {
      throw setting.error(String.valueOf(e.getMessage()));
    }
  }

  static BudgetSettings read(@Nullable Setting litellm, Setting own) {
    Setting spend = own.get("spend");
    Setting timezone = litellm == null ? null : litellm.get("timezone");
    Setting ownZone = spend == null ? null : spend.get("timezone");
    ZoneId zone = zone(ownZone == null ? timezone : ownZone, ZoneOffset.UTC);
    List<Budget> budgets = new ArrayList<>();
    Setting most = litellm == null ? null : litellm.get("max_budget");
    Setting duration = litellm == null ? null : litellm.get("budget_duration");
    if (most != null) {
      budgets.add(
          Budget.of(BudgetScope.GLOBAL, window(duration, zone, false)).usd(decimal(most)).build());
    }
    Setting list = own.get("budgets");
    if (list != null) {
      for (Setting item : list.list()) {
        budgets.add(budget(item, zone));
      }
    }
    Setting price = own.get("default_price");
    BudgetSettings settings =
        settings(
            budgets,
            most == null ? null : decimal(most),
            price == null ? null : decimal(price),
            zone,
            spend);
    if (price != null) {
      checked(price, () -> Price.perHour(settings.hourlyPrice()));
    }
    return settings;
  }

  private static BudgetSettings settings(
      List<Budget> budgets,
      @Nullable BigDecimal maxBudget,
      @Nullable BigDecimal defaultPrice,
      ZoneId zone,
      @Nullable Setting spend) {
    Setting user = spend == null ? null : spend.get("user");
    Setting output = spend == null ? null : spend.get("output_tokens");
    Setting overhead = spend == null ? null : spend.get("prompt_overhead");
    Setting time = spend == null ? null : spend.get("upstream_time");
    Setting failure = spend == null ? null : spend.get("on_store_failure");
    if (spend != null) {
      spend.refuseUnknown();
    }
    return new BudgetSettings(
        budgets,
        maxBudget,
        defaultPrice,
        zone,
        user == null ? BudgetUser.SUBJECT : user.oneOf(BudgetUser.class),
        output == null ? BudgetStage.DEFAULT_OUTPUT_TOKENS : output.number(1, 1_000_000_000),
        overhead == null ? BudgetStage.DEFAULT_PROMPT_OVERHEAD : overhead.number(0, 1_000_000_000),
        time == null ? BudgetStage.DEFAULT_UPSTREAM_TIME : atLeastASecond(time),
        failure != null && failure.oneOf(OnFailure.class) == OnFailure.FAIL_OPEN);
  }

  private enum OnFailure {
    FAIL_OPEN,
    FAIL_CLOSED
  }

  private static Duration atLeastASecond(Setting setting) {
    Duration time = setting.duration();
    if (time.toMillis() < 1_000) {
      throw setting.error("must be at least 1s");
    }
    return time;
  }

  private static Budget budget(Setting item, ZoneId zone) {
    BudgetScope scope = item.require("for").oneOf(BudgetScope.class);
    Setting usd = item.get("usd");
    Setting tokens = item.get("tokens");
    Setting name = item.get("name");
    Setting rolling = item.get("rolling");
    Setting alert = item.get("alert_at");
    Setting shadow = item.get("shadow");
    if ((usd == null) == (tokens == null)) {
      throw item.error("needs one of usd and tokens");
    }
    BudgetWindow window =
        window(
            item.get("window"),
            zone(item.get("timezone"), zone),
            rolling != null && rolling.bool());
    Budget.Builder budget = Budget.of(scope, window);
    if (usd != null) {
      budget.usd(decimal(usd));
    } else if (tokens != null) {
      budget.tokens(tokens.number(0, Long.MAX_VALUE));
    }
    if (name != null) {
      budget.only(name.string());
    }
    if (alert != null) {
      budget.alertAt(usd == null ? alert.number(1, Long.MAX_VALUE) : NanoUsd.of(decimal(alert)));
    }
    budget.enforced(shadow == null || !shadow.bool());
    item.refuseUnknown();
    return checked(item, budget::build);
  }

  private static BudgetWindow window(@Nullable Setting setting, ZoneId zone, boolean rolling) {
    if (setting == null) {
      return BudgetWindow.FOREVER;
    }
    BudgetPeriod period = checked(setting, () -> BudgetPeriod.parse(setting.string()));
    return rolling ? BudgetWindow.rolling(period, zone) : BudgetWindow.fixed(period, zone);
  }

  private static ZoneId zone(@Nullable Setting setting, ZoneId fallback) {
    if (setting == null) {
      return fallback;
    }
    try {
      return ZoneId.of(setting.string());
    } catch (DateTimeException e) {
      throw setting.error("must be a time zone such as Europe/Berlin or UTC");
    }
  }
}
