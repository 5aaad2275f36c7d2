package io.llmguard.examples.gateway.program;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.ReplayUpstream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nothing that the program writes holds a credential, a prompt or an answer, whatever becomes of a
 * call and however much is logged.
 */
@Timeout(300)
class SecretsIT {
  private static final String MASTER = "sk-plantedMaster41c7d02b";
  private static final String UPSTREAM_KEY = "plantedUpstream5be19a";
  private static final String HMAC = "plantedHmac90ffc3a1";
  private static final String WEBHOOK = "whsec_cGxhbnRlZFdlYmhvb2s3N2E4ZTE5MGIzYzI=";
  private static final String WRONG = "sk-plantedWrong0d8e11";
  private static final String TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.plantedJwt6a";
  private static final String BASIC =
      Base64.getEncoder().encodeToString("me:plantedBasic2b".getBytes(StandardCharsets.US_ASCII));
  private static final String QUERY = "plantedQuery77af";
  private static final String COOKIE = "plantedCookie1c";
  private static final String PROMPT = "plantedPrompt83d0";
  private static final String ANSWER = "plantedAnswer5f6e";
  private static final String FOUND = "AKIAPLANTED234567ABC";
  private static final String JSON = "application/json";

  @TempDir private Path folder = Path.of("");
  private ReplayUpstream upstream;
  private ReplayUpstream receiver;
  private int port;

  @BeforeEach
  void start() {
    upstream = ReplayUpstream.start(List.of());
    receiver = ReplayUpstream.start(List.of()).on("POST", "/calls", Answer.plain(JSON, "{}"));
  }

  @AfterEach
  void stop() {
    upstream.close();
    receiver.close();
  }

  private Program.Setup setup() throws IOException {
    Files.createDirectories(folder.resolve("tmp"));
    Files.writeString(
        folder.resolve("logback.xml"),
        """
        <configuration>
          <appender name="stderr" class="ch.qos.logback.core.ConsoleAppender">
            <target>System.err</target>
            <encoder><pattern>%-5level %logger - %msg%n</pattern></encoder>
          </appender>
          <logger name="org.eclipse.jetty.http" level="TRACE"/>
          <root level="TRACE"><appender-ref ref="stderr"/></root>
        </configuration>
        """);
    Files.writeString(
        folder.resolve("config.yaml"),
        """
        model_list:
          - model_name: m
            litellm_params:
              model: ollama/gemma3:270m
              api_base: "%1$s"
              api_key: os.environ/UPSTREAM_KEY
        general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}
        router_settings: {num_retries: 1}
        llmguard:
          listen: 127.0.0.1:0
          data_dir: data
          rate_limits:
            per_key: {requests: 1000, per: 1s, burst: 1000}
            per_ip: {requests: 1000, per: 1s, burst: 1000}
          limits: {body: 8k}
          routing: {probes: "off"}
          content_guards: {secrets: {prompts: refuse, responses: refuse}}
          budgets: [{for: key, tokens: 100000000}]
          audit: {hmac_secret: os.environ/HMAC}
          callbacks: {webhook: {url: "%2$s/calls", secret: os.environ/WEBHOOK}}
        """
            .formatted(upstream.uri(), receiver.uri()));
    return Program.in(folder)
        .jvm("-Dlogback.configurationFile=" + folder.resolve("logback.xml"))
        .jvm("-Djava.io.tmpdir=" + folder.resolve("tmp"))
        .variable("LITELLM_MASTER_KEY", MASTER)
        .variable("UPSTREAM_KEY", UPSTREAM_KEY)
        .variable("HMAC", HMAC)
        .variable("WEBHOOK", WEBHOOK);
  }

  private JsonNode newKey(String name) throws Exception {
    Program.Ended made =
        Program.in(folder)
            .variable("LITELLM_MASTER_KEY", MASTER)
            .variable("UPSTREAM_KEY", UPSTREAM_KEY)
            .variable("HMAC", HMAC)
            .variable("WEBHOOK", WEBHOOK)
            .run("key", "create", "--config", "config.yaml", "--name", name, "--json");
    assertThat(made.code()).as(made.err()).isZero();
    Files.delete(folder.resolve(made.outFile()));
    return new ObjectMapper().readTree(made.out());
  }

  private static String chat(String text, boolean stream) {
    return "{\"model\":\"m\",\"stream\":"
        + stream
        + ",\"max_tokens\":9,\"user\":\""
        + PROMPT
        + "\",\"messages\":[{\"role\":\"user\",\"content\":\""
        + text
        + "\"}]}";
  }

  private static String line(String text) {
    return "{\"model\":\"m\",\"message\":{\"content\":\"" + text + "\"},\"done\":false}\n";
  }

  private static final String LAST =
      "{\"model\":\"m\",\"message\":{\"content\":\"\"},\"done\":true,"
          + "\"prompt_eval_count\":5,\"eval_count\":7}\n";

  private static Answer stream() {
    return Answer.stream("application/x-ndjson").chunk(line(ANSWER));
  }

  /** Sends a call and reads what comes; answers its status, or 0 where there is none. */
  private int call(String method, String target, String body, String... headers) throws Exception {
    try (RawHttp client = RawHttp.connect(port)) {
      byte[] bytes = body.isEmpty() ? null : body.getBytes(StandardCharsets.UTF_8);
      client.request(method, target, bytes, headers);
      int status = client.readHead().status();
      client.readBody();
      return status;
    } catch (java.net.SocketTimeoutException e) {
      throw e;
    } catch (IOException e) {
      return 0; // the connection was cut
    }
  }

  private int post(String body, String credential) throws Exception {
    return call("POST", "/api/chat", body, "Content-Type: " + JSON, credential);
  }

  private int answered(Answer answer, String credential) throws Exception {
    upstream.on("POST", "/api/chat", answer);
    return post(chat(PROMPT, true), credential);
  }

  private void callsThatAreAnswered(String credential) throws Exception {
    assertThat(answered(stream().chunk(LAST).endChunks(), credential)).isEqualTo(200);
    upstream.on("POST", "/api/chat", Answer.plain(JSON, line(ANSWER).replace("false", "true")));
    assertThat(post(chat(PROMPT, false), credential)).isEqualTo(200);
    upstream.on(
        "POST",
        "/api/show",
        Answer.bytes(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: s="
                + COOKIE
                + "\r\nContent-Length: 2\r\n\r\n{}"));
    assertThat(call("POST", "/api/show", "{\"model\":\"m\"}", credential)).isEqualTo(200);
    for (String path : List.of("/v1/chat/completions", "/v1/messages", "/v1/responses")) {
      upstream.on("POST", path, Answer.plain(JSON, "{\"output_text\":\"" + ANSWER + "\"}"));
      call("POST", path, chat(PROMPT, false), "Content-Type: " + JSON, credential);
    }
    String form =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
            + PROMPT
            + "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--\r\n";
    upstream.on("POST", "/v1/audio/transcriptions", Answer.plain(JSON, "{\"text\":\"a\"}"));
    call(
        "POST",
        "/v1/audio/transcriptions",
        form,
        "Content-Type: multipart/form-data; boundary=b",
        credential);
  }

  private void callsWhoseUpstreamFails(String credential) throws Exception {
    String error = "{\"error\":\"" + ANSWER + " " + PROMPT + "\"}";
    for (int status : new int[] {500, 400, 404, 429, 503}) {
      assertThat(answered(Answer.status(status, JSON, error), credential))
          .isGreaterThanOrEqualTo(400);
    }
    for (Answer broken :
        List.of(
            Answer.closing(),
            stream().thenReset(),
            stream().thenClose(),
            stream().endChunks(),
            stream().chunk("{\"error\":\"" + ANSWER + "\"}\n").endChunks(),
            stream().raw("zz " + ANSWER + "\r\n").thenClose(),
            Answer.bytes(ANSWER + " is no HTTP\r\n\r\n").thenClose(),
            Answer.bytes(
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/"
                    + ANSWER
                    + "\r\nContent-Length: 0\r\n\r\n"),
            Answer.plain(JSON, "{\"model\":\"" + ANSWER))) {
      answered(broken, credential);
    }
    Gate gate = Gate.closed();
    upstream.on("POST", "/api/chat", stream().then(gate).chunk(LAST).endChunks());
    try (RawHttp client = RawHttp.connect(port)) {
      client.post("/api/chat", chat(PROMPT, true), credential);
      client.readHead();
      client.readSome();
      gate.reached().get(20, TimeUnit.SECONDS);
      client.reset();
    }
    List<ReceivedRequest> requests = upstream.requests();
    requests.get(requests.size() - 1).cancelled().get(20, TimeUnit.SECONDS);
  }

  /** What each refusal's status is, other tests tell. */
  private static void assertRefused(int status) {
    assertThat(status).isBetween(400, 499);
  }

  private void callsThatAreRefused(String credential, String blocked) throws Exception {
    int reached = upstream.requests().size();
    String chat = chat(PROMPT, true);
    for (String wrong :
        List.of(
            blocked,
            "X-Api-Key: " + WRONG,
            "Authorization: Bearer " + WRONG,
            "Authorization: Bearer " + TOKEN,
            "Authorization: Basic " + BASIC,
            "Cookie: key=" + COOKIE)) {
      assertRefused(post(chat, wrong));
    }
    assertRefused(call("GET", "/api/tags?key=" + QUERY, ""));
    assertRefused(call("GET", "/api/tags?api_key=" + QUERY, "", credential));
    assertRefused(call("POST", "/api/chat", chat, credential, "Authorization: Bearer " + WRONG));
    for (String body :
        List.of(
            chat.replace("]}", ""),
            "{\"model\":\"m\",\"MODEL\":\"" + PROMPT + "\"}",
            "{\"model\":\"m\",\"prompt\":" + PROMPT + "}",
            "{\"model\":7,\"prompt\":\"" + PROMPT + "\"}",
            chat(PROMPT + "x".repeat(9000), true),
            chat(PROMPT + " " + FOUND, true),
            chat.replace("\"m\"", "\"other\""))) {
      assertRefused(post(body, credential));
    }
    assertRefused(call("POST", "/api/pull", chat, credential));
    assertRefused(call("POST", "/nowhere?k=" + QUERY, chat, credential));
    // what the server's own parser refuses
    assertRefused(call("GET", "/api/tags", "", "X-Long: " + QUERY.repeat(20_000), credential));
    assertRefused(call("GET", "/api/tags", "", "Bad Field " + PROMPT + ": x", credential));
    assertRefused(call("GET", "/api/%zz?key=" + QUERY, "", credential));
    assertRefused(call("GET", "/api/tags?key=" + QUERY, "", "Host: elsewhere.example", credential));
    assertThat(upstream.requests()).hasSize(reached);
    // as much as a head may have: the upstream judges it
    assertThat(call("GET", "/api/tags", "", "X-Long: " + QUERY.repeat(1_900), credential))
        .isEqualTo(404);
    // what the guard of answers refuses
    answered(stream().chunk(line(FOUND)).chunk(LAST).endChunks(), credential);
    upstream.on("POST", "/api/chat", Answer.plain(JSON, line(FOUND).replace("false", "true")));
    assertThat(post(chat(PROMPT, false), credential)).isEqualTo(403);
  }

  @Test
  void nothingThatIsWrittenHoldsACredentialAPromptOrAnAnswer() throws Exception {
    Program.Setup setup = setup();
    JsonNode made = newKey("caller");
    JsonNode blocked = newKey("blocked");
    String credential = "X-Api-Key: " + made.get("key").asText();
    String err;
    try (Program program = setup.start("serve", "--config", "config.yaml")) {
      port = program.port();
      assertThat(
              call(
                  "POST",
                  "/key/block",
                  "{\"key\":\"" + blocked.get("key").asText() + "\"}",
                  "Content-Type: " + JSON,
                  "Authorization: Bearer " + MASTER))
          .isEqualTo(200);
      callsThatAreAnswered(credential);
      callsThatAreAnswered("Authorization: Bearer " + MASTER);
      callsThatAreRefused(credential, "X-Api-Key: " + blocked.get("key").asText());
      callsWhoseUpstreamFails(credential);
      upstream.close();
      assertThat(post(chat(PROMPT, true), credential)).isEqualTo(502);
      program.terminate();
      Program.Ended ended = program.awaitEnd();
      assertThat(ended.code()).isEqualTo(143);
      err = ended.err();
    }
    Map<String, String> written = written();
    // all is logged, and what may stand there does
    assertThat(err)
        .contains("DEBUG io.llmguard.", "key " + blocked.get("id").asText() + " refused");
    assertThat(written.get("data/audit.jsonl"))
        .contains(made.get("id").asText(), "\"client-gone\"");
    assertThat(written.get("data/llmguard.db")).contains(made.get("id").asText());
    for (String secret :
        List.of(
            made.get("key").asText(),
            blocked.get("key").asText(),
            MASTER,
            UPSTREAM_KEY,
            HMAC,
            WEBHOOK,
            "plantedWebhook",
            WRONG,
            TOKEN,
            BASIC,
            "plantedBasic",
            QUERY,
            COOKIE,
            PROMPT,
            ANSWER,
            FOUND)) {
      written.forEach(
          (file, text) -> assertThat(text.contains(secret)).as(secret + " in " + file).isFalse());
    }
  }

  /** Everything that stands in files now, a character a byte, by its name. */
  private Map<String, String> written() throws IOException {
    Map<String, String> written = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        written.put(folder.relativize(file).toString(), text);
      }
    }
    return written;
  }
}
