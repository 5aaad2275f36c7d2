package io.llmguard.examples.webapp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.TimeSource;
import io.llmguard.audit.AuditVerifier;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyIssuer;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The application as it is deployed, with its guards in web.xml and in code. */
class WebappTest {
  private static final Recording CHAT = Recording.of("chat-stream");
  private static final Recording UNICODE = Recording.of("chat-unicode");

  @TempDir private Path data = Path.of("");
  private ReplayUpstream upstream;
  private String key;

  static Stream<Arguments> everywhere() {
    return Arrays.stream(Deployment.values())
        .flatMap(
            container ->
                Stream.of("web.xml", "web-in-code.xml")
                    .map(descriptor -> Arguments.of(container, descriptor)));
  }

  @BeforeEach
  void setUp() throws Exception {
    upstream = ReplayUpstream.start();
    try (SqliteDataSource database = SqliteDataSource.open(data.resolve("llmguard.db"))) {
      key =
          new KeyIssuer(new JdbcKeyStore(database), TimeSource.system())
              .issue("ada", r -> r)
              .key()
              .reveal();
    }
    System.setProperty("LLMGUARD_DATA", data.toString());
    System.setProperty("OLLAMA_URL", upstream.uri().toString());
  }

  @AfterEach
  void tearDown() {
    System.clearProperty("LLMGUARD_DATA");
    System.clearProperty("OLLAMA_URL");
    upstream.close();
  }

  private String authorization() {
    return "X-Api-Key: " + key;
  }

  @ParameterizedTest
  @MethodSource("everywhere")
  void whoHasAKeyIsAnsweredAndWhoHasNoneIsNot(Deployment container, String descriptor)
      throws Exception {
    try (Deployment.Running running = container.start(descriptor);
        RawHttp client = RawHttp.connect(running.port())) {
      client.request("POST", "/shop/ask", "hi".getBytes(UTF_8));
      RawHttp.Head refused = client.readHead();
      assertThat(refused.status()).isEqualTo(401);
      assertThat(refused.header("WWW-Authenticate")).isPresent();
      client.readBody();
      assertThat(upstream.requests()).isEmpty();

      upstream.enqueue(Answer.replay(UNICODE));
      client.request("POST", "/shop/ask", "hi".getBytes(UTF_8), authorization());
      RawHttp.Head head = client.readHead();
      assertThat(head.status()).isEqualTo(200);
      assertThat(head.header("X-Asked-By")).hasValue("ada");
      assertThat(client.readText()).startsWith("Écris en français: où est la gare?");

      // what is not guarded is as it was
      client.get("/shop/index.html");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).contains("<h1>Ask</h1>");
    }
    List<String> lines = Files.readAllLines(data.resolve("audit.jsonl"));
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).contains("\"path\":\"/ask\"", "\"outcome\":\"refused:no-credential\"");
    assertThat(lines.get(1)).contains("\"caller\":\"ada\"", "\"outcome\":\"completed\"");
    assertThat(AuditVerifier.verify(data.resolve("audit.jsonl")).intact()).isTrue();
  }

  @ParameterizedTest
  @MethodSource("everywhere")
  void theServersOwnApiPassesByteForByteWhereItIsAllowed(Deployment container, String descriptor)
      throws Exception {
    try (Deployment.Running running = container.start(descriptor);
        RawHttp client = RawHttp.connect(running.port())) {
      client.post("/shop/api/chat", CHAT.bodyText(), authorization());
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readBody()).isEqualTo(CHAT.responseBody());
      ReceivedRequest received = upstream.takeRequest();
      assertThat(received.target()).isEqualTo("/api/chat");
      assertThat(received.header("X-Api-Key")).isEmpty();

      client.post("/shop/api/pull", "{\"model\":\"m\"}", authorization());
      assertThat(client.readHead().status()).isEqualTo(403);
      assertThat(client.readText()).startsWith("{\"error\":");
      client.get("/shop/api/slots", authorization());
      assertThat(client.readHead().status()).isEqualTo(404);
      client.readBody();
      client.post("/shop/v1/chat/completions", "{\"model\":1}", authorization());
      assertThat(client.readHead().status()).isEqualTo(400);
      assertThat(client.readText()).contains("\"error\":{");
      assertThat(upstream.requests()).hasSize(1);
    }
  }

  @ParameterizedTest
  @MethodSource("everywhere")
  void oneLimitHoldsForAllThatAKeyCalls(Deployment container, String descriptor) throws Exception {
    try (Deployment.Running running = container.start(descriptor);
        RawHttp client = RawHttp.connect(running.port())) {
      for (int i = 0; i < 6; i++) {
        client.get("/shop/api/version", authorization());
        assertThat(client.readHead().status()).isEqualTo(200);
        client.readBody();
      }
      client.request("POST", "/shop/ask", "hi".getBytes(UTF_8), authorization());
      RawHttp.Head limited = client.readHead();
      assertThat(limited.status()).isEqualTo(429);
      assertThat(Integer.parseInt(limited.header("Retry-After").orElse("0"))).isBetween(1, 6);
    }
  }

  @ParameterizedTest
  @MethodSource("everywhere")
  void whoLeavesIsNoticedAtOnceWhereTheContainerShowsItAndAtTheNextWriteElsewhere(
      Deployment container, String descriptor) throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(2, gate));
    try (Deployment.Running running = container.start(descriptor)) {
      try (RawHttp client = RawHttp.connect(running.port())) {
        client.post("/shop/api/chat", CHAT.bodyText(), authorization());
        client.readHead();
        client.readSome();
        gate.reached().get(20, TimeUnit.SECONDS);
        client.reset();
      }
      if (container == Deployment.JETTY_WITH_CLASSES_SHOWN) {
        upstream.cancelled().get(20, TimeUnit.SECONDS);
      } else {
        gate.open();
      }
      assertThat(firstAuditLine()).contains("\"outcome\":\"client-gone\"");
    }
    assertThat(Files.readAllLines(data.resolve("audit.jsonl"))).hasSize(1);
  }

  /** Waits for the first line: while the application runs, as calls are settled by it. */
  private String firstAuditLine() throws Exception {
    Path file = data.resolve("audit.jsonl");
    try (WatchService changes = data.getFileSystem().newWatchService()) {
      data.register(
          changes, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
      long start = System.nanoTime();
      while (true) {
        String text = Files.exists(file) ? Files.readString(file) : "";
        int end = text.indexOf('\n');
        if (end >= 0) {
          return text.substring(0, end);
        }
        // files beside it change all the time
        assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
        WatchKey change = changes.poll(1, TimeUnit.SECONDS);
        if (change != null) {
          change.pollEvents();
          change.reset();
        }
      }
    }
  }
}
