package io.llmguard.budget;

import io.llmguard.Refusal;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/** Tells a caller which budget is used up, and until when. */
final class Refusals {
  private Refusals() {}

  static Refusal of(Budget budget, Verdict.Refused refused, Instant now) {
    Instant opens = refused.opensAt();
    if (opens != null && !opens.isAfter(now)) {
      return refusal(
          "calls under way may still spend what is left of the budget "
              + whose(budget)
              + "; try again when one has ended",
          1);
    }
    Instant resets = opens == null ? reset(budget, now) : opens;
    String used =
        opens == null
            ? "this call alone may cost more than the whole budget "
                + whose(budget)
                + ": lower its max_tokens, or shorten it"
            : "the budget " + whose(budget) + " is used up";
    if (resets == null) {
      return Refusal.of(429, "budget-exceeded", used + "; it does not reset");
    }
    long millis = now.until(resets, ChronoUnit.MILLIS);
    String verb = budget.window() instanceof BudgetWindow.Rolling ? "has room" : "resets";
    return refusal(
        used + "; it " + verb + " at " + resets.truncatedTo(ChronoUnit.SECONDS),
        Math.max(1, (millis + 999) / 1_000));
  }

  private static @Nullable Instant reset(Budget budget, Instant now) {
    long expires = budget.window().slot(now).expires();
    return expires == Long.MAX_VALUE ? null : Instant.ofEpochMilli(expires);
  }

  private static Refusal refusal(String detail, long seconds) {
    return Refusal.of(429, "budget-exceeded", detail).with("Retry-After", Long.toString(seconds));
  }

  private static String whose(Budget budget) {
    String subject = subject(budget);
    return budget.onlyModels() == null ? subject : subject + " for this model";
  }

  private static String subject(Budget budget) {
    return switch (budget.scope()) {
      case GLOBAL -> "of this server";
      case KEY -> "of this key";
      case TEAM -> "of this team";
      case USER -> "of this user";
      case MODEL -> "of this model";
    };
  }
}
