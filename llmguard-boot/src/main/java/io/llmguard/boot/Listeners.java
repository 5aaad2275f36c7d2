package io.llmguard.boot;

import io.llmguard.budget.BudgetAlert;
import io.llmguard.inspect.InspectionListener;
import io.llmguard.limit.LimitListener;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;

/** All beans that listen, as one. */
final class Listeners {
  private Listeners() {}

  static LimitListener ofLimits(ObjectProvider<LimitListener> beans) {
    List<LimitListener> all = beans.orderedStream().toList();
    return (policy, event) -> {
      for (LimitListener one : all) {
        one.heard(policy, event);
      }
    };
  }

  static InspectionListener ofInspections(ObjectProvider<InspectionListener> beans) {
    List<InspectionListener> all = beans.orderedStream().toList();
    return (inspector, kind, content, action) ->
        all.forEach(one -> one.found(inspector, kind, content, action));
  }

  static BudgetAlert.Listener ofAlerts(ObjectProvider<BudgetAlert.Listener> beans) {
    List<BudgetAlert.Listener> all = beans.orderedStream().toList();
    return alert -> all.forEach(one -> one.heard(alert));
  }
}
