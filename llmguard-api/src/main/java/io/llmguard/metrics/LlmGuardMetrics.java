package io.llmguard.metrics;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.audit.AuditQueue;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.budget.SpendLedger;
import io.llmguard.inspect.InspectionListener;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.LimitListener;
import io.llmguard.policy.Endpoint;
import io.llmguard.policy.ModelAccess;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.Usage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Measures a guard with Micrometer: a {@link Stage}, best the outermost, which refuses nothing, and
 * a {@link LimitListener} for the limits, a {@link BudgetAlert.Listener} for the budgets and an
 * {@link InspectionListener} for content guards.
 *
 * <p>The meters are {@link MeterName}'s. Their number is bounded whatever callers and upstreams
 * send: a model that is not known is {@code other}. Recording a call of a kind that was seen before
 * looks its meters up without allocating. Thread-safe. The registry stays its owner's.
 */
public final class LlmGuardMetrics
    implements Stage, LimitListener, BudgetAlert.Listener, InspectionListener {
  private static final int MAX_REASONS = 128;
  private static final int MAX_POLICIES = 256;
  private static final int MAX_MODELS = 1000;
  private static final int MAX_FINDINGS = 512;
  private static final String OTHER = "other";
  private static final String NONE = "none";

  private final MeterRegistry registry;
  private final Supplier<? extends Set<String>> knownModels;
  private final AtomicInteger active = new AtomicInteger();
  private final Map<String, Reason> reasons = new ConcurrentHashMap<>();
  private final Map<String, Policy> policies = new ConcurrentHashMap<>();
  private final Map<String, Map<Operation, GenAiMeters>> models = new ConcurrentHashMap<>();
  private final Map<Finding, Counter> findings = new ConcurrentHashMap<>();

  /**
   * Metrics that go to the registry.
   *
   * @param knownModels the names that may stand in a tag, asked for at each call; it must be quick
   */
  public LlmGuardMetrics(MeterRegistry registry, Supplier<? extends Set<String>> knownModels) {
    this.registry = registry;
    this.knownModels = knownModels;
    gauge(MeterName.ACTIVE, active, AtomicInteger::get);
  }

  private <T> void gauge(MeterName name, T of, ToDoubleFunction<T> value) {
    Gauge.builder(name.meter(), of, value).description(name.description()).register(registry);
  }

  /** Measures the audit queue as well. */
  public LlmGuardMetrics bind(AuditQueue queue) {
    gauge(MeterName.AUDIT_QUEUED, queue, q -> q.state().queued());
    gauge(MeterName.AUDIT_RESERVED, queue, q -> q.state().reserved());
    gauge(MeterName.AUDIT_CAPACITY, queue, q -> q.state().capacity());
    gauge(MeterName.AUDIT_UP, queue, q -> q.state().failingSince() == null ? 1 : 0);
    count(MeterName.AUDIT_WRITTEN, queue, q -> q.state().written());
    count(MeterName.AUDIT_FAILURES, queue, q -> q.state().failures());
    count(MeterName.AUDIT_REFUSED, queue, q -> q.state().refused());
    count(MeterName.AUDIT_LOST, queue, q -> q.state().lost());
    return this;
  }

  /** Measures whether the store of these keys answers as well. */
  public LlmGuardMetrics bind(KeyDirectory keys) {
    gauge(MeterName.KEY_STORE_UP, keys, k -> k.health().failures() == 0 ? 1 : 0);
    return this;
  }

  /** Measures whether this ledger answers as well. */
  public LlmGuardMetrics bind(SpendLedger ledger) {
    gauge(MeterName.BUDGET_STORE_UP, ledger, l -> l.available() ? 1 : 0);
    return this;
  }

  private void count(MeterName name, AuditQueue queue, ToDoubleFunction<AuditQueue> value) {
    FunctionCounter.builder(name.meter(), queue, value)
        .description(name.description())
        .register(registry);
  }

  @Override
  public String name() {
    return "metrics";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    active.incrementAndGet();
    return exchange.admit();
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    active.decrementAndGet();
    Endpoint endpoint = exchange.endpoint();
    Operation operation = endpoint == null ? null : endpoint.operation();
    Reason reason = reason(outcome);
    reason.requests(operation, outcome.kind(), exchange.status()).increment();
    if (outcome.kind() == Outcome.Kind.REFUSED) {
      reason.refusals.increment();
    } else if (operation != null && operation.kind().genAiName() != null) {
      record(exchange, operation, outcome);
    }
  }

  private void record(Exchange exchange, Operation operation, Outcome outcome) {
    Call call = exchange.call();
    GenAiMeters meters = genAi(operation, modelTag(call == null ? null : call.model()));
    meters
        .duration(outcome.kind(), exchange.status())
        .record(exchange.durationNanos(), TimeUnit.NANOSECONDS);
    if (call != null && call.stream() && exchange.firstByteNanos() >= 0) {
      meters.firstChunk.record(exchange.firstByteNanos(), TimeUnit.NANOSECONDS);
    }
    Usage usage = exchange.usage();
    if (usage != null && !usage.estimated()) {
      meters.inputTokens.record((double) usage.inputTokens());
      meters.outputTokens.record((double) usage.outputTokens());
    }
  }

  private String modelTag(@Nullable String model) {
    if (model == null) {
      return NONE;
    }
    Set<String> known = knownModels.get();
    if (known.contains(model)) {
      return model;
    }
    String plain = ModelAccess.canonical(model);
    return known.contains(plain) ? plain : OTHER;
  }

  private GenAiMeters genAi(Operation operation, String tag) {
    Map<Operation, GenAiMeters> perModel = models.get(tag);
    String model = tag;
    if (perModel == null) {
      model = models.size() < MAX_MODELS ? tag : OTHER;
      perModel = models.computeIfAbsent(model, m -> new ConcurrentHashMap<>());
    }
    GenAiMeters meters = perModel.get(operation);
    if (meters == null) {
      // the registry gives the same meters to whoever comes second
      meters = new GenAiMeters(registry, operation, model);
      perModel.put(operation, meters);
    }
    return meters;
  }

  private Reason reason(Outcome outcome) {
    String word = outcome.reason() == null ? NONE : outcome.reason();
    Reason reason = reasons.get(word);
    if (reason == null) {
      reason = reasons.computeIfAbsent(reasons.size() < MAX_REASONS ? word : OTHER, Reason::new);
    }
    return reason;
  }

  private final class Reason {
    private final String word;
    private final Counter refusals;
    private final Map<Outcome.Kind, ByStatus> unknown = new ConcurrentHashMap<>();
    private final Map<Operation, Map<Outcome.Kind, ByStatus>> known = new ConcurrentHashMap<>();

    Reason(String word) {
      this.word = word;
      refusals =
          Counter.builder(MeterName.REFUSALS.meter())
              .description(MeterName.REFUSALS.description())
              .tag(MeterTag.REASON.key(), word)
              .register(registry);
    }

    Counter requests(@Nullable Operation operation, Outcome.Kind kind, int status) {
      Map<Outcome.Kind, ByStatus> kinds = operation == null ? unknown : known.get(operation);
      if (kinds == null) {
        kinds = known.computeIfAbsent(operation, o -> new ConcurrentHashMap<>());
      }
      ByStatus counters = kinds.get(kind);
      if (counters == null) {
        String name = operation == null ? "unknown" : wordOf(operation);
        counters = kinds.computeIfAbsent(kind, k -> new ByStatus(wordOf(k), word, name));
      }
      return counters.of(status);
    }
  }

  private final class ByStatus {
    private final String outcome;
    private final String reason;
    private final String operation;
    private final AtomicReferenceArray<@Nullable Counter> counters =
        new AtomicReferenceArray<>(StatusTag.COUNT);

    ByStatus(String outcome, String reason, String operation) {
      this.outcome = outcome;
      this.reason = reason;
      this.operation = operation;
    }

    Counter of(int status) {
      int index = StatusTag.indexOf(status);
      Counter counter = counters.get(index);
      if (counter == null) {
        counter =
            Counter.builder(MeterName.REQUESTS.meter())
                .description(MeterName.REQUESTS.description())
                .tag(MeterTag.OUTCOME.key(), outcome)
                .tag(MeterTag.REASON.key(), reason)
                .tag(MeterTag.STATUS.key(), StatusTag.textOf(index))
                .tag(MeterTag.OPERATION.key(), operation)
                .register(registry);
        counters.set(index, counter);
      }
      return counter;
    }
  }

  private static String wordOf(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private record Finding(String inspector, String kind, Content content, Action action) {}

  @Override
  public void found(String inspector, String kind, Content content, Action action) {
    Finding finding = new Finding(inspector, kind, content, action);
    Counter counter = findings.get(finding);
    if (counter == null) {
      Finding counted =
          findings.size() < MAX_FINDINGS ? finding : new Finding(OTHER, OTHER, content, action);
      counter = findings.computeIfAbsent(counted, this::counter);
    }
    counter.increment();
  }

  private Counter counter(Finding finding) {
    return Counter.builder(MeterName.FINDINGS.meter())
        .description(MeterName.FINDINGS.description())
        .tag(MeterTag.INSPECTOR.key(), finding.inspector)
        .tag(MeterTag.KIND.key(), finding.kind)
        .tag(MeterTag.CONTENT.key(), wordOf(finding.content))
        .tag(MeterTag.ACTION.key(), wordOf(finding.action))
        .register(registry);
  }

  @Override
  public void heard(BudgetAlert alert) {
    Counter.builder(MeterName.BUDGET_ALERTS.meter())
        .description(MeterName.BUDGET_ALERTS.description())
        .tag(MeterTag.SCOPE.key(), wordOf(alert.budget().scope()))
        .tag(MeterTag.UNIT.key(), wordOf(alert.budget().unit()))
        .register(registry)
        .increment();
  }

  @Override
  public void heard(String policy, Event event) {
    Policy meters = policies.get(policy);
    if (meters == null) {
      meters =
          policies.computeIfAbsent(policies.size() < MAX_POLICIES ? policy : OTHER, Policy::new);
    }
    meters.heard(event);
  }

  private final class Policy {
    private final Map<Event, Counter> counters = new EnumMap<>(Event.class);
    private final AtomicInteger up = new AtomicInteger(1);

    Policy(String name) {
      for (Event event : Event.values()) {
        counters.put(
            event,
            Counter.builder(MeterName.LIMITS.meter())
                .description(MeterName.LIMITS.description())
                .tag(MeterTag.POLICY.key(), name)
                .tag(MeterTag.EVENT.key(), wordOf(event))
                .register(registry));
      }
      Gauge.builder(MeterName.LIMIT_STORE_UP.meter(), up, AtomicInteger::get)
          .description(MeterName.LIMIT_STORE_UP.description())
          .tag(MeterTag.POLICY.key(), name)
          .strongReference(true)
          .register(registry);
    }

    void heard(Event event) {
      Counter counter = counters.get(event);
      if (counter != null) {
        counter.increment();
      }
      int state = event == Event.PASSED_UNCHECKED || event == Event.REFUSED_UNCHECKED ? 0 : 1;
      if (up.get() != state) {
        up.set(state);
      }
    }
  }
}
