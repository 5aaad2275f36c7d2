package io.llmguard.boot;

import io.llmguard.Stage;
import io.llmguard.TimeSource;
import io.llmguard.assembly.DataDirectory;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.audit.AuditStage;
import io.llmguard.auth.Authenticator;
import io.llmguard.budget.BudgetStage;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inspect.InspectionListener;
import io.llmguard.inspect.PromptInspector;
import io.llmguard.inspect.ResponseInspector;
import io.llmguard.key.KeyLookup;
import io.llmguard.key.KeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitListener;
import io.llmguard.limit.RateLimitStore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** What guards are made of. */
@Lazy
@Configuration(proxyBeanMethods = false)
class AssemblyConfiguration {
  private static final Logger log = LoggerFactory.getLogger(AssemblyConfiguration.class);

  /** The counters, in this process unless the application shares them. */
  @Bean
  @ConditionalOnMissingBean(RateLimitStore.class)
  InMemoryRateLimitStore llmGuardCounters() {
    return new InMemoryRateLimitStore(TimeSource.system());
  }

  /** The audit trail. */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnProperty(
      prefix = SettingsBinder.PREFIX,
      name = "audit.enabled",
      havingValue = "true",
      matchIfMissing = true)
  AuditStage llmGuardAudit(DataDirectory directory) {
    return directory.make().openAudit();
  }

  /** The assembly. */
  @Bean
  @ConditionalOnMissingBean
  GuardAssembly llmGuardAssembly(
      GuardSettings settings,
      SpendSettings spend,
      KeyLookup keys,
      RateLimitStore counters,
      ObjectProvider<AuditStage> audit,
      ObjectProvider<LimitListener> listeners,
      ObjectProvider<BudgetStage> budgets,
      ObjectProvider<KeyStore> store,
      ObjectProvider<Authenticator> authenticators,
      ObjectProvider<PromptInspector> promptInspectors,
      ObjectProvider<ResponseInspector> responseInspectors,
      ObjectProvider<InspectionListener> inspectionListeners,
      ObjectProvider<GuardAssembly.Customizer> customizers) {
    GuardAssembly.Builder assembly = GuardAssembly.builder(settings, keys, counters);
    audit.ifAvailable(assembly::observer);
    // what counts calls hears limits as well
    listeners
        .orderedStream()
        .filter(Stage.class::isInstance)
        .map(Stage.class::cast)
        .forEach(assembly::observer);
    assembly.limitListener(Listeners.ofLimits(listeners));
    BudgetStage stage = budgets.getIfAvailable();
    if (stage == null) {
      warnOfBudgets(store.getIfUnique());
    } else {
      assembly.budgets(stage).budgetZone(spend.spend().timezone());
    }
    authenticators.orderedStream().forEach(assembly::authenticator);
    promptInspectors.orderedStream().forEach(assembly::promptInspector);
    responseInspectors.orderedStream().forEach(assembly::responseInspector);
    assembly.inspectionListener(Listeners.ofInspections(inspectionListeners));
    customizers.orderedStream().forEach(assembly::customizer);
    return assembly.build();
  }

  private static void warnOfBudgets(@Nullable KeyStore store) {
    if (store != null && store.list().stream().anyMatch(key -> key.budgetUsd() != null)) {
      log.warn(
          "there are keys with a budget, which has no effect: llmguard.spend.enabled is false");
    }
  }

  /** The guard around the calls that the application makes itself. */
  @Bean(destroyMethod = "")
  @ConditionalOnMissingBean
  InProcessGuard llmGuardInProcess(GuardAssembly assembly) {
    // what it shares with the guard is closed there
    return assembly.forOwnCalls();
  }
}
