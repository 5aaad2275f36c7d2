package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdminTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MASTER = "sk-0123456789abcdef0123456789abcdef";
  private static final String[] ADMIN = {
    "Authorization", "Bearer " + MASTER, "Content-Type", "application/json"
  };
  private static final String GENEROUS =
      "rate_limits: {per_key: {requests: 9999, per: 1s, burst: 9999},"
          + " per_ip: {requests: 9999, per: 1s, burst: 9999}}\n";

  @TempDir private Path folder = Path.of("");

  private RunningGateway start(String more) throws Exception {
    return RunningGateway.start(
        folder,
        "general_settings: {master_key: "
            + MASTER
            + "}\n"
            + RunningGateway.settings(GENEROUS + more));
  }

  private static JsonNode json(HttpResponse<String> answer) throws Exception {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  @Test
  void aLiteLlmScriptMakesAKeyAndUsesItAtOnce() throws Exception {
    try (RunningGateway gateway = start("")) {
      JsonNode made =
          json(
              gateway.post(
                  "/key/generate",
                  "{\"models\":[\"gemma3:*\"],\"duration\":\"20m\",\"rpm_limit\":2,"
                      + "\"metadata\":{\"user\":\"ishaan@berri.ai\"}}",
                  ADMIN));
      String[] key = {"Authorization", "Bearer " + made.get("key").asText()};
      assertThat(gateway.post("/api/chat", CHAT, key).statusCode()).isEqualTo(200);
      assertThat(
              gateway.post("/api/chat", CHAT.replace("gemma3:270m", "llama3.2"), key).statusCode())
          .isEqualTo(403);
      JsonNode info =
          json(gateway.get("/key/info?key=" + made.get("token").asText(), ADMIN)).get("info");
      assertThat(info.get("rpm_limit").asInt()).isEqualTo(2);
      assertThat(json(gateway.get("/admin/key/list", ADMIN)).get("total_count").asInt())
          .isEqualTo(1);
      assertThat(
              json(gateway.post(
                      "/key/delete", "{\"keys\":[\"" + made.get("key").asText() + "\"]}", ADMIN))
                  .get("deleted_keys"))
          .hasSize(1);
      assertThat(gateway.post("/api/chat", CHAT, key).statusCode()).isEqualTo(401);
      assertThat(json(gateway.get("/model/info", ADMIN)).at("/data/0/model_name").asText())
          .isEqualTo("*");
      assertThat(json(gateway.get("/health", ADMIN)).get("healthy_count").asInt()).isEqualTo(1);
      assertThat(json(gateway.get("/openapi.json", ADMIN)).get("openapi").asText())
          .isEqualTo("3.1.0");
      assertThat(gateway.get("/health/ready").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void anAdminCallIsALineThatNamesTheKeyAndHoldsNoSecret() throws Exception {
    try (RunningGateway gateway = start("")) {
      JsonNode made = json(gateway.post("/key/generate", "{}", ADMIN));
      String key = made.get("key").asText();
      gateway.post("/key/" + key + "/regenerate", "{}", ADMIN);
      gateway.post("/key/" + key + "/regenerate", "{}");
      gateway.get("/key/info?key=" + key, ADMIN);
      gateway.stop();
      assertThat(gateway.auditLines()).noneMatch(line -> line.contains(key));
      JsonNode first = JSON.readTree(gateway.auditLines().get(0));
      assertThat(first.get("path").asText()).isEqualTo("/key/generate");
      assertThat(first.get("target")).isEqualTo(made.get("id"));
      assertThat(first.get("caller").asText()).isEqualTo("master key");
    }
  }

  @Test
  void administrationIsOnItsOwnListenerOnlyWhereThereIsOne() throws Exception {
    try (RunningGateway gateway = start("admin_listen: 127.0.0.1:0\n")) {
      assertThat(gateway.post("/key/generate", "{}", ADMIN).statusCode()).isEqualTo(404);
      assertThat(gateway.get("/admin/key/list", ADMIN).statusCode()).isEqualTo(404);
      HttpRequest.Builder generate =
          HttpRequest.newBuilder(URI.create(gateway.adminUrl() + "/key/generate"))
              .POST(BodyPublishers.ofString("{}"));
      assertThat(gateway.send(generate, ADMIN).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aBodyBeyondTheBoundIsRefusedBeforeItIsSent() throws Exception {
    try (RunningGateway gateway = start("")) {
      URI uri = URI.create(gateway.url());
      try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
        socket
            .getOutputStream()
            .write(
                ("POST /key/generate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        + "Authorization: Bearer "
                        + MASTER
                        + "\r\nContent-Type: application/json\r\nContent-Length: 999999\r\n\r\n{")
                    .getBytes(StandardCharsets.US_ASCII));
        String answer = new String(socket.getInputStream().readNBytes(12), StandardCharsets.UTF_8);
        assertThat(answer).isEqualTo("HTTP/1.1 413");
      }
      // sent in chunks, so that nothing announces its length
      HttpRequest.Builder chunked =
          HttpRequest.newBuilder(URI.create(gateway.url() + "/key/generate"))
              .POST(
                  BodyPublishers.ofInputStream(
                      () -> new java.io.ByteArrayInputStream(new byte[70_000])));
      assertThat(gateway.send(chunked, ADMIN).statusCode()).isEqualTo(413);
    }
  }

  @Test
  void theMasterKeyIsLimitedOnAListenerOfItsOwnToo() throws Exception {
    String yaml =
        "general_settings: {master_key: "
            + MASTER
            + "}\n"
            + RunningGateway.settings(
                """
                admin_listen: 127.0.0.1:0
                rate_limits: {per_key: {requests: 1, per: 1h, burst: 1}}
                """);
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      for (int status : new int[] {200, 200, 429}) {
        HttpRequest.Builder metrics =
            HttpRequest.newBuilder(URI.create(gateway.adminUrl() + "/metrics"));
        assertThat(gateway.send(metrics, "X-Api-Key", MASTER).statusCode()).isEqualTo(status);
      }
    }
  }
}
