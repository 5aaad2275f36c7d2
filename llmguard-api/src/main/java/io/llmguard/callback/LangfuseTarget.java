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
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Langfuse, by its ingestion API ({@code POST /api/public/ingestion}), which Langfuse calls
 * deprecated and its cloud no longer has: see {@link LangfuseOtelTarget}.
 *
 * <p>Each call is a generation in a trace; calls of one W3C trace share theirs. The ids come from
 * the call, so that a report that is sent twice is one there. Input and output are only in reports
 * that have content; otherwise the prompt's digest and length stand in the metadata.
 */
public final class LangfuseTarget implements CallbackTarget {
  // the API takes 3.5 MB; a character has up to three bytes, most have one
  private static final int MAX_BATCH = 1_000_000;

  private final HttpPost post;
  private final String authorization;

  /**
   * A project at this host.
   *
   * @param host such as {@code https://cloud.langfuse.com}
   * @param publicKey the project's public key
   * @param secretKey the project's secret key
   */
  public LangfuseTarget(URI host, String publicKey, String secretKey) {
    post = new HttpPost(at(host, "/api/public/ingestion"));
    authorization = authorization(publicKey, secretKey);
  }

  static URI at(URI host, String path) {
    String base = host.toString();
    return URI.create((base.endsWith("/") ? base.substring(0, base.length() - 1) : base) + path);
  }

  static String authorization(String publicKey, String secretKey) {
    String pair = publicKey + ":" + secretKey;
    return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String name() {
    return "langfuse";
  }

  @Override
  public int maxBatchLength() {
    return MAX_BATCH;
  }

  /** The trace and the generation, as a list of two events. */
  @Override
  public String encode(CallReport report) {
    AuditEvent event = report.event();
    AuditContent content = event.content();
    String start = event.ts().toString();
    String traceId = event.traceId() == null ? event.id() : event.traceId();
    ArrayNode events = Events.array();

    ObjectNode trace = event(events, "trace-create", event.id() + "-trace", start);
    trace.put("id", traceId);
    trace.put("timestamp", start);
    trace.put("name", "llmguard");
    Events.put(trace, "userId", report.user() == null ? event.caller() : report.user());
    content(trace, content);
    trace.set("metadata", metadata(report));
    if (report.team() != null) {
      trace.putArray("tags").add("team:" + report.team());
    }

    ObjectNode generation = event(events, "generation-create", event.id() + "-generation", start);
    Instant end = event.ts().plusMillis(event.duration());
    generation.put("id", event.id());
    generation.put("traceId", traceId);
    generation.put("name", report.operation().kind().genAiName());
    generation.put("startTime", start);
    generation.put("endTime", end.toString());
    if (event.timeToFirstToken() != null) {
      generation.put(
          "completionStartTime", event.ts().plusMillis(event.timeToFirstToken()).toString());
    }
    Events.put(generation, "model", event.model());
    content(generation, content);
    ObjectNode usage = usage(event);
    if (usage != null) {
      generation.set("usageDetails", usage);
    }
    BigDecimal cost = event.costUsd();
    if (cost != null) {
      generation.putObject("costDetails").put("total", cost);
    }
    generation.put("level", report.succeeded() ? "DEFAULT" : "ERROR");
    if (!report.succeeded()) {
      generation.put("statusMessage", event.outcome().word() + " " + event.status());
    }
    generation.set("metadata", metadata(report));
    return Events.line(events);
  }

  private static ObjectNode event(ArrayNode events, String type, String id, String timestamp) {
    ObjectNode event = events.addObject();
    event.put("id", id);
    event.put("type", type);
    event.put("timestamp", timestamp);
    return event.putObject("body");
  }

  private static void content(ObjectNode into, @Nullable AuditContent content) {
    if (content != null) {
      Events.put(into, "input", content.prompt());
      Events.put(into, "output", content.response());
    }
  }

  /** The tokens under Langfuse's names, or null where they are not known. */
  static @Nullable ObjectNode usage(AuditEvent event) {
    Long input = event.inputTokens();
    Long output = event.outputTokens();
    return input == null || output == null
        ? null
        : Events.object().put("input", input).put("output", output).put("total", input + output);
  }

  /** What Langfuse has no field of its own for. */
  static ObjectNode metadata(CallReport report) {
    AuditEvent event = report.event();
    ObjectNode metadata = Events.object();
    metadata.put("callId", event.id());
    metadata.put("path", event.path());
    metadata.put("status", event.status());
    metadata.put("outcome", event.outcome().word());
    metadata.put("stream", report.stream());
    metadata.put("retries", event.retries());
    Events.retried(metadata, event);
    Events.put(metadata, "keyId", event.keyId());
    Events.put(metadata, "caller", event.caller());
    Events.put(metadata, "team", report.team());
    Events.put(metadata, "upstream", event.upstream());
    Events.put(metadata, "promptHash", event.promptHash());
    if (event.promptLength() != null) {
      metadata.put("promptLength", event.promptLength());
    }
    if (event.tokensEstimated()) {
      metadata.put("tokensEstimated", true);
    }
    return metadata;
  }

  @Override
  public int send(List<String> reports) throws IOException {
    StringBuilder body = new StringBuilder("{\"batch\":[");
    for (String report : reports) {
      // each is a list of its own
      body.append(body.charAt(body.length() - 1) == '[' ? "" : ",");
      body.append(report, 1, report.length() - 1);
    }
    body.append("]}");
    HttpResponse<String> answer =
        post.send(
            body.toString().getBytes(StandardCharsets.UTF_8),
            Map.of("Authorization", authorization));
    int status = answer.statusCode();
    if (status == 400 || status == 413 || status == 422) {
      return reports.size();
    }
    if (status < 200 || status > 299) {
      throw new CallbackException("answered " + status);
    }
    int lost = 0;
    for (JsonNode error : Events.read(answer.body()).path("errors")) {
      int reason = error.path("status").asInt();
      if (reason >= 500 || reason == 429) {
        // the ids tell there what has come before
        throw new CallbackException("an event was answered " + reason);
      }
      lost++;
    }
    return Math.min(lost, reports.size());
  }
}
