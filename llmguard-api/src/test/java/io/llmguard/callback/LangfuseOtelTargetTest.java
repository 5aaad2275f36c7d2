package io.llmguard.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.Outcome;
import io.llmguard.audit.AuditContent;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LangfuseOtelTargetTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  LangfuseOtelTargetTest() {}

  /** The spans of a request, after a look at what OTLP says each must have. */
  private static List<JsonNode> spans(String body) throws IOException {
    JsonNode resources = JSON.readTree(body).get("resourceSpans");
    assertThat(resources).hasSize(1);
    assertThat(attributes(resources.get(0).get("resource")))
        .containsEntry("service.name", "llmguard");
    JsonNode scopes = resources.get(0).get("scopeSpans");
    assertThat(scopes).hasSize(1);
    assertThat(scopes.at("/0/scope/name").asText()).isEqualTo("io.llmguard");
    List<JsonNode> spans = new ArrayList<>();
    scopes.get(0).get("spans").forEach(spans::add);
    for (JsonNode span : spans) {
      assertThat(span.get("traceId").asText()).matches("[0-9a-f]{32}").isNotEqualTo("0".repeat(32));
      assertThat(span.get("spanId").asText()).matches("[0-9a-f]{16}").isNotEqualTo("0".repeat(16));
      assertThat(span.has("parentSpanId")).as("Langfuse wants a root").isFalse();
      BigInteger start = new BigInteger(span.get("startTimeUnixNano").textValue());
      assertThat(new BigInteger(span.get("endTimeUnixNano").textValue()))
          .isGreaterThanOrEqualTo(start);
    }
    return spans;
  }

  private static Map<String, String> attributes(JsonNode of) {
    Map<String, String> attributes = new TreeMap<>();
    for (JsonNode attribute : of.get("attributes")) {
      JsonNode value = attribute.get("value");
      assertThat(value).hasSize(1);
      String text =
          value.has("stringValue")
              ? value.get("stringValue").textValue()
              : value.at("/arrayValue/values/0/stringValue").textValue();
      assertThat(attributes.put(attribute.get("key").textValue(), text)).as("twice").isNull();
    }
    return attributes;
  }

  private static CallbackQueue queue(Receiver langfuse, Path folder) {
    return CallbackQueue.to(new LangfuseOtelTarget(langfuse.uri(), "pk-lf-1", "sk-lf-2"), folder)
        .linger(Duration.ofMillis(50))
        .retryFirst(Duration.ofMillis(20))
        .retryAtMost(Duration.ofMillis(50))
        .open();
  }

  @Test
  void eachCallIsAGenerationUnderTheNamesThatLangfuseReads() throws Exception {
    try (Receiver langfuse = new Receiver(200, "{}");
        CallbackQueue queue = queue(langfuse, folder)) {
      queue.ended(Reports.ok(1));
      queue.ended(Reports.report(2, Outcome.refused("rate-limit"), 429, null));
      List<JsonNode> spans = new ArrayList<>();
      while (spans.size() < 2) {
        Receiver.Received received = langfuse.await();
        assertThat(received.path()).isEqualTo("/api/public/otel/v1/traces");
        assertThat(received.header("Content-Type")).isEqualTo("application/json");
        assertThat(received.header("x-langfuse-ingestion-version")).isEqualTo("4");
        assertThat(received.header("Authorization"))
            .isEqualTo(
                "Basic "
                    + Base64.getEncoder()
                        .encodeToString("pk-lf-1:sk-lf-2".getBytes(StandardCharsets.UTF_8)));
        spans.addAll(spans(received.text()));
      }
      JsonNode span = spans.get(0);
      assertThat(span.get("traceId").asText()).isEqualTo(Reports.TRACE);
      assertThat(span.get("startTimeUnixNano").asText())
          .isEqualTo(Instant.parse("2026-01-01T00:00:00.120Z").toEpochMilli() + "000000");
      assertThat(span.get("endTimeUnixNano").asText())
          .isEqualTo(Instant.parse("2026-01-01T00:00:01.620Z").toEpochMilli() + "000000");
      assertThat(span.has("status")).isFalse();
      Map<String, String> read = attributes(span);
      assertThat(read)
          .containsEntry("langfuse.observation.type", "generation")
          .containsEntry("langfuse.observation.model.name", "gemma3:270m")
          .containsEntry("langfuse.observation.level", "DEFAULT")
          .containsEntry("langfuse.observation.completion_start_time", "2026-01-01T00:00:00.420Z")
          .containsEntry("langfuse.observation.metadata.promptHash", "cd".repeat(32))
          .containsEntry("langfuse.trace.name", "llmguard")
          .containsEntry("langfuse.trace.tags", "team:blue")
          .containsEntry("langfuse.user.id", "u1")
          .doesNotContainKeys("langfuse.observation.input", "langfuse.observation.output");
      JsonNode usage = JSON.readTree(read.get("langfuse.observation.usage_details"));
      assertThat(usage).isEqualTo(JSON.readTree("{\"input\":26,\"output\":60,\"total\":86}"));
      JsonNode cost = JSON.readTree(read.get("langfuse.observation.cost_details"));
      assertThat(cost.get("total").decimalValue()).isEqualByComparingTo("0.00012");
      JsonNode failed = spans.get(1);
      assertThat(failed.get("spanId")).isNotEqualTo(span.get("spanId"));
      assertThat(failed.at("/status/code").asInt()).isEqualTo(2);
      assertThat(attributes(failed))
          .containsEntry("langfuse.observation.level", "ERROR")
          .containsEntry("langfuse.observation.status_message", "refused:rate-limit 429");
    }
  }

  @Test
  void promptsAndAnswersGoOnlyWhereTheReportHasThem() throws Exception {
    LangfuseOtelTarget target =
        new LangfuseOtelTarget(URI.create("http://127.0.0.1:9"), "pk", "sk");
    String with =
        target.encode(
            Reports.report(
                1, Outcome.COMPLETED, 200, new AuditContent("user: a fact\n", "The sea.")));
    assertThat(with).doesNotContain("\n");
    assertThat(attributes(JSON.readTree(with)))
        .containsEntry("langfuse.observation.input", "user: a fact\n")
        .containsEntry("langfuse.observation.output", "The sea.");
  }

  @Test
  void anOutageLosesNothingAndWhatComesTwiceHasTheSameIds() throws Exception {
    try (Receiver langfuse = new Receiver(503, "");
        CallbackQueue queue = queue(langfuse, folder)) {
      queue.ended(Reports.ok(1));
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        spans(langfuse.await().text()).forEach(span -> ids.add(span.get("spanId").asText()));
      }
      langfuse.always(200, "");
      queue.ended(Reports.ok(2));
      while (Stream.of(1, 2).anyMatch(n -> !ids.contains(String.format("%016x", n)))) {
        spans(langfuse.await().text()).forEach(span -> ids.add(span.get("spanId").asText()));
      }
      assertThat(ids).contains(String.format("%016x", 1), String.format("%016x", 2));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 404, 429, 500, 503})
  void anAnswerThatMayPassIsTriedAgain(int status) throws Exception {
    try (Receiver langfuse = new Receiver(status, "")) {
      LangfuseOtelTarget target = new LangfuseOtelTarget(langfuse.uri(), "pk", "sk-planted");
      assertThatThrownBy(() -> target.send(List.of(target.encode(Reports.ok(1)))))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(Integer.toString(status))
          .hasMessageNotContaining("planted");
    }
  }

  @Test
  void whatIsRefusedForGoodIsCounted() throws Exception {
    try (Receiver langfuse = new Receiver(400, "")) {
      LangfuseOtelTarget target = new LangfuseOtelTarget(langfuse.uri(), "pk", "sk");
      List<String> two = List.of(target.encode(Reports.ok(1)), target.encode(Reports.ok(2)));
      assertThat(target.send(two)).isEqualTo(2);
      langfuse.always(200, "{\"partialSuccess\":{\"rejectedSpans\":\"1\",\"errorMessage\":\"x\"}}");
      assertThat(target.send(two)).isEqualTo(1);
      langfuse.always(200, "{}");
      assertThat(target.send(two)).isZero();
    }
  }
}
