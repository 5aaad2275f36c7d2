package io.llmguard.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Outcome;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Over real OTLP: names and values stand in the protobuf as they are. */
class OpenTelemetryTest {
  private static Map<String, String> export(CallReport report) throws Exception {
    Map<String, String> bodies = new TreeMap<>();
    try (Receiver collector = new Receiver(200, "")) {
      try (OtlpExport export =
          new OtlpExport(
              collector.uri(),
              Map.of("Authorization", "Bearer collector"),
              "the-gateway",
              Duration.ofDays(1))) {
        new OpenTelemetryListener(export.telemetry()).ended(report);
      }
      while (bodies.size() < 2) {
        Receiver.Received received = collector.await();
        assertThat(received.header("Authorization")).isEqualTo("Bearer collector");
        assertThat(received.header("Content-Type")).isEqualTo("application/x-protobuf");
        bodies.put(received.path(), received.raw());
      }
    }
    return bodies;
  }

  private static String text(byte[] body) {
    return new String(body, StandardCharsets.ISO_8859_1);
  }

  @Test
  void aCallIsASpanOfItsCallersTraceAndCountedInTheHistograms() throws Exception {
    Map<String, String> bodies = export(Reports.ok(1));
    String spans = bodies.get("/v1/traces");
    assertThat(spans)
        .contains("the-gateway")
        .contains("chat gemma3:270m")
        .contains("gen_ai.operation.name")
        .contains("gen_ai.provider.name")
        .contains("gen_ai.request.model")
        .contains("gen_ai.usage.input_tokens")
        .contains("gen_ai.usage.output_tokens")
        .contains("first token")
        .contains(text(HexFormat.of().parseHex(Reports.TRACE)))
        .contains(text(HexFormat.of().parseHex("00f067aa0ba902b7")));
    assertThat(bodies.get("/v1/metrics"))
        .contains("gen_ai.client.operation.duration")
        .contains("gen_ai.client.token.usage")
        .contains("gen_ai.token.type")
        .contains("gemma3:270m");
  }

  @Test
  void aFailedCallHasAnErrorTypeAndAModelThatNobodyServedIsNoLabel() throws Exception {
    CallReport refused = Reports.report(1, Outcome.refused("model-forbidden"), 403, null);
    CallReport unserved =
        new CallReport(
            withoutUpstream(refused),
            refused.operation(),
            false,
            refused.user(),
            refused.team(),
            null);
    Map<String, String> bodies = export(unserved);
    assertThat(bodies.get("/v1/traces"))
        .contains("error.type")
        .contains("refused:model-forbidden")
        .doesNotContain("gemma3:270m");
    assertThat(bodies.get("/v1/metrics")).doesNotContain("gemma3:270m");
  }

  private static io.llmguard.audit.AuditEvent withoutUpstream(CallReport report) {
    io.llmguard.audit.AuditEvent e = report.event();
    return new io.llmguard.audit.AuditEvent(
        e.ts(),
        e.id(),
        e.apiKey(),
        e.keyId(),
        e.caller(),
        e.ip(),
        e.method(),
        e.path(),
        e.target(),
        e.model(),
        null,
        e.promptHash(),
        e.promptLength(),
        e.duration(),
        e.timeToFirstToken(),
        e.status(),
        e.outcome(),
        e.inputTokens(),
        e.outputTokens(),
        e.tokensEstimated(),
        e.costUsd(),
        e.retries(),
        e.retried(),
        e.traceId(),
        e.content());
  }
}
