package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** Content guards in a whole gateway, over real sockets. */
@Timeout(120)
class ContentGuardsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KEY = "sk-0123456789abcdef0123456789abcdef";
  private static final String[] AUTH = {"X-Api-Key", KEY};
  private static final String PLANTED = "planted.person@example.com";
  private static final String CARD = "4111 1111 1111 1111";

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

  private RunningGateway gateway(String guards, String more) throws Exception {
    return RunningGateway.start(
        folder,
        """
        general_settings: {master_key: %s}
        llmguard:
          listen: 127.0.0.1:0
          data_dir: ${DATA}
          upstream: %s
          rate_limits:
            per_key: {requests: 1000, per: 1s, burst: 1000}
            per_ip: {requests: 1000, per: 1s, burst: 1000}
          content_guards: {%s}
        %s
        """
            .formatted(KEY, upstream.uri(), guards, more.indent(2)));
  }

  private static String chat(String text, boolean stream) {
    return "{\"model\":\"m\",\"stream\":"
        + stream
        + ",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\""
        + text
        + "\"}]}";
  }

  private static final String[] PATHS = {"/api/chat", "/v1/chat/completions", "/v1/messages"};

  /** The answer of each dialect to a chat, in one piece. */
  private static Answer once(String path, String text) {
    String body =
        switch (path) {
          case "/api/chat" ->
              "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\""
                  + text
                  + "\"},\"done\":true,\"prompt_eval_count\":5,\"eval_count\":7}";
          case "/v1/messages" ->
              "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\""
                  + text
                  + "\"}],\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}";
          default ->
              "{\"choices\":[{\"index\":0,\"message\":{\"content\":\""
                  + text
                  + "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}";
        };
    return Answer.plain("application/json", body);
  }

  /** The same as a stream, a chunk for each character. */
  private static Answer stream(String path, String text) {
    Answer answer =
        Answer.stream(path.startsWith("/api/") ? "application/x-ndjson" : "text/event-stream");
    for (String piece : text.split("", -1)) {
      answer =
          answer.chunk(
              switch (path) {
                case "/api/chat" ->
                    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\""
                        + piece
                        + "\"},\"done\":false}\n";
                case "/v1/messages" ->
                    "event: content_block_delta\n"
                        + "data: {\"type\":\"content_block_delta\",\"index\":0,"
                        + "\"delta\":{\"type\":\"text_delta\",\"text\":\""
                        + piece
                        + "\"}}\n\n";
                default ->
                    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\""
                        + piece
                        + "\"}}]}\n\n";
              });
    }
    return answer
        .chunk(
            switch (path) {
              case "/api/chat" ->
                  "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"prompt_eval_count\":5,\"eval_count\":7}\n";
              case "/v1/messages" ->
                  "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":"
                      + "{\"input_tokens\":5,\"output_tokens\":7}}\n\n"
                      + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
              default -> "data: [DONE]\n\n";
            })
        .endChunks();
  }

  private static String said(String body) throws Exception {
    StringBuilder text = new StringBuilder();
    for (String line : body.split("\n", -1)) {
      String json = line.startsWith("data: ") ? line.substring(6) : line;
      if (!json.startsWith("{")) {
        continue;
      }
      JsonNode node = JSON.readTree(json);
      text.append(node.at("/message/content").asText())
          .append(node.at("/choices/0/delta/content").asText())
          .append(node.at("/delta/text").asText());
    }
    return text.toString();
  }

  private List<JsonNode> audit(RunningGateway gateway) throws Exception {
    gateway.stop();
    List<JsonNode> lines = new ArrayList<>();
    for (String line : gateway.auditLines()) {
      JsonNode node = JSON.readTree(line);
      if (node.path("method").asText().equals("POST")) {
        lines.add(node);
      }
    }
    return lines;
  }

  private static String metrics(RunningGateway gateway) throws Exception {
    return gateway.get("/metrics", AUTH).body();
  }

  // ---- prompts

  @ParameterizedTest
  @ValueSource(strings = {"/api/chat", "/v1/chat/completions", "/v1/messages"})
  void aPromptIsRefusedInItsDialectAndNeverSent(String path) throws Exception {
    try (RunningGateway gateway = gateway("personal_data: {prompts: refuse}", "")) {
      HttpResponse<String> answer = gateway.post(path, chat("I am " + PLANTED, false), AUTH);
      assertThat(answer.statusCode()).isEqualTo(400);
      assertThat(answer.body()).contains("personal-data", "email").doesNotContain("planted");
      JsonNode error = JSON.readTree(answer.body()).get("error");
      assertThat(path.startsWith("/api/") ? error.isTextual() : error.isObject()).isTrue();
      assertThat(upstream.requests()).isEmpty();
      assertThat(metrics(gateway))
          .contains(
              "llmguard_content_findings_total{action=\"refused\",content=\"prompt\","
                  + "inspector=\"personal-data\",kind=\"email\"} 1.0");
      List<JsonNode> lines = audit(gateway);
      assertThat(lines).hasSize(1);
      assertThat(lines.get(0).get("outcome").asText())
          .isEqualTo("refused:content-personal-data-email");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPromptIsRedactedBeforeItIsSent(boolean stream) throws Exception {
    try (RunningGateway gateway =
        gateway("personal_data: {prompts: redact}", "ceilings: {output_tokens: 20}")) {
      for (String path : PATHS) {
        upstream.enqueue(stream ? stream(path, "fine") : once(path, "fine"));
        HttpResponse<String> answer =
            gateway.post(path, chat("I am \\u0070lanted.person@example.com!", stream), AUTH);
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode sent = JSON.readTree(upstream.takeRequest().body().bytes());
        assertThat(sent.at("/messages/0/content").asText()).isEqualTo("I am [email]!");
        assertThat(sent.get("model").asText()).isEqualTo("m");
      }
    }
  }

  @Test
  void inShadowModePromptsAndAnswersPassAndAreCounted() throws Exception {
    try (RunningGateway gateway =
        gateway(
            "personal_data: {prompts: shadow, responses: shadow, kinds: [email, payment-card]}",
            "")) {
      for (String path : PATHS) {
        for (boolean stream : new boolean[] {false, true}) {
          upstream.enqueue(stream ? stream(path, "no. " + CARD) : once(path, "no. " + CARD));
          HttpResponse<String> answer = gateway.post(path, chat("I am " + PLANTED, stream), AUTH);
          assertThat(answer.statusCode()).isEqualTo(200);
          assertThat(stream ? said(answer.body()) : answer.body()).contains("no. " + CARD);
          assertThat(new String(upstream.takeRequest().body().bytes(), StandardCharsets.UTF_8))
              .contains(PLANTED);
        }
      }
      assertThat(metrics(gateway))
          .contains(
              "llmguard_content_findings_total{action=\"shadowed\",content=\"prompt\","
                  + "inspector=\"personal-data\",kind=\"email\"} 6.0")
          .contains(
              "llmguard_content_findings_total{action=\"shadowed\",content=\"response\","
                  + "inspector=\"personal-data\",kind=\"payment-card\"} 6.0");
      assertThat(audit(gateway)).allMatch(line -> line.get("outcome").asText().equals("completed"));
    }
  }

  // ---- answers

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anAnswerIsRedacted(boolean stream) throws Exception {
    try (RunningGateway gateway = gateway("personal_data: {responses: redact}", "")) {
      for (String path : PATHS) {
        String text = "card " + CARD + " of " + PLANTED;
        upstream.enqueue(stream ? stream(path, text) : once(path, text));
        HttpResponse<String> answer = gateway.post(path, chat("hi", stream), AUTH);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).doesNotContain("planted", "1111");
        assertThat(stream ? said(answer.body()) : answer.body())
            .contains("card [payment-card] of [email]");
      }
      assertThat(metrics(gateway))
          .contains(
              "llmguard_content_findings_total{action=\"redacted\",content=\"response\","
                  + "inspector=\"personal-data\",kind=\"email\"} 3.0");
      for (JsonNode line : audit(gateway)) {
        assertThat(line.get("outcome").asText()).isEqualTo("completed");
        assertThat(line.get("status").asInt()).isEqualTo(200);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/api/chat", "/v1/chat/completions", "/v1/messages"})
  void aWholeAnswerIsRefusedInItsDialectAndPaidFor(String path) throws Exception {
    try (RunningGateway gateway = gateway("personal_data: {responses: refuse}", "")) {
      upstream.enqueue(once(path, "it is " + PLANTED));
      HttpResponse<String> answer = gateway.post(path, chat("hi", false), AUTH);
      assertThat(answer.statusCode()).isEqualTo(403);
      assertThat(answer.body()).contains("personal-data", "email").doesNotContain("planted");
      JsonNode error = JSON.readTree(answer.body()).get("error");
      assertThat(path.startsWith("/api/") ? error.isTextual() : error.isObject()).isTrue();
      JsonNode line = audit(gateway).get(0);
      assertThat(line.get("outcome").asText()).isEqualTo("refused:content-personal-data-email");
      assertThat(line.get("status").asInt()).isEqualTo(403);
      assertThat(line.get("inputTokens").asInt()).isEqualTo(5);
      assertThat(line.get("outputTokens").asInt()).isEqualTo(7);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/api/chat", "/v1/chat/completions", "/v1/messages"})
  void aStreamThatIsRefusedInItsMiddleEndsWithAnErrorInItsDialect(String path) throws Exception {
    try (RunningGateway gateway = gateway("personal_data: {responses: refuse}", "")) {
      upstream.enqueue(stream(path, "this is " + PLANTED + " and more"));
      HttpResponse<String> answer = gateway.post(path, chat("hi", true), AUTH);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(said(answer.body())).isEqualTo("this is ");
      String[] lines = answer.body().strip().split("\n", -1);
      String last = lines[lines.length - 1];
      JsonNode error =
          JSON.readTree(last.startsWith("data: ") ? last.substring(6) : last).get("error");
      assertThat(path.startsWith("/api/") ? error.asText() : error.get("message").asText())
          .contains("personal-data", "email");
      assertThat(answer.body())
          .doesNotContain("planted", "[DONE]", "message_stop", "\"done\":true");
      JsonNode line = audit(gateway).get(0);
      assertThat(line.get("outcome").asText()).isEqualTo("refused:content-personal-data-email");
      assertThat(line.get("status").asInt()).isEqualTo(200);
      assertThat(line.get("outputTokens").asInt()).isGreaterThanOrEqualTo(7);
    }
  }

  @Test
  void whatCannotBeReadDoesNotPass() throws Exception {
    try (RunningGateway gateway = gateway("secrets: {responses: redact}", "")) {
      upstream.enqueue(
          Answer.bytes(
              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
                  + "Content-Length: 7\r\n\r\nplanted"));
      HttpResponse<String> answer = gateway.post("/api/chat", chat("hi", false), AUTH);
      assertThat(answer.statusCode()).isEqualTo(502);
      assertThat(answer.body()).contains("unreadable").doesNotContain("planted");
      assertThat(audit(gateway).get(0).get("outcome").asText())
          .isEqualTo("refused:content-secrets-unreadable");
    }
  }

  @Test
  void longPromptsAndAnswersAreRefused() throws Exception {
    try (RunningGateway gateway =
        gateway("size: {prompt_tokens: 50, messages: 3, response_characters: 10}", "")) {
      HttpResponse<String> longPrompt =
          gateway.post("/api/chat", chat("word ".repeat(60), true), AUTH);
      assertThat(longPrompt.statusCode()).isEqualTo(400);
      assertThat(longPrompt.body()).contains("prompt-tokens");
      assertThat(upstream.requests()).isEmpty();
      upstream.enqueue(stream("/api/chat", "0123456789abcdef"));
      HttpResponse<String> longAnswer = gateway.post("/api/chat", chat("hi", true), AUTH);
      assertThat(said(longAnswer.body())).isEqualTo("0123456789");
      assertThat(longAnswer.body()).contains("\"error\"", "answer-characters");
      assertThat(audit(gateway))
          .extracting(line -> line.get("outcome").asText())
          .containsExactly(
              "refused:content-size-prompt-tokens", "refused:content-size-answer-characters");
    }
  }

  // ---- nowhere else

  @Test
  void noPlantedSecretReachesAuditMetricsOrLog() throws Exception {
    StringBuilder metrics = new StringBuilder();
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    Logger logger = (Logger) LoggerFactory.getLogger("io.llmguard");
    Level level = logger.getLevel();
    logger.setLevel(Level.TRACE);
    logger.addAppender(logged);
    try (RunningGateway gateway =
        gateway(
            "secrets: {prompts: refuse, responses: refuse},"
                + " personal_data: {prompts: redact, responses: redact}",
            "audit: {content: true}")) {
      for (String path : PATHS) {
        for (boolean stream : new boolean[] {false, true}) {
          for (String secret : new String[] {PLANTED, "ghp_planted" + "0123456789".repeat(3)}) {
            gateway.post(path, chat("I am " + secret, stream), AUTH);
            upstream.enqueue(stream ? stream(path, "a " + secret) : once(path, "a " + secret));
            gateway.post(path, chat("hi", stream), AUTH);
            metrics.append(metrics(gateway));
          }
        }
      }
      gateway.stop();
    } finally {
      logger.detachAppender(logged);
      logger.setLevel(level);
    }
    for (ILoggingEvent event : logged.list) {
      assertThat(event.getFormattedMessage()).doesNotContain("planted");
    }
    assertThat(metrics.toString()).contains("llmguard_content_findings").doesNotContain("planted");
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String content = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertThat(content).as(file.toString()).doesNotContain("planted.person", "ghp_planted");
      }
    }
    assertThat(Files.readString(folder.resolve("data/audit.jsonl")))
        .contains("I am [email]", "a [email]");
  }
}
