package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.llmguard.examples.gateway.demo.DemoUpstream;
import io.llmguard.examples.gateway.tls.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several servers behind one gateway. */
@Timeout(120)
class RoutingGatewayTest {
  private static final String KEY = "sk-the-master-key-of-this-test";
  private static final String CHAT =
      "{\"model\":\"moltbot-llm\",\"messages\":[{\"role\":\"user\",\"content\":\"Tell me a"
          + " fact\"}]}";

  @TempDir private Path folder = Path.of("");

  RoutingGatewayTest() {}

  private static String deployment(String base, String provider) {
    return "  - model_name: moltbot-llm\n    litellm_params: {model: "
        + provider
        + "/gemma3:270m, api_base: \""
        + base
        + "\"}\n";
  }

  private static String config(String models, String routing, String own) {
    return "model_list:\n"
        + models
        + "general_settings: {master_key: "
        + KEY
        + "}\nrouter_settings: {"
        + routing
        + "}\nllmguard:\n  listen: 127.0.0.1:0\n  data_dir: ${DATA}\n"
        + "  rate_limits:\n"
        + "    per_key: {requests: 100000, per: 1m}\n"
        + "    per_ip: {requests: 100000, per: 1m}\n"
        + own.indent(2);
  }

  private static void kill(DemoUpstream upstream) {
    upstream.close();
  }

  private static HttpResponse<String> chat(RunningGateway gateway, String path, String body)
      throws Exception {
    return gateway.post(path, body, "X-Api-Key", KEY);
  }

  @Test
  void aServerThatDiesIsNotMissed() throws Exception {
    try (DemoUpstream other = DemoUpstream.start(Duration.ZERO)) {
      String yaml =
          config(
              deployment("${UPSTREAM}", "ollama") + deployment(other.url(), "ollama"),
              "routing_strategy: usage-based-routing, num_retries: 3",
              "routing: {litellm_headers: true, probes: off}");
      try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
        Map<String, Integer> deployments = new HashMap<>();
        for (int i = 0; i < 10; i++) {
          HttpResponse<String> answer = chat(gateway, "/api/chat", CHAT);
          assertThat(answer.statusCode()).isEqualTo(200);
          assertThat(answer.body()).contains("\"model\":\"moltbot-llm\"").doesNotContain("gemma3");
          deployments.merge(
              answer.headers().firstValue("X-Llmguard-Deployment").orElse(""), 1, Integer::sum);
          assertThat(answer.headers().firstValue("x-litellm-model-group")).hasValue("moltbot-llm");
        }
        assertThat(deployments.values()).containsExactly(5, 5);
        kill(other);
        for (int i = 0; i < 20; i++) {
          assertThat(chat(gateway, "/api/chat", CHAT).statusCode()).isEqualTo(200);
        }
        gateway.stop();
        int retries = 0;
        for (String line : gateway.auditLines()) {
          JsonNode audit = new ObjectMapper().readTree(line);
          assertThat(audit.get("status").asInt()).isEqualTo(200);
          assertThat(audit.get("model").asText()).isEqualTo("moltbot-llm");
          assertThat(audit.get("upstream").asText()).startsWith("127.0.0.1:");
          retries += audit.get("retries").asInt();
        }
        assertThat(retries).isPositive();
      }
    }
  }

  @Test
  void nativeCallsAndManagementFindTheirServer() throws Exception {
    try (DemoUpstream other = DemoUpstream.start(Duration.ZERO)) {
      String yaml =
          config(
              deployment("${UPSTREAM}/v1", "openai")
                  + deployment(other.url(), "ollama").replace("moltbot-llm", "native"),
              "num_retries: 0",
              "upstreams: [{api_base: \"" + other.url() + "\", name: gpu1}]");
      try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
        HttpResponse<String> refused = chat(gateway, "/api/chat", CHAT);
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.body()).contains("/v1/");
        assertThat(chat(gateway, "/v1/chat/completions", CHAT).statusCode()).isEqualTo(200);
        assertThat(chat(gateway, "/api/chat", CHAT.replace("moltbot-llm", "native")).statusCode())
            .isEqualTo(200);
        assertThat(chat(gateway, "/api/pull", "{\"model\":\"x\"}").body())
            .contains("X-Llmguard-Upstream");
        assertThat(
                gateway
                    .get("/api/ps", "X-Api-Key", KEY, "X-Llmguard-Upstream", "gpu1")
                    .statusCode())
            .isEqualTo(200);
        for (String list : new String[] {"/api/tags", "/v1/models"}) {
          assertThat(gateway.get(list, "X-Api-Key", KEY).body())
              .contains("\"moltbot-llm\"", "\"native\"")
              .doesNotContain("gemma3");
        }
      }
    }
  }

  @Test
  void aServerIsCalledOverMutualTlsAndNobodyStandsInForIt() throws Exception {
    TestAuthority authority = new TestAuthority(folder);
    authority.issue("server", "CN=localhost");
    authority.issue("client", "CN=gateway");
    Path other = Files.createDirectory(folder.resolve("other"));
    TestAuthority stranger = new TestAuthority(other);
    stranger.issue("server", "CN=localhost");
    HttpsServer server = tlsServer(authority.client("server"));
    try {
      String base = "https://127.0.0.1:" + server.getAddress().getPort();
      String whole =
          "ca: "
              + authority.authorityPem()
              + ", certificate: "
              + authority.certificatePem("client")
              + ", key: "
              + authority.keyPem("client");
      assertThat(statusWith(base, whole, "one")).isEqualTo(200);
      assertThat(statusWith(base, "ca: " + authority.authorityPem(), "two"))
          .as("without a certificate")
          .isEqualTo(502);
      assertThat(statusWith(base, "ca: " + stranger.authorityPem(), "three"))
          .as("of an authority that is not trusted")
          .isEqualTo(502);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void healthAsksAServerTheWayCallsDo() throws Exception {
    TestAuthority authority = new TestAuthority(folder);
    authority.issue("server", "CN=localhost");
    authority.issue("client", "CN=gateway");
    HttpsServer server = tlsServer(authority.client("server"));
    try {
      String base = "https://127.0.0.1:" + server.getAddress().getPort();
      String whole =
          "ca: "
              + authority.authorityPem()
              + ", certificate: "
              + authority.certificatePem("client")
              + ", key: "
              + authority.keyPem("client");
      JsonNode well = healthWith(base, whole + ", headers: {X-Team: blue}", "one");
      assertThat(well.get("healthy_count").asInt()).as(well.toString()).isEqualTo(1);
      JsonNode without = healthWith(base, whole, "two");
      assertThat(without.at("/unhealthy_endpoints/0/error").asText()).contains("403");
      JsonNode unknown = healthWith(base, "ca: " + authority.authorityPem(), "three");
      assertThat(unknown.get("unhealthy_count").asInt()).isEqualTo(1);
    } finally {
      server.stop(0);
    }
  }

  private JsonNode healthWith(String base, String more, String name) throws Exception {
    String yaml =
        config(
            deployment(base, "ollama"),
            "",
            "upstreams: [{api_base: \"" + base + "\", " + more + "}]");
    try (RunningGateway gateway =
        RunningGateway.start(Files.createDirectory(folder.resolve(name)), yaml)) {
      return new ObjectMapper().readTree(gateway.get("/health", "X-Api-Key", KEY).body());
    }
  }

  @Test
  void aServerThatIsThereUnderBothApisIsAskedByItsOwn() throws Exception {
    BlockingQueue<String> asked = new LinkedBlockingQueue<>();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.createContext(
        "/",
        exchange -> {
          asked.add(exchange.getRequestURI().getPath());
          exchange.sendResponseHeaders(404, -1);
          exchange.close();
        });
    server.start();
    String base = "http://127.0.0.1:" + server.getAddress().getPort();
    String yaml =
        config(
            deployment(base + "/v1", "openai")
                + deployment(base, "ollama")
                + deployment("${UPSTREAM}", "ollama"),
            "",
            "");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      assertThat(asked.poll(20, TimeUnit.SECONDS)).startsWith("/api/");
      assertThat(gateway.get("/health/live").statusCode()).isEqualTo(200);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void whatIsDecidedForAModelIsWhatItsServerIsAsked() throws Exception {
    BlockingQueue<String> bodies = new LinkedBlockingQueue<>();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.createContext(
        "/",
        exchange -> {
          bodies.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          byte[] answer = "{\"done\":true}".getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
    String base = "http://127.0.0.1:" + server.getAddress().getPort();
    String yaml =
        config(
            deployment(base, "ollama"),
            "model_group_alias: {gpt-4: moltbot-llm}",
            "parameters: {lock: {temperature: 0.2}, models: {moltbot-llm: {refuse: [seed]}}}");
    try (RunningGateway gateway = RunningGateway.start(folder, yaml)) {
      String hot = CHAT.replace("}]}", "}],\"stream\":false,\"options\":{\"temperature\":2}}");
      assertThat(chat(gateway, "/api/chat", hot.replace("moltbot-llm", "gpt-4")).statusCode())
          .isEqualTo(200);
      assertThat(bodies.poll(20, TimeUnit.SECONDS)).contains("\"options\":{\"temperature\":0.2}");
      chat(gateway, "/v1/chat/completions", CHAT);
      assertThat(bodies.poll(20, TimeUnit.SECONDS)).contains("\"temperature\":0.2,");
      String seeded = CHAT.replace("}]}", "}],\"seed\":1}").replace("moltbot-llm", "gpt-4");
      HttpResponse<String> refused = chat(gateway, "/v1/chat/completions", seeded);
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(refused.body()).contains("seed");
      assertThat(bodies).isEmpty();
    } finally {
      server.stop(0);
    }
  }

  private int statusWith(String base, String tls, String name) throws Exception {
    String yaml =
        config(
            deployment(base, "ollama"),
            "num_retries: 1",
            "upstreams: [{api_base: \"" + base + "\", " + tls + "}]");
    try (RunningGateway gateway =
        RunningGateway.start(Files.createDirectory(folder.resolve(name)), yaml)) {
      String body = CHAT.replace("}]}", "}],\"stream\":false}");
      return chat(gateway, "/api/chat", body).statusCode();
    }
  }

  private static HttpsServer tlsServer(SSLContext context) throws IOException {
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    // else a handshake that fails may hold up the one thread that answers all
    server.setExecutor(task -> new Thread(task, "tls-server").start());
    server.setHttpsConfigurator(
        new HttpsConfigurator(context) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters tls = context.getDefaultSSLParameters();
            tls.setNeedClientAuth(true);
            parameters.setSSLParameters(tls);
          }
        });
    server.createContext(
        "/api/chat",
        exchange -> {
          byte[] answer =
              "{\"model\":\"gemma3:270m\",\"done\":true}".getBytes(StandardCharsets.UTF_8);
          exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.createContext(
        "/api/version",
        exchange -> {
          boolean known = "blue".equals(exchange.getRequestHeaders().getFirst("X-Team"));
          exchange.sendResponseHeaders(known ? 200 : 403, -1);
          exchange.close();
        });
    server.start();
    return server;
  }
}
