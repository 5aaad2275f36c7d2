package io.llmguard.callback;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporterBuilder;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * OpenTelemetry's own exporters to a collector, over OTLP and HTTP with protobuf.
 *
 * <p>They batch, retry and drop what they cannot hold as the SDK does. Closing sends what is left,
 * for at most ten seconds. Thread-safe.
 */
public final class OtlpExport implements AutoCloseable {
  private final OpenTelemetrySdk sdk;

  /**
   * Exporters to a collector.
   *
   * @param endpoint the base URL, such as {@code http://localhost:4318}; {@code /v1/traces} and
   *     {@code /v1/metrics} go behind it
   * @param headers fields that every request carries, such as a credential
   * @param serviceName the {@code service.name} of what is sent
   * @param metricsEvery how often metrics are sent
   */
  public OtlpExport(
      URI endpoint, Map<String, String> headers, String serviceName, Duration metricsEvery) {
    String text = endpoint.toString();
    String base = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    Resource resource =
        Resource.getDefault()
            .merge(
                Resource.create(
                    Attributes.of(AttributeKey.stringKey("service.name"), serviceName)));
    OtlpHttpSpanExporterBuilder spans =
        OtlpHttpSpanExporter.builder().setEndpoint(base + "/v1/traces");
    OtlpHttpMetricExporterBuilder metrics =
        OtlpHttpMetricExporter.builder().setEndpoint(base + "/v1/metrics");
    headers.forEach(
        (name, value) -> {
          spans.addHeader(name, value);
          metrics.addHeader(name, value);
        });
    sdk =
        OpenTelemetrySdk.builder()
            .setTracerProvider(
                SdkTracerProvider.builder()
                    .setResource(resource)
                    .addSpanProcessor(BatchSpanProcessor.builder(spans.build()).build())
                    .build())
            .setMeterProvider(
                SdkMeterProvider.builder()
                    .setResource(resource)
                    .registerMetricReader(
                        PeriodicMetricReader.builder(metrics.build())
                            .setInterval(metricsEvery)
                            .build())
                    .build())
            .build();
  }

  /** What listeners record with. */
  public OpenTelemetry telemetry() {
    return sdk;
  }

  @Override
  public void close() {
    sdk.shutdown().join(10, TimeUnit.SECONDS);
  }
}
