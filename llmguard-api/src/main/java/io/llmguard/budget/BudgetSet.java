package io.llmguard.budget;

import io.llmguard.auth.Caller;
import io.llmguard.limit.ModelNames;
import io.llmguard.upstream.ModelReach;
import io.llmguard.wire.Call;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
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

  /**
   * A budget that counts a call, and for whom.
   *
   * @param groups the names of those deployments whose part of the call it counts, or null for all
   */
  record Applied(Budget budget, String subject, @Nullable Set<String> groups) {
    /** True if it counts what these deployments have used. */
    boolean counts(@Nullable String group) {
      return groups == null || group == null || groups.contains(group);
    }

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

  /**
   * The budgets that count a call.
   *
   * @param models those that may answer it, the one that it asks for first
   */
  List<Applied> of(@Nullable Caller caller, Call call, List<ModelReach.Model> models) {
    if (isEmpty() && (caller == null || caller.budgets().isEmpty())) {
      return List.of();
    }
    Map<String, Applied> found = new LinkedHashMap<>();
    Consumer<Budget> add =
        budget -> {
          if (budget.scope() == BudgetScope.MODEL) {
            addModels(found, budget, call.model(), models);
          } else {
            String subject = subject(budget, caller, call);
            Set<String> groups =
                budget.onlyModels() == null ? null : groups(budget, call.model(), models);
            if (subject != null && (groups == null || !groups.isEmpty())) {
              found.put(budget.account(subject), new Applied(budget, subject, groups));
            }
          }
        };
    each.forEach(add);
    named.forEach(add);
    if (caller != null) {
      caller.budgets().forEach(add);
    }
    return List.copyOf(found.values());
  }

  /** A budget of models counts the call's part at each of its models, by whatever name it goes. */
  private static void addModels(
      Map<String, Applied> found,
      Budget budget,
      @Nullable String written,
      List<ModelReach.Model> models) {
    String only = budget.only();
    for (int i = 0; i < models.size(); i++) {
      if (counts(budget, written, models, i)) {
        ModelReach.Model model = models.get(i);
        String subject = ModelNames.plain(only == null ? model.name() : only);
        found.merge(
            budget.account(subject),
            new Applied(budget, subject, Set.of(model.group())),
            (known, more) -> new Applied(budget, subject, both(known.groups(), more.groups())));
      }
    }
  }

  private static Set<String> groups(
      Budget budget, @Nullable String written, List<ModelReach.Model> models) {
    Set<String> groups = new HashSet<>();
    for (int i = 0; i < models.size(); i++) {
      if (counts(budget, written, models, i)) {
        groups.add(models.get(i).group());
      }
    }
    return Set.copyOf(groups);
  }

  /** True if the budget counts the model by its one name, or by the one that the call uses. */
  private static boolean counts(
      Budget budget, @Nullable String written, List<ModelReach.Model> models, int at) {
    return budget.covers(models.get(at).name())
        || (at == 0 && written != null && budget.covers(written));
  }

  private static @Nullable Set<String> both(
      @Nullable Set<String> one, @Nullable Set<String> other) {
    if (one == null || other == null) {
      return null;
    }
    Set<String> all = new HashSet<>(one);
    all.addAll(other);
    return Set.copyOf(all);
  }

  private @Nullable String subject(Budget budget, @Nullable Caller caller, Call call) {
    String only = budget.only();
    switch (budget.scope()) {
      case GLOBAL -> {
        return "";
      }
      case MODEL -> throw new IllegalArgumentException("a call may count for several models");
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
