package io.llmguard.examples.gateway.config;

import io.llmguard.assembly.Secret;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who is told of calls that have ended.
 *
 * @param content true to report prompts and answers in clear
 * @param hideCaller true to leave out who called
 * @param langfuse Langfuse by its ingestion API, or null
 * @param langfuseOtel Langfuse by its OpenTelemetry endpoint, or null
 * @param otlp an OpenTelemetry collector, or null
 * @param webhook a webhook, or null
 */
public record CallbackSettings(
    boolean content,
    boolean hideCaller,
    @Nullable Langfuse langfuse,
    @Nullable Langfuse langfuseOtel,
    @Nullable Otlp otlp,
    @Nullable Webhook webhook) {
  /** Nobody. */
  public static final CallbackSettings NONE =
      new CallbackSettings(false, false, null, null, null, null);

  /** True if nobody is. */
  public boolean isEmpty() {
    return langfuse == null && langfuseOtel == null && otlp == null && webhook == null;
  }

  /** Of which calls. */
  public record When(boolean success, boolean failure) {}

  /** A project in Langfuse. */
  public record Langfuse(When when, URI host, String publicKey, Secret secretKey) {}

  /** An OpenTelemetry collector that takes OTLP over HTTP. */
  public record Otlp(When when, URI endpoint, Map<String, Secret> headers, String serviceName) {
    /** Copies the map. */
    public Otlp {
      headers = Map.copyOf(headers);
    }

    /** The fields in clear. */
    public Map<String, String> headerValues() {
      Map<String, String> values = new LinkedHashMap<>();
      headers.forEach((name, value) -> values.put(name, value.value()));
      return values;
    }
  }

  /** A webhook and the secret that signs what it gets. */
  public record Webhook(When when, URI url, Secret secret) {}
}
