package io.llmguard.budget;

import io.llmguard.auth.Caller;
import io.llmguard.limit.ModelNames;
import io.llmguard.wire.Call;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds the budgets that count a call. */
final class BudgetSet {
  private final List<Budget> each = new ArrayList<>();
  private final List<Budget> named = new ArrayList<>();
  private final BudgetUser user;

  BudgetSet(Collection<Budget> budgets, BudgetUser user, Collection<String> knownModels) {
    this.user = user;
    for (Budget budget : budgets) {
      (budget.only() == null ? each : named).add(budget);
      boolean unmatched =
          budget.scope() == BudgetScope.MODEL
              && !knownModels.isEmpty()
              && knownModels.stream().noneMatch(budget::covers);
      if (unmatched) {
        throw new IllegalArgumentException(
            "the budget for models \"" + budget.only() + "\" matches none of the known models");
      }
    }
  }

  /** A budget that counts a call, and for whom. */
  record Applied(Budget budget, String subject) {
    Hold hold(long costNanoUsd, long tokens) {
      long amount = budget.unit() == BudgetUnit.USD ? costNanoUsd : tokens;
      return new Hold(
          budget.account(subject),
          budget.unit(),
          budget.window(),
          budget.amount(),
          amount,
          budget.enforced());
    }
  }

  boolean isEmpty() {
    return each.isEmpty() && named.isEmpty();
  }

  String userOf(Caller caller, Call call) {
    return user.of(caller, call);
  }

  List<Applied> of(@Nullable Caller caller, Call call) {
    if (isEmpty() && (caller == null || caller.budgets().isEmpty())) {
      return List.of();
    }
    Map<String, Applied> found = new LinkedHashMap<>();
    each.forEach(budget -> add(found, budget, caller, call));
    named.forEach(budget -> add(found, budget, caller, call));
    if (caller != null) {
      caller.budgets().forEach(budget -> add(found, budget, caller, call));
    }
    return List.copyOf(found.values());
  }

  private void add(Map<String, Applied> found, Budget budget, @Nullable Caller caller, Call call) {
    String subject = subject(budget, caller, call);
    if (subject != null) {
      found.put(budget.account(subject), new Applied(budget, subject));
    }
  }

  private @Nullable String subject(Budget budget, @Nullable Caller caller, Call call) {
    String only = budget.only();
    switch (budget.scope()) {
      case GLOBAL -> {
        return "";
      }
      case MODEL -> {
        String model = call.model();
        String plain = model == null ? "" : ModelNames.plain(model);
        return budget.matchesModel(plain) ? (only == null ? plain : ModelNames.plain(only)) : null;
      }
      case KEY -> {
        if (caller == null) {
          return null;
        }
        boolean meant = only == null || only.equals(caller.id()) || only.equals(caller.getName());
        return meant ? caller.id() : null;
      }
      case TEAM -> {
        String team = caller == null ? null : caller.team();
        return only == null || only.equals(team) ? team : null;
      }
      case USER -> {
        String name = caller == null ? null : user.of(caller, call);
        return only == null || only.equals(name) ? name : null;
      }
    }
    return null;
  }
}
