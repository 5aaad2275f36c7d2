package io.llmguard.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.Outcome;
import io.llmguard.audit.AuditContent;
import io.llmguard.testkit.LangfuseSchema;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LangfuseTargetTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ACCEPTED = "{\"successes\":[],\"errors\":[]}";

  @TempDir private Path folder;

  @Test
  void sendsBatchesThatTheIngestionApiTakes() throws Exception {
    try (Receiver langfuse = new Receiver(207, ACCEPTED);
        CallbackQueue queue =
            CallbackQueue.to(new LangfuseTarget(langfuse.uri(), "pk-lf-1", "sk-lf-2"), folder)
                .linger(Duration.ofMillis(50))
                .open()) {
      queue.ended(Reports.ok(1));
      queue.ended(Reports.report(2, Outcome.refused("rate-limit"), 429, null));
      List<JsonNode> events = new ArrayList<>();
      while (events.size() < 4) {
        Receiver.Received received = langfuse.await();
        assertThat(received.path()).isEqualTo("/api/public/ingestion");
        assertThat(received.header("Authorization"))
            .isEqualTo(
                "Basic "
                    + Base64.getEncoder()
                        .encodeToString("pk-lf-1:sk-lf-2".getBytes(StandardCharsets.UTF_8)));
        events.addAll(LangfuseSchema.events(received.text()));
      }
      assertThat(events.stream().map(event -> event.get("id").asText()).toList())
          .doesNotHaveDuplicates();
      JsonNode trace = events.get(0).get("body");
      assertThat(trace.get("id").asText()).isEqualTo(Reports.TRACE);
      assertThat(trace.get("userId").asText()).isEqualTo("u1");
      JsonNode generation = events.get(1).get("body");
      assertThat(generation.get("traceId").asText()).isEqualTo(Reports.TRACE);
      assertThat(generation.get("model").asText()).isEqualTo("gemma3:270m");
      assertThat(generation.get("startTime").asText()).isEqualTo("2026-01-01T00:00:00.120Z");
      assertThat(generation.get("endTime").asText()).isEqualTo("2026-01-01T00:00:01.620Z");
      assertThat(generation.get("completionStartTime").asText())
          .isEqualTo("2026-01-01T00:00:00.420Z");
      assertThat(generation.at("/usageDetails/total").asInt()).isEqualTo(86);
      assertThat(generation.at("/costDetails/total").decimalValue())
          .isEqualByComparingTo("0.00012");
      assertThat(generation.get("level").asText()).isEqualTo("DEFAULT");
      assertThat(generation.at("/metadata/promptHash").asText()).isEqualTo("cd".repeat(32));
      JsonNode failed = events.get(3).get("body");
      assertThat(failed.get("level").asText()).isEqualTo("ERROR");
      assertThat(failed.get("statusMessage").asText()).isEqualTo("refused:rate-limit 429");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"batch\":[]}",
        "{\"batch\":[{\"id\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"body\":{}}]}",
        "{\"batch\":[{\"id\":\"a\",\"timestamp\":\"yesterday\",\"type\":\"trace-create\",\"body\":{}}]}",
        "{\"batch\":[{\"id\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"trace-create\","
            + "\"body\":{\"model\":\"m\"}}]}",
        "{\"batch\":[{\"id\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"generation-create\","
            + "\"body\":{\"name\":\"chat\"}}]}",
        "{\"batch\":[{\"id\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"generation-create\","
            + "\"body\":{\"id\":\"g\",\"usageDetails\":{\"input\":-1}}}]}",
        "{\"batch\":[{\"id\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"type\":\"generation-create\","
            + "\"body\":{\"id\":\"g\",\"level\":\"FATAL\"}}]}"
      })
  void theSchemaOfTheseTestsRefusesWhatLangfuseWould(String body) {
    assertThat(LangfuseSchema.faults(body)).isNotEmpty();
  }

  @Test
  void promptsAndAnswersGoOnlyWhereTheReportHasThem() throws Exception {
    LangfuseTarget target =
        new LangfuseTarget(java.net.URI.create("http://127.0.0.1:9"), "pk", "sk");
    assertThat(target.encode(Reports.ok(1))).doesNotContain("\"input\":\"", "\"output\":\"");
    String with =
        target.encode(
            Reports.report(
                1, Outcome.COMPLETED, 200, new AuditContent("user: a fact\n", "The sea.")));
    JsonNode generation = JSON.readTree(with).get(1).get("body");
    assertThat(generation.get("input").asText()).isEqualTo("user: a fact\n");
    assertThat(generation.get("output").asText()).isEqualTo("The sea.");
    assertThat(with).doesNotContain("\n");
  }

  @Test
  void anOutageOfTheServerLosesNothing() throws Exception {
    Receiver before = new Receiver(503, "");
    int port = before.port();
    try (CallbackQueue queue =
        CallbackQueue.to(new LangfuseTarget(before.uri(), "pk", "sk"), folder)
            .linger(Duration.ofMillis(1))
            .retryFirst(Duration.ofMillis(20))
            .retryAtMost(Duration.ofMillis(50))
            .open()) {
      queue.ended(Reports.ok(0));
      before.await();
      before.close();
      for (int i = 1; i < 30; i++) {
        queue.ended(Reports.ok(i));
      }
      try (Receiver after = new Receiver(port, 207, ACCEPTED)) {
        TreeSet<String> calls = new TreeSet<>();
        while (calls.size() < 30) {
          LangfuseSchema.events(after.await().text())
              .forEach(event -> calls.add(event.at("/body/metadata/callId").asText()));
        }
        assertThat(calls.first()).isEqualTo(String.format("%032x", 0));
        assertThat(queue.state().dropped()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404, 429, 500, 503, 302})
  void anAnswerThatMayPassIsTriedAgain(int status) throws Exception {
    try (Receiver langfuse = new Receiver(status, "")) {
      LangfuseTarget target = new LangfuseTarget(langfuse.uri(), "pk", "sk-secret");
      List<String> reports = List.of(target.encode(Reports.ok(1)));
      assertThatThrownBy(() -> target.send(reports))
          .isInstanceOf(CallbackException.class)
          .hasMessage("answered " + status);
    }
  }

  @Test
  void whatItRefusesForGoodIsCountedAndNotTriedAgain() throws Exception {
    try (Receiver langfuse = new Receiver(207, ACCEPTED)) {
      LangfuseTarget target = new LangfuseTarget(langfuse.uri(), "pk", "sk");
      List<String> reports = List.of(target.encode(Reports.ok(1)), target.encode(Reports.ok(2)));
      langfuse.next(207, "{\"successes\":[],\"errors\":[{\"id\":\"x\",\"status\":400}]}");
      assertThat(target.send(reports)).isEqualTo(1);
      langfuse.next(400, "");
      assertThat(target.send(reports)).isEqualTo(2);
      langfuse.next(207, "{\"successes\":[],\"errors\":[{\"id\":\"x\",\"status\":500}]}");
      assertThatThrownBy(() -> target.send(reports)).isInstanceOf(CallbackException.class);
      assertThat(target.send(reports)).isZero();
    }
  }
}
