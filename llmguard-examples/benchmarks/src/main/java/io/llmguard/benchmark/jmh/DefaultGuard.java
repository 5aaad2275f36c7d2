package io.llmguard.benchmark.jmh;

import io.llmguard.Guard;
import io.llmguard.TimeSource;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.GuardSettings.OnStoreFailure;
import io.llmguard.assembly.GuardSettings.RateLimits;
import io.llmguard.assembly.GuardSettings.RequestLimit;
import io.llmguard.assembly.GuardSettings.TokenLimit;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.audit.JsonLinesAuditSink;
import io.llmguard.benchmark.upstream.Payload;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.budget.MemorySpendLedger;
import io.llmguard.budget.Price;
import io.llmguard.budget.PriceList;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.metrics.LlmGuardMetrics;
import io.llmguard.policy.EndpointCatalogue;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The gateway's guard with everything that it counts turned on and no limit that bites: rates,
 * tokens, calls at once, a budget, metrics, and an audit trail in a temporary directory, which is
 * deleted on closing. It comes with a key that it knows.
 */
final class DefaultGuard implements AutoCloseable {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final RequestLimit HIGH =
      new RequestLimit(1_000_000_000, MINUTE, 1_000_000_000L, false, OnStoreFailure.FAIL_CLOSED);
  private static final TokenLimit MANY_TOKENS =
      new TokenLimit(60_000_000_000L, MINUTE, 60_000_000_000L, false, OnStoreFailure.FAIL_CLOSED);
  private static final Price PRICE =
      new Price(new BigDecimal("0.0000001"), new BigDecimal("0.0000004"), BigDecimal.ZERO);

  /** Calls may come faster than a thread can write, for as long as a trial takes. */
  private static final int AUDIT_PLACES = 1 << 20;

  private final String apiKey;
  private final Path directory;
  private final AuditStage trail;
  private final PrometheusMeterRegistry registry;
  private final MemorySpendLedger ledger;
  private final KeyDirectory keys;
  private final InMemoryRateLimitStore counters;
  private final GuardAssembly assembly;
  private final Guard guard;

  DefaultGuard() {
    TimeSource time = TimeSource.system();
    MemoryKeyStore store = new MemoryKeyStore();
    apiKey = new KeyIssuer(store, time).issue("bench", options -> options).key().reveal();
    keys = KeyDirectory.builder(store).open();
    counters = new InMemoryRateLimitStore(time);
    try {
      directory = Files.createTempDirectory("llmguard-jmh");
      JsonLinesAuditSink sink = JsonLinesAuditSink.builder(directory.resolve("audit.jsonl")).open();
      trail = new AuditStage(AuditQueue.to(sink).capacity(AUDIT_PLACES).build());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Set<String> models =
        Arrays.stream(Payload.values()).map(Payload::model).collect(Collectors.toSet());
    registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    LlmGuardMetrics metrics = new LlmGuardMetrics(registry, () -> models);
    ledger = new MemorySpendLedger(time, ZoneOffset.UTC, 1_000);
    assembly =
        GuardAssembly.builder(settings(directory), keys, counters)
            .observer(trail)
            .observer(metrics)
            .limitListener(metrics)
            .inspectionListener(metrics)
            .budgets(budgets(ledger, metrics))
            .knownModels(models)
            .build();
    guard = assembly.forCalls(EndpointCatalogue.standard());
  }

  private static BudgetStage budgets(MemorySpendLedger ledger, LlmGuardMetrics metrics) {
    Budget ofEachKey =
        Budget.of(BudgetScope.KEY, BudgetWindow.fixed("1d")).usd(new BigDecimal(1_000_000)).build();
    return BudgetStage.builder(ledger)
        .budgets(List.of(ofEachKey))
        .prices(PriceList.all(PRICE))
        .listener(metrics)
        .alerts(metrics)
        .build();
  }

  private static GuardSettings settings(Path directory) {
    GuardSettings plain = GuardSettings.DEFAULTS;
    return new GuardSettings(
        directory,
        null,
        false,
        plain.keyHeaders(),
        plain.jwt(),
        null,
        plain.allowNetworks(),
        plain.denyNetworks(),
        plain.trustedProxies(),
        List.of("127.0.0.1"),
        plain.plainHttp(),
        null,
        new RateLimits(HIGH, HIGH, MANY_TOKENS, Map.of()),
        new GuardSettings.Concurrency(1_000, 10_000, false),
        plain.limits(),
        plain.ceilings(),
        plain.audit(),
        plain.contentGuards());
  }

  Guard guard() {
    return guard;
  }

  String apiKey() {
    return apiKey;
  }

  @Override
  public void close() {
    assembly.retire(null);
    trail.close();
    ledger.close();
    counters.close();
    keys.close();
    registry.close();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
