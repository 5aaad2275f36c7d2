package io.llmguard.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.inspect.InspectionListener.Action;
import io.llmguard.inspect.InspectionListener.Content;
import io.llmguard.limit.LimitListener;
import io.llmguard.policy.Endpoint;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LlmGuardMetricsTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final ManualTime time = new ManualTime();
  private final LlmGuardMetrics metrics =
      new LlmGuardMetrics(registry, () -> Set.of("mistral", "llama3"));

  private Exchange call(String model, Stage... more) {
    Guard.Builder guard = Guard.builder().time(time).stage(metrics);
    for (Stage stage : more) {
      guard.stage(stage);
    }
    Decision decision =
        guard.build().admit(TestRequest.of("POST", "/api/chat")).toCompletableFuture().join();
    Exchange exchange = ((Decision.Admit) decision).exchange();
    exchange.endpoint(new Endpoint(Operation.OLLAMA_CHAT, null, Endpoint.BodyKind.JSON));
    exchange.call(new Call(Operation.OLLAMA_CHAT, model, true, null, null));
    return exchange;
  }

  private double active() {
    return registry.get("llmguard.requests.active").gauge().value();
  }

  @Test
  void alertsOfBudgetsAreCountedByScopeAndUnit() {
    Budget budget = Budget.of(BudgetScope.TEAM, BudgetWindow.FOREVER).tokens(5).alertAt(4L).build();
    metrics.heard(new BudgetAlert(time.now(), budget, "red", 4));
    metrics.heard(new BudgetAlert(time.now(), budget, "blue", 5));
    assertThat(
            registry
                .get("llmguard.budget.alerts")
                .tags("scope", "team", "unit", "tokens")
                .counter()
                .count())
        .isEqualTo(2);
  }

  @Test
  void aCallIsCountedOnceAndTimedUnderItsModel() {
    Exchange exchange = call("mistral");
    assertThat(active()).isEqualTo(1);
    time.advance(Duration.ofMillis(20));
    exchange.onResponseHead(200, Headers.empty());
    exchange.onResponseBytes(ByteBuffer.wrap(new byte[] {1}));
    time.advance(Duration.ofMillis(30));
    exchange.onComplete(Outcome.COMPLETED);
    assertThat(active()).isZero();
    assertThat(
            registry
                .get("llmguard.requests")
                .tags("outcome", "completed", "reason", "none", "status", "200")
                .tags("operation", "ollama-chat")
                .counter()
                .count())
        .isEqualTo(1);
    assertThat(
            registry
                .get("gen_ai.client.operation.duration")
                .tags("gen_ai.request.model", "mistral", "gen_ai.operation.name", "chat")
                .tags("gen_ai.provider.name", "ollama", "error.type", "none")
                .timer()
                .totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(50);
    assertThat(
            registry
                .get("gen_ai.client.operation.time_to_first_chunk")
                .timer()
                .totalTime(TimeUnit.MILLISECONDS))
        .isEqualTo(20);
  }

  @Test
  void aRefusedCallIsCountedByItsReason() {
    Stage refusing =
        new Stage() {
          @Override
          public String name() {
            return "refusing";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            return exchange.refuse(Refusal.of(429, "rate-limited", "later"));
          }
        };
    Guard.builder()
        .stage(metrics)
        .stage(refusing)
        .build()
        .admit(TestRequest.of("GET", "/"))
        .toCompletableFuture()
        .join();
    assertThat(registry.get("llmguard.refusals").tag("reason", "rate-limited").counter().count())
        .isEqualTo(1);
    assertThat(registry.get("llmguard.requests").tag("status", "429").counter().count())
        .isEqualTo(1);
    assertThat(active()).isZero();
  }

  @Test
  void modelsThatNobodyKnowsAreOneTag() {
    for (int i = 0; i < 500; i++) {
      call("made-up-" + i).onComplete(Outcome.COMPLETED);
    }
    assertThat(registry.find("gen_ai.client.operation.duration").timers()).hasSize(1);
    assertThat(
            registry
                .get("gen_ai.client.operation.duration")
                .tag("gen_ai.request.model", "other")
                .timer()
                .count())
        .isEqualTo(500);
  }

  @Test
  void aModelIsTheSameWithItsDefaultTag() {
    call("mistral:latest").onComplete(Outcome.COMPLETED);
    assertThat(registry.find("gen_ai.client.operation.duration").timers())
        .extracting(timer -> timer.getId().getTag("gen_ai.request.model"))
        .containsExactly("mistral");
  }

  @Test
  void statusesThatAnUpstreamInventsStayBounded() {
    for (int status = 100; status < 1000; status++) {
      Exchange exchange = call("mistral");
      exchange.onResponseHead(status, Headers.empty());
      exchange.onComplete(Outcome.COMPLETED);
    }
    assertThat(registry.find("llmguard.requests").counters()).hasSize(StatusTag.COUNT);
  }

  @Test
  void shadowHitsAndAFailingStoreAreSeen() {
    metrics.heard("per-key", LimitListener.Event.SHADOW_REFUSED);
    assertThat(
            registry
                .get("llmguard.limit.decisions")
                .tags("policy", "per-key", "event", "shadow-refused")
                .counter()
                .count())
        .isEqualTo(1);
    assertThat(registry.get("llmguard.limit.store.up").gauge().value()).isEqualTo(1);
    metrics.heard("per-key", LimitListener.Event.PASSED_UNCHECKED);
    assertThat(registry.get("llmguard.limit.store.up").gauge().value()).isZero();
  }

  @Test
  void everyMeterHasTheTagsThatItsNameDocuments() {
    Exchange exchange = call("mistral");
    exchange.onComplete(Outcome.TIMEOUT);
    metrics.heard("per-key", LimitListener.Event.ADMITTED);
    for (Meter meter : registry.getMeters()) {
      if (meter.getId().getName().endsWith(".histogram")) {
        // the simple registry shows buckets as gauges of their own
        continue;
      }
      MeterName name =
          Arrays.stream(MeterName.values())
              .filter(each -> each.meter().equals(meter.getId().getName()))
              .findFirst()
              .orElseThrow();
      List<String> documented = name.tags().stream().map(MeterTag::key).toList();
      assertThat(meter.getId().getTags())
          .extracting(Tag::getKey)
          .as(meter.getId().getName())
          .containsExactlyInAnyOrderElementsOf(documented);
    }
  }

  @Test
  void findingsAreCountedByInspectorKindAndActionAndAreBounded() {
    metrics.found("secrets", "jwt", Content.PROMPT, Action.REDACTED);
    metrics.found("secrets", "jwt", Content.PROMPT, Action.REDACTED);
    metrics.found("secrets", "jwt", Content.RESPONSE, Action.SHADOWED);
    assertThat(
            registry
                .get("llmguard.content.findings")
                .tags("inspector", "secrets", "kind", "jwt")
                .tags("content", "prompt", "action", "redacted")
                .counter()
                .count())
        .isEqualTo(2);
    for (int i = 0; i < 2_000; i++) {
      metrics.found("mine", "kind-" + i, Content.PROMPT, Action.REFUSED);
    }
    assertThat(registry.get("llmguard.content.findings").counters().size()).isLessThan(520);
    assertThat(
            registry
                .get("llmguard.content.findings")
                .tags("inspector", "other", "kind", "other")
                .counter()
                .count())
        .isGreaterThan(1_000);
  }
}
