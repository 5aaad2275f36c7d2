package io.llmguard.examples.gateway.server;

import io.llmguard.Stage;
import io.llmguard.audit.AuditQueue;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.budget.SpendLedger;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.inspect.InspectionListener;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.LimitListener;
import io.llmguard.metrics.LlmGuardMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The gateway's metrics, and the page that shows them to Prometheus. */
final class Metering implements AutoCloseable {
  private static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry;
  private final JvmGcMetrics collections = new JvmGcMetrics();
  private final LlmGuardMetrics metrics;
  private final AnsweredModels answered = new AnsweredModels();

  Metering(GatewayConfig config) {
    registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    new JvmMemoryMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    collections.bindTo(registry);
    Set<String> models =
        config.models().stream().map(Deployment::name).collect(Collectors.toUnmodifiableSet());
    boolean open = models.isEmpty() || models.stream().anyMatch(name -> name.indexOf('*') >= 0);
    metrics = new LlmGuardMetrics(registry, open ? answered::names : () -> models);
  }

  /** What sees every call to its end. */
  List<Stage> stages() {
    // the last is settled first, so that a model is known when its first call is measured
    return List.of(metrics, answered);
  }

  LimitListener limitListener() {
    return metrics;
  }

  BudgetAlert.Listener alertListener() {
    return metrics;
  }

  InspectionListener inspectionListener() {
    return metrics;
  }

  void bind(KeyDirectory keys, SpendLedger ledger, AuditQueue queue) {
    metrics.bind(keys).bind(ledger).bind(queue);
  }

  /** The page; whoever serves it sees to it that only administrators reach it. */
  HttpServlet page() {
    return new Page(registry);
  }

  private static final class Page extends HttpServlet {
    private static final long serialVersionUID = 1L;

    private final transient PrometheusMeterRegistry registry;

    Page(PrometheusMeterRegistry registry) {
      this.registry = registry;
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      response.setContentType(CONTENT_TYPE);
      response.setHeader("Cache-Control", "no-store");
      response.getWriter().write(registry.scrape(CONTENT_TYPE));
    }
  }

  @Override
  public void close() {
    collections.close();
    registry.close();
  }
}
