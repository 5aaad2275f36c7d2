package io.llmguard.callback;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.audit.AuditContent;
import io.llmguard.audit.AuditEvent;
import io.llmguard.callback.internal.Events;
import io.llmguard.callback.internal.HttpPost;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Langfuse, by its OpenTelemetry endpoint ({@code POST /api/public/otel/v1/traces}, OTLP in JSON),
 * which takes the place of the API of {@link LangfuseTarget}.
 *
 * <p>Each call is a span, which is a generation there, under the names that Langfuse reads before
 * the conventions' own; calls of one W3C trace share theirs. The ids come from the call, so that a
 * report that is sent twice is one there. Input and output are only in reports that have content;
 * otherwise the prompt's digest and length stand in the metadata.
 */
public final class LangfuseOtelTarget implements CallbackTarget {
  private static final int MAX_BATCH = 1_000_000;
  private static final int SPAN_ID_DIGITS = 16;
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final int SPAN_KIND_CLIENT = 3;
  private static final int STATUS_ERROR = 2;
  private static final String OBSERVATION = "langfuse.observation.";

  private static final String BEFORE =
      "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\","
          + "\"value\":{\"stringValue\":\"llmguard\"}}]},\"scopeSpans\":[{\"scope\":"
          + "{\"name\":\"io.llmguard\"},\"spans\":[";
  private static final String AFTER = "]}]}]}";

  private final HttpPost post;
  private final Map<String, String> headers;

  /**
   * A project at this host.
   *
   * @param host such as {@code https://cloud.langfuse.com}
   * @param publicKey the project's public key
   * @param secretKey the project's secret key
   */
  public LangfuseOtelTarget(URI host, String publicKey, String secretKey) {
    post = new HttpPost(LangfuseTarget.at(host, "/api/public/otel/v1/traces"));
    headers =
        Map.of(
            "Authorization",
            LangfuseTarget.authorization(publicKey, secretKey),
            "x-langfuse-ingestion-version",
            "4");
  }

  @Override
  public String name() {
    return "langfuse-otel";
  }

  @Override
  public int maxBatchLength() {
    return MAX_BATCH;
  }

  /** The span. */
  @Override
  public String encode(CallReport report) {
    AuditEvent event = report.event();
    Instant end = event.ts().plusMillis(event.duration());
    String operation = report.operation().kind().genAiName();
    ObjectNode span = Events.object();
    span.put("traceId", event.traceId() == null ? event.id() : event.traceId());
    span.put("spanId", event.id().substring(event.id().length() - SPAN_ID_DIGITS));
    span.put("name", operation == null ? "unknown" : operation);
    span.put("kind", SPAN_KIND_CLIENT);
    span.put("startTimeUnixNano", nanos(event.ts()));
    span.put("endTimeUnixNano", nanos(end));
    ArrayNode attributes = span.putArray("attributes");
    trace(attributes, report);
    observation(attributes, report);
    content(attributes, event.content());
    LangfuseTarget.metadata(report)
        .properties()
        .forEach(
            field ->
                text(
                    attributes,
                    OBSERVATION + "metadata." + field.getKey(),
                    field.getValue().asText()));
    if (!report.succeeded()) {
      span.putObject("status").put("code", STATUS_ERROR);
    }
    return Events.line(span);
  }

  /** In OTLP's JSON whole numbers of 64 bits are texts. */
  private static String nanos(Instant time) {
    return Long.toString(Math.multiplyExact(time.toEpochMilli(), NANOS_PER_MILLI));
  }

  private static void trace(ArrayNode attributes, CallReport report) {
    String user = report.user();
    text(attributes, "langfuse.trace.name", "llmguard");
    text(attributes, "langfuse.user.id", user == null ? report.event().caller() : user);
    if (report.team() != null) {
      value(attributes, "langfuse.trace.tags")
          .putObject("arrayValue")
          .putArray("values")
          .addObject()
          .put("stringValue", "team:" + report.team());
    }
  }

  private static void observation(ArrayNode attributes, CallReport report) {
    AuditEvent event = report.event();
    text(attributes, OBSERVATION + "type", "generation");
    text(attributes, "gen_ai.operation.name", report.operation().kind().genAiName());
    text(attributes, OBSERVATION + "model.name", event.model());
    text(attributes, OBSERVATION + "level", report.succeeded() ? "DEFAULT" : "ERROR");
    if (!report.succeeded()) {
      text(
          attributes,
          OBSERVATION + "status_message",
          event.outcome().word() + " " + event.status());
    }
    if (event.timeToFirstToken() != null) {
      text(
          attributes,
          OBSERVATION + "completion_start_time",
          event.ts().plusMillis(event.timeToFirstToken()).toString());
    }
    ObjectNode usage = LangfuseTarget.usage(event);
    if (usage != null) {
      text(attributes, OBSERVATION + "usage_details", Events.line(usage));
    }
    BigDecimal cost = event.costUsd();
    if (cost != null) {
      text(
          attributes,
          OBSERVATION + "cost_details",
          Events.line(Events.object().put("total", cost)));
    }
  }

  private static void content(ArrayNode attributes, @Nullable AuditContent content) {
    if (content != null) {
      text(attributes, OBSERVATION + "input", content.prompt());
      text(attributes, OBSERVATION + "output", content.response());
    }
  }

  private static void text(ArrayNode attributes, String key, @Nullable String text) {
    if (text != null) {
      value(attributes, key).put("stringValue", text);
    }
  }

  private static ObjectNode value(ArrayNode attributes, String key) {
    return attributes.addObject().put("key", key).putObject("value");
  }

  @Override
  public int send(List<String> reports) throws IOException {
    String body = BEFORE + String.join(",", reports) + AFTER;
    HttpResponse<String> answer = post.send(body.getBytes(StandardCharsets.UTF_8), headers);
    int status = answer.statusCode();
    if (status == 400 || status == 413 || status == 422) {
      return reports.size();
    }
    if (status < 200 || status > 299) {
      throw new CallbackException("answered " + status);
    }
    JsonNode partial = Events.read(answer.body()).path("partialSuccess");
    return (int) Math.min(reports.size(), Math.max(0, partial.path("rejectedSpans").asLong()));
  }
}
