package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.audit.AuditReport;
import io.llmguard.audit.AuditVerifier;
import io.llmguard.examples.gateway.Main;
import io.llmguard.testkit.Recording;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GatewayTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder = Path.of("");

  @Test
  void theFirstKeyOpensTheDoorAndNothingElseDoes() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      Path keyFile = gateway.data().resolve("first-key.txt");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keyFile)))
          .isEqualTo("rw-------");
      String key = gateway.firstKey();
      HttpResponse<String> streamed =
          gateway.post("/api/chat", CHAT, "Authorization", "Bearer " + key);
      assertThat(streamed.statusCode()).isEqualTo(200);
      assertThat(streamed.body()).isEqualTo(Recording.of("chat-stream").responseText());

      HttpResponse<String> without = gateway.post("/api/chat", CHAT);
      assertThat(without.statusCode()).isEqualTo(401);
      assertThat(without.headers().firstValue("WWW-Authenticate"))
          .hasValueSatisfying(challenge -> assertThat(challenge).startsWith("Bearer realm="));
      assertThat(gateway.post("/api/chat", CHAT, "X-Api-Key", "sk-wrong").statusCode())
          .isEqualTo(401);
      assertThat(gateway.get("/api/tags?key=" + key).statusCode()).isEqualTo(401);
    }
  }

  @Test
  void theSeventhOfSevenCallsAtOnceIs429WithRetryAfter() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      String key = gateway.firstKey();
      List<CompletableFuture<HttpResponse<String>>> calls = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        calls.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return gateway.post("/api/chat", CHAT, "X-Api-Key", key);
                  } catch (Exception e) {
                    throw new AssertionError(e);
                  }
                }));
      }
      List<HttpResponse<String>> answers = calls.stream().map(CompletableFuture::join).toList();
      assertThat(answers).filteredOn(answer -> answer.statusCode() == 200).hasSize(6);
      assertThat(answers)
          .filteredOn(answer -> answer.statusCode() == 429)
          .singleElement()
          .satisfies(
              answer ->
                  assertThat(answer.headers().firstValueAsLong("Retry-After").orElse(0))
                      .isBetween(1L, 6L));
    }
  }

  @Test
  void eachCallIsOneLineWithTheGuidesFieldsAndAnEditedLineIsFound() throws Exception {
    Path file;
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      String key = gateway.firstKey();
      gateway.post("/api/chat", CHAT, "X-Api-Key", key);
      gateway.post("/api/chat", CHAT);
      gateway.get("/api/tags", "X-Api-Key", key);
      file = gateway.auditFile();
    }
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSizeGreaterThanOrEqualTo(3);
    JsonNode first = JSON.readTree(lines.get(0));
    assertThat(first.fieldNames())
        .toIterable()
        .contains(
            "ts", "apiKey", "ip", "model", "promptHash", "promptLength", "duration", "status");
    assertThat(first.get("model").asText()).isEqualTo("gemma3:270m");
    assertThat(first.get("promptLength").asInt()).isEqualTo("user: Tell me a fact".length());
    assertThat(first.get("inputTokens").asInt()).isEqualTo(26);
    assertThat(first.get("outputTokens").asInt()).isEqualTo(60);
    assertThat(JSON.readTree(lines.get(1)).get("outcome").asText())
        .isEqualTo("refused:no-credential");
    assertThat(AuditVerifier.verify(file).intact()).isTrue();

    Files.writeString(
        file, Files.readString(file).replaceFirst("\"status\":401", "\"status\":200"));
    AuditReport report = AuditVerifier.verify(file);
    assertThat(report.problems())
        .singleElement()
        .satisfies(
            problem -> {
              assertThat(problem.line()).isEqualTo(2);
              assertThat(problem.kind()).isEqualTo(AuditReport.Kind.CHANGED);
            });
    assertThat(
            new CommandLine(Main.commandLine().getCommandSpec())
                .execute("audit", "verify", file.toString()))
        .isEqualTo(Main.FOUND);
  }

  @Test
  void contentIsKeptOnlyWhereTheOperatorAsksForIt() throws Exception {
    Path file;
    try (RunningGateway gateway =
        RunningGateway.start(folder, RunningGateway.settings("audit: {content: true}"))) {
      gateway.post("/api/chat", CHAT, "X-Api-Key", gateway.firstKey());
      file = gateway.auditFile();
    }
    JsonNode line = JSON.readTree(Files.readAllLines(file).get(0));
    assertThat(line.get("prompt").asText()).isEqualTo("user: Tell me a fact");
    assertThat(line.get("response").asText())
        .startsWith("Tell me a fact about the sea.")
        .endsWith("a fact about the");
    assertThat(AuditVerifier.verify(file).intact()).isTrue();
  }

  @Test
  void noSecretAndNoPromptReachesTheTrail() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      String key = gateway.firstKey();
      String planted = "planted-7f3a-secret";
      gateway.post(
          "/api/chat", CHAT.replace("Tell me a fact", planted), "Authorization", "Bearer " + key);
      gateway.post("/api/chat", "{\"model\":\"" + planted, "Authorization", "Bearer " + key);
      gateway.post("/api/chat?api_key=" + planted, CHAT, "Authorization", "Bearer " + planted);
      gateway.stop();
      for (String line : gateway.auditLines()) {
        assertThat(line).doesNotContain(planted).doesNotContain(key);
      }
    }
  }

  @Test
  void modelsMasterKeyAndAliasesOfLiteLlmsFileAreTaken() throws Exception {
    String yaml =
        """
        model_list:
          - model_name: "moltbot-llm"
            litellm_params:
              model: "ollama/gemma3:270m"
              api_base: "${UPSTREAM}"
        general_settings:
          master_key: "sk-0123456789abcdef0123456789abcdef"
        llmguard:
          listen: 127.0.0.1:0
          data_dir: ${DATA}
          rate_limits: {per_key: {requests: 100, per: 1m, burst: 50}, per_ip: {requests: 100, per: 1m, burst: 50}}
          allow_networks: [127.0.0.0/8]
          trusted_proxies: [127.0.0.1]
          audit: {file: trail.jsonl}
        """;
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.data().resolve("first-key.txt")).doesNotExist();
      String[] key = {"Authorization", "Bearer sk-0123456789abcdef0123456789abcdef"};
      String chat = CHAT.replace("gemma3:270m", "moltbot-llm");
      HttpResponse<String> answer = gateway.post("/api/chat", chat, key);
      assertThat(answer.body())
          .isEqualTo(
              Recording.of("chat-stream").responseText().replace("gemma3:270m", "moltbot-llm"));
      assertThat(gateway.get("/api/tags", key).body())
          .contains("moltbot-llm")
          .doesNotContain("gemma3:270m");
      assertThat(gateway.get("/v1/models", key).body())
          .contains("moltbot-llm")
          .doesNotContain("gemma3:270m");
      assertThat(gateway.post("/api/chat", CHAT, key).statusCode()).isEqualTo(404);
      assertThat(gateway.auditFile()).isEqualTo(folder.resolve("trail.jsonl"));
      // the trusted proxy's word, walked from the right
      gateway.get("/api/tags", "X-Forwarded-For", "203.0.113.9, 198.51.100.7");
      String last = lastLine(gateway);
      assertThat(JSON.readTree(last).get("ip").asText()).isEqualTo("198.51.100.7");
      assertThat(JSON.readTree(last).get("status").asInt()).isEqualTo(403);
    }
  }

  /** The last line, once every call so far has its own. */
  private static String lastLine(RunningGateway gateway) throws Exception {
    gateway.stop();
    List<String> calls =
        gateway.auditLines().stream().filter(line -> line.contains("\"status\"")).toList();
    return calls.get(calls.size() - 1);
  }

  @Test
  void aSpoofedAddressFromAnUntrustedPeerIsNotBelieved() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      gateway.get("/api/tags", "X-Forwarded-For", "10.0.1.5");
      assertThat(JSON.readTree(lastLine(gateway)).get("ip").asText()).isEqualTo("127.0.0.1");
    }
  }

  @Test
  void aKeyMadeByTheCommandIsKnownToARunningGatewayAndBlockedByIt() throws Exception {
    String yaml =
        RunningGateway.settings(
            "rate_limits: {per_key: {requests: 9999, per: 1s, burst: 9999},"
                + " per_ip: {requests: 9999, per: 1s, burst: 9999}}");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      Path config = folder.resolve("cli.yaml");
      Files.writeString(config, "llmguard: {data_dir: " + gateway.data() + "}\n");
      JsonNode made = JSON.readTree(run("key", "create", "--name", "x", "--json", config));
      String[] key = {"X-Api-Key", made.get("key").asText()};
      awaitStatus(gateway, 200, key);
      run("key", "block", made.get("id").asText(), config);
      awaitStatus(gateway, 401, key);
    }
  }

  private static String run(Object... args) {
    java.io.StringWriter out = new java.io.StringWriter();
    List<String> all = new ArrayList<>();
    for (int i = 0; i < args.length - 1; i++) {
      all.add(args[i].toString());
    }
    all.add("--config");
    all.add(args[args.length - 1].toString());
    int code =
        Main.commandLine()
            .setOut(new java.io.PrintWriter(out, true))
            .execute(all.toArray(String[]::new));
    assertThat(code).isZero();
    return out.toString();
  }

  /** Calls until the status is there; the test's own time-out is what fails it. */
  private static void awaitStatus(RunningGateway gateway, int status, String... headers)
      throws Exception {
    long deadline = System.nanoTime() + 10_000_000_000L;
    int seen = 0;
    while (System.nanoTime() < deadline && seen != status) {
      seen = gateway.get("/api/version", headers).statusCode();
    }
    assertThat(seen).isEqualTo(status);
  }

  @Test
  void metricsAreForAdministratorsAndHealthForEverybody() throws Exception {
    String yaml =
        "general_settings: {master_key: sk-0123456789abcdef0123456789abcdef}\n"
            + RunningGateway.settings("");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.get("/health/live").body()).isEqualTo("ok\n");
      assertThat(gateway.get("/health/ready").statusCode()).isEqualTo(200);
      assertThat(gateway.get("/metrics").statusCode()).isEqualTo(401);
      HttpResponse<String> metrics =
          gateway.get("/metrics", "X-Api-Key", "sk-0123456789abcdef0123456789abcdef");
      assertThat(metrics.statusCode()).isEqualTo(200);
      assertThat(metrics.body()).contains("llmguard_requests_total");
    }
  }

  @Test
  void modelsThatTheUpstreamAnswersForAreToldApartInMetrics() throws Exception {
    String yaml =
        "general_settings: {master_key: sk-0123456789abcdef0123456789abcdef}\n"
            + RunningGateway.settings("");
    String[] key = {"X-Api-Key", "sk-0123456789abcdef0123456789abcdef"};
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      gateway.post("/api/chat", CHAT, key);
      gateway.post("/api/chat", CHAT.replace("gemma3:270m", "invented"), key);
      String metrics = gateway.get("/metrics", key).body();
      assertThat(metrics)
          .contains("gen_ai_request_model=\"gemma3:270m\"", "gen_ai_request_model=\"other\"")
          .doesNotContain("invented");
    }
  }

  @Test
  void aFirstKeyIsNoAdministrator() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      String[] key = {"X-Api-Key", gateway.firstKey()};
      assertThat(gateway.get("/metrics", key).statusCode()).isEqualTo(403);
      assertThat(gateway.post("/api/pull", "{\"model\":\"x\"}", key).statusCode()).isEqualTo(403);
    }
  }

  @Test
  void administrationOnAListenerOfItsOwnIsNotOnTheOther() throws Exception {
    String yaml =
        "general_settings: {master_key: sk-0123456789abcdef0123456789abcdef}\n"
            + RunningGateway.settings("admin_listen: 127.0.0.1:0");
    String[] key = {"X-Api-Key", "sk-0123456789abcdef0123456789abcdef"};
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(gateway.get("/metrics", key).statusCode()).isEqualTo(404);
      HttpRequest.Builder metrics =
          HttpRequest.newBuilder(URI.create(gateway.adminUrl() + "/metrics"));
      assertThat(gateway.send(metrics, key).statusCode()).isEqualTo(200);
      HttpRequest.Builder chat =
          HttpRequest.newBuilder(URI.create(gateway.adminUrl() + "/api/tags"));
      assertThat(gateway.send(chat, key).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void aForeignHostIsRefused() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      URI uri = URI.create(gateway.url());
      try (var socket = new java.net.Socket(uri.getHost(), uri.getPort())) {
        socket
            .getOutputStream()
            .write(
                "GET /api/tags HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII));
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(answer).startsWith("HTTP/1.1 421");
      }
    }
  }

  @Test
  void listeningBeyondLoopbackInClearIsRefusedAtStart() {
    assertThatThrownBy(
            () ->
                RunningGateway.start(
                    folder, "llmguard: {listen: 0.0.0.0:0, upstream: \"${UPSTREAM}\"}\n"))
        .isInstanceOf(Main.UserError.class)
        .hasMessageContaining("llmguard.tls");
  }
}
