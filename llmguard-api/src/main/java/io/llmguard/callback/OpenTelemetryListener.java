package io.llmguard.callback;

import io.llmguard.audit.AuditEvent;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongHistogram;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Records each call as a span and in histograms, by OpenTelemetry's conventions for generative AI.
 *
 * <p>The span is named {@code OPERATION MODEL}, of kind CLIENT, from the call's coming to its end,
 * and a child of the caller's own span where {@code traceparent} names one. The metrics are {@code
 * gen_ai.client.operation.duration} and {@code gen_ai.client.token.usage}; a model stands in them
 * only if the call reached an upstream, so that no caller can invent series. Prompts and answers
 * are never recorded. Thread-safe; the {@link OpenTelemetry} stays its owner's.
 */
public final class OpenTelemetryListener implements CallListener {
  private static final String SCOPE = "io.llmguard";
  private static final AttributeKey<String> OPERATION =
      AttributeKey.stringKey("gen_ai.operation.name");
  private static final AttributeKey<String> PROVIDER =
      AttributeKey.stringKey("gen_ai.provider.name");
  private static final AttributeKey<String> MODEL = AttributeKey.stringKey("gen_ai.request.model");
  private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");
  private static final AttributeKey<String> TOKEN_TYPE =
      AttributeKey.stringKey("gen_ai.token.type");
  private static final AttributeKey<Long> INPUT = AttributeKey.longKey("gen_ai.usage.input_tokens");
  private static final AttributeKey<Long> OUTPUT =
      AttributeKey.longKey("gen_ai.usage.output_tokens");
  private static final AttributeKey<Long> STATUS =
      AttributeKey.longKey("http.response.status_code");
  private static final AttributeKey<String> USER = AttributeKey.stringKey("user.id");

  // the buckets that the conventions ask for
  private static final List<Double> SECONDS =
      List.of(
          0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);
  private static final List<Long> TOKENS =
      List.of(
          1L, 4L, 16L, 64L, 256L, 1024L, 4096L, 16384L, 65536L, 262144L, 1048576L, 4194304L,
          16777216L, 67108864L);

  private static final TextMapGetter<String> TRACEPARENT =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(String carrier) {
          return List.of("traceparent");
        }

        @Override
        public @Nullable String get(@Nullable String carrier, String key) {
          return key.equals("traceparent") ? carrier : null;
        }
      };

  private final Tracer tracer;
  private final DoubleHistogram duration;
  private final LongHistogram tokens;

  /** A listener that records with these. */
  public OpenTelemetryListener(OpenTelemetry telemetry) {
    tracer = telemetry.getTracer(SCOPE);
    Meter meter = telemetry.getMeter(SCOPE);
    duration =
        meter
            .histogramBuilder("gen_ai.client.operation.duration")
            .setUnit("s")
            .setDescription("Duration of calls to models")
            .setExplicitBucketBoundariesAdvice(SECONDS)
            .build();
    tokens =
        meter
            .histogramBuilder("gen_ai.client.token.usage")
            .setUnit("{token}")
            .setDescription("Tokens of calls to models")
            .ofLongs()
            .setExplicitBucketBoundariesAdvice(TOKENS)
            .build();
  }

  @Override
  public void ended(CallReport report) {
    AuditEvent event = report.event();
    Attributes common = common(report);
    Context parent = parent(report);
    Span span = span(report, common, parent);
    Context context = parent.with(span);
    duration.record(event.duration() / 1000.0, common, context);
    Long input = event.inputTokens();
    Long output = event.outputTokens();
    if (input != null) {
      tokens.record(input, common.toBuilder().put(TOKEN_TYPE, "input").build(), context);
    }
    if (output != null) {
      tokens.record(output, common.toBuilder().put(TOKEN_TYPE, "output").build(), context);
    }
  }

  private static Attributes common(CallReport report) {
    AuditEvent event = report.event();
    AttributesBuilder attributes =
        Attributes.builder()
            .put(OPERATION, operation(report))
            .put(PROVIDER, report.operation().dialect().name().toLowerCase(Locale.ROOT));
    if (event.upstream() != null && event.model() != null) {
      attributes.put(MODEL, event.model());
    }
    if (!report.succeeded()) {
      // the part behind a colon is a reason of the guard's own
      attributes.put(ERROR, event.outcome().word());
    }
    return attributes.build();
  }

  private static String operation(CallReport report) {
    String name = report.operation().kind().genAiName();
    return name == null ? "unknown" : name;
  }

  private static Context parent(CallReport report) {
    String traceparent = report.traceparent();
    return traceparent == null
        ? Context.root()
        : W3CTraceContextPropagator.getInstance().extract(Context.root(), traceparent, TRACEPARENT);
  }

  private Span span(CallReport report, Attributes common, Context parent) {
    AuditEvent event = report.event();
    String model = common.get(MODEL);
    SpanBuilder builder =
        tracer
            .spanBuilder(operation(report) + (model == null ? "" : " " + model))
            .setSpanKind(SpanKind.CLIENT)
            .setParent(parent)
            .setStartTimestamp(event.ts())
            .setAllAttributes(common)
            .setAttribute(STATUS, (long) event.status())
            .setAttribute("llmguard.call.id", event.id())
            .setAttribute("llmguard.outcome", event.outcome().word());
    if (event.inputTokens() != null) {
      builder.setAttribute(INPUT, event.inputTokens());
    }
    if (event.outputTokens() != null) {
      builder.setAttribute(OUTPUT, event.outputTokens());
    }
    set(builder, USER.getKey(), report.user());
    set(builder, "llmguard.key.id", event.keyId());
    set(builder, "llmguard.team", report.team());
    set(builder, "llmguard.upstream", event.upstream());
    set(builder, "llmguard.prompt.hash", event.promptHash());
    Span span = builder.startSpan();
    if (event.timeToFirstToken() != null) {
      Instant first = event.ts().plusMillis(event.timeToFirstToken());
      span.addEvent("first token", first);
    }
    if (!report.succeeded()) {
      span.setStatus(StatusCode.ERROR);
    }
    span.end(event.ts().plusMillis(event.duration()));
    return span;
  }

  private static void set(SpanBuilder builder, String name, @Nullable String value) {
    if (value != null) {
      builder.setAttribute(name, value);
    }
  }
}
