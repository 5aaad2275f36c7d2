package io.llmguard.examples.gateway.program;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.audit.AuditVerifier;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of calls when the program is told to stop by SIGTERM. */
@Timeout(300)
class StopIT {
  private static final Recording CHAT = Recording.of("chat-stream");
  private static final String KEY = "sk-0123456789abcdef0123456789abcdef";
  private static final String CALLER = "X-Api-Key: " + KEY;

  @TempDir private Path folder = Path.of("");
  private ReplayUpstream upstream;

  @BeforeEach
  void start() {
    upstream = ReplayUpstream.start();
  }

  @AfterEach
  void stop() {
    upstream.close();
  }

  private Program program(String drain) throws Exception {
    Files.writeString(
        folder.resolve("config.yaml"),
        """
        general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}
        llmguard:
          listen: 127.0.0.1:0
          data_dir: data
          upstream: %s
          limits: {drain: %s}
        """
            .formatted(upstream.uri(), drain));
    return Program.in(folder)
        .variable("LITELLM_MASTER_KEY", KEY)
        .start("serve", "--config", "config.yaml");
  }

  /** Asks until the gateway says that it drains; the test's own time-out is what fails it. */
  private static void awaitDraining(int port) throws Exception {
    try (RawHttp client = RawHttp.connect(port)) {
      while (client.get("/health/ready").readHead().status() != 503) {
        client.readBody();
      }
      assertThat(client.readText()).isEqualTo("draining\n");
    }
  }

  private List<JsonNode> calls() throws Exception {
    Path trail = folder.resolve("data/audit.jsonl");
    assertThat(AuditVerifier.verify(trail).problems()).isEmpty();
    List<JsonNode> calls = new ArrayList<>();
    for (String line : Files.readAllLines(trail)) {
      JsonNode node = new ObjectMapper().readTree(line);
      if (!node.has("marker")) {
        calls.add(node);
      }
    }
    return calls;
  }

  @Test
  void aStreamUnderWayEndsWholeAndNewCallsAreRefused() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(3, gate));
    try (Program program = program("10m")) {
      int port = program.port();
      try (RawHttp running = RawHttp.connect(port);
          RawHttp late = RawHttp.connect(port)) {
        running.post("/api/chat", CHAT.bodyText(), CALLER);
        assertThat(running.readHead().status()).isEqualTo(200);
        byte[] first = running.readSome();
        gate.reached().get(20, TimeUnit.SECONDS);
        program.terminate();
        awaitDraining(port);

        late.post("/api/chat", CHAT.bodyText(), CALLER);
        RawHttp.Head refused = late.readHead();
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("Retry-After")).isPresent();
        assertThat(late.readText()).startsWith("{\"error\":");
        assertThat(upstream.requests()).hasSize(1);

        gate.open();
        assertThat(new String(first, StandardCharsets.UTF_8) + running.readText())
            .isEqualTo(CHAT.responseText());
        assertThat(running.end()).isEqualTo(RawHttp.End.COMPLETE);
      }
      assertThat(program.awaitEnd().code()).isEqualTo(143);
    }
    assertThat(calls())
        .extracting(call -> call.get("status").asInt() + " " + call.get("outcome").asText())
        .containsExactly("503 refused:draining", "200 completed");
  }

  @Test
  void aStreamThatGoesOnIsToldOfTheStopAndEndsWithTheProgram() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(3, gate));
    try (Program program = program("1s")) {
      try (RawHttp running = RawHttp.connect(program.port())) {
        running.post("/api/chat", CHAT.bodyText(), CALLER);
        running.readHead();
        running.readSome();
        gate.reached().get(20, TimeUnit.SECONDS);
        program.terminate();
        String[] rest = running.readText().split("\n", -1);
        assertThat(rest[rest.length - 2]).startsWith("{\"error\":");
        upstream.cancelled().get(20, TimeUnit.SECONDS);
      }
      assertThat(program.awaitEnd().code()).isEqualTo(143);
    }
    assertThat(calls())
        .extracting(call -> call.get("outcome").asText())
        .containsExactly("truncated");
  }
}
