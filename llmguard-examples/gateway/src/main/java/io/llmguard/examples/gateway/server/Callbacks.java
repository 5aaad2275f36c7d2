package io.llmguard.examples.gateway.server;

import io.llmguard.Stage;
import io.llmguard.audit.RecordedContent;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.callback.CallListener;
import io.llmguard.callback.CallbackQueue;
import io.llmguard.callback.CallbackStage;
import io.llmguard.callback.CallbackTarget;
import io.llmguard.callback.LangfuseOtelTarget;
import io.llmguard.callback.LangfuseTarget;
import io.llmguard.callback.OpenTelemetryListener;
import io.llmguard.callback.OtlpExport;
import io.llmguard.callback.WebhookTarget;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.CallbackSettings;
import io.llmguard.examples.gateway.config.CallbackSettings.When;
import io.llmguard.examples.gateway.config.GatewayConfig;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The configured callbacks, the stage that tells them of calls, and who tells them of alerts. */
final class Callbacks {
  private static final int LARGEST_CONTENT = 64 * 1024;
  private static final Duration METRICS_EVERY = Duration.ofSeconds(60);

  private final @Nullable Stage stage;
  private final BudgetAlert.Listener alerts;

  private Callbacks(@Nullable Stage stage, BudgetAlert.Listener alerts) {
    this.stage = stage;
    this.alerts = alerts;
  }

  /** The stage, or null where nothing is configured. */
  @Nullable Stage stage() {
    return stage;
  }

  /** Sends budgets' alerts to the webhook, where there is one. */
  BudgetAlert.Listener alerts() {
    return alerts;
  }

  /** What is configured; what it needs is closed with the resources. */
  static Callbacks open(GatewayConfig config, Resources resources) {
    CallbackSettings settings = config.callbacks();
    if (settings.isEmpty()) {
      return new Callbacks(null, BudgetAlert.Listener.NONE);
    }
    BudgetAlert.Listener alerts = BudgetAlert.Listener.NONE;
    CallbackStage.Builder stage = CallbackStage.builder().hideCaller(settings.hideCaller());
    if (settings.content()) {
      stage.content(new RecordedContent(LARGEST_CONTENT));
    }
    Path spool = config.guard().dataDir().resolve("callbacks");
    CallbackSettings.Langfuse langfuse = settings.langfuse();
    if (langfuse != null) {
      String secret = langfuse.secretKey().value();
      CallbackTarget target = new LangfuseTarget(langfuse.host(), langfuse.publicKey(), secret);
      listen(stage, langfuse.when(), queue(target, spool, resources));
    }
    CallbackSettings.Langfuse otel = settings.langfuseOtel();
    if (otel != null) {
      String secret = otel.secretKey().value();
      CallbackTarget target = new LangfuseOtelTarget(otel.host(), otel.publicKey(), secret);
      listen(stage, otel.when(), queue(target, spool, resources));
    }
    CallbackSettings.Webhook webhook = settings.webhook();
    if (webhook != null) {
      CallbackQueue queue =
          queue(new WebhookTarget(webhook.url(), webhook.secret().value()), spool, resources);
      listen(stage, webhook.when(), queue);
      alerts = settings.hideCaller() ? alert -> queue.heard(alert.anonymous()) : queue;
    }
    CallbackSettings.Otlp otlp = settings.otlp();
    if (otlp != null) {
      OtlpExport export =
          resources.open(
              new OtlpExport(
                  otlp.endpoint(), otlp.headerValues(), otlp.serviceName(), METRICS_EVERY));
      listen(stage, otlp.when(), new OpenTelemetryListener(export.telemetry()));
    }
    return new Callbacks(stage.build(), alerts);
  }

  private static void listen(CallbackStage.Builder stage, When when, CallListener listener) {
    if (when.success()) {
      stage.onSuccess(listener);
    }
    if (when.failure()) {
      stage.onFailure(listener);
    }
  }

  private static CallbackQueue queue(CallbackTarget target, Path spool, Resources resources) {
    try {
      return resources.open(CallbackQueue.to(target, spool).open());
    } catch (UncheckedIOException e) {
      throw new Main.UserError("callbacks cannot be kept in " + spool.toAbsolutePath(), e);
    }
  }
}
