package io.llmguard.boot;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.llmguard.auth.Caller;
import io.llmguard.auth.CurrentCaller;
import io.llmguard.testkit.RawHttp;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.Principal;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/**
 * An application's own controllers, with one jar and one property added.
 *
 * <p>Each stack adds a controller of its own, whose {@code /api/stream} answers in three pieces:
 * {@code piece 0} to {@code piece 2}, each with a newline.
 */
@Tag("boot")
public abstract class ControllersContract {
  private final HttpClient http = HttpClient.newHttpClient();
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);

  private final Logger own =
      (Logger) LoggerFactory.getLogger(LlmGuardAutoConfiguration.class.getPackageName());

  private final Class<?> more;

  @TempDir private Path folder;
  private BootApplication application;

  /** A contract of a stack with this controller. */
  protected ControllersContract(Class<?> more) {
    this.more = more;
  }

  @RestController
  static class Hello {
    @GetMapping("/api/hello")
    String hello(@CurrentCaller Caller caller, Principal principal) {
      return caller.getName() + "=" + principal.getName();
    }

    @GetMapping("/open")
    String open() {
      return "open";
    }

    @GetMapping("/lost")
    String lost(@CurrentCaller Caller caller) {
      return caller.getName();
    }

    // a path of Ollama's, with a body that Ollama would not take
    @PostMapping("/api/chat")
    String chat(@RequestBody Map<String, String> question) {
      return "you said " + question.get("text");
    }

    @GetMapping("/api/later")
    CompletableFuture<String> later(@CurrentCaller Caller caller) {
      return CompletableFuture.supplyAsync(() -> "later, " + caller.getName());
    }
  }

  @Configuration(proxyBeanMethods = false)
  @Import(Hello.class)
  static class Application {}

  @BeforeEach
  void start() {
    logged.start();
    root.addAppender(logged);
    own.setLevel(Level.INFO);
    application =
        BootApplication.with("llmguard.enabled=true", "llmguard.data-dir=" + folder)
            .source(Application.class)
            .source(more)
            .start();
  }

  @AfterEach
  void stop() {
    application.close();
    root.detachAppender(logged);
    own.setLevel(null);
  }

  private HttpResponse<String> send(String method, String path, String key, String body)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + application.port() + path))
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    if (key != null) {
      request.header("Authorization", "Bearer " + key);
    }
    if (body != null) {
      request.header("Content-Type", "application/json");
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path, String key) throws Exception {
    return send("GET", path, key, null);
  }

  private Path keyFile() {
    return folder.resolve("first-key.txt");
  }

  private String firstKey() throws IOException {
    return Files.readString(keyFile()).strip();
  }

  @Test
  void aControllerUnderApiIsGuardedAndOthersAreNot() throws Exception {
    HttpResponse<String> refused = get("/api/hello", null);
    assertThat(refused.statusCode()).isEqualTo(401);
    assertThat(refused.headers().firstValue("WWW-Authenticate")).isPresent();
    assertThat(get("/api/hello", "sk-nobodys").statusCode()).isEqualTo(401);
    assertThat(get("/open", null).body()).isEqualTo("open");
    assertThat(get("/lost", firstKey()).statusCode()).isEqualTo(500);
  }

  @Test
  void theFirstKeyIsInAFileForItsOwnerAndInNoLog() throws Exception {
    assertThat(get("/api/hello", firstKey()).body()).isEqualTo("first key=first key");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keyFile())))
        .isEqualTo("rw-------");
    List<String> lines = logged.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    assertThat(lines).anyMatch(line -> line.contains(keyFile().toString()));
    String secret = firstKey().substring(3);
    assertThat(lines).noneMatch(line -> line.contains(secret));
  }

  @Test
  void thereIsOneFirstKeyHoweverOftenTheApplicationStarts() throws Exception {
    String key = firstKey();
    application.close();
    start();
    assertThat(firstKey()).isEqualTo(key);
    assertThat(get("/api/hello", key).statusCode()).isEqualTo(200);
  }

  @Test
  void theApplicationsBodiesAreItsOwn() throws Exception {
    HttpResponse<String> answer =
        send("POST", "/api/chat", firstKey(), "{\"text\":\"hello\",\"model\":7}");
    assertThat(answer.body()).isEqualTo("you said hello");
  }

  @Test
  void whatAControllerAnswersLaterIsSettledOnce() throws Exception {
    assertThat(get("/api/later", firstKey()).body()).isEqualTo("later, first key");
    assertThat(get("/api/stream", firstKey()).body()).isEqualTo("piece 0\npiece 1\npiece 2\n");
    application.close();
    List<String> lines = Files.readAllLines(folder.resolve("audit.jsonl"));
    assertThat(lines).hasSize(2);
    assertThat(lines).allMatch(line -> line.contains("\"outcome\":\"completed\""));
  }

  @Test
  void theGuidesLimitHolds() throws Exception {
    String key = firstKey();
    for (int i = 0; i < 6; i++) {
      assertThat(get("/api/hello", key).statusCode()).isEqualTo(200);
    }
    HttpResponse<String> limited = get("/api/hello", key);
    assertThat(limited.statusCode()).isEqualTo(429);
    assertThat(limited.headers().firstValue("Retry-After")).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/x/../api/hello",
        "//api/hello",
        "/api;x=1/hello",
        "/api/hello;x=1",
        "/%61pi/hello",
        "/api/%68ello",
        "/api%2fhello",
        "/api/hello/",
        "/./api/hello"
      })
  void noSpellingOfAPathLeadsPastTheGuard(String path) throws Exception {
    try (RawHttp client = RawHttp.connect(application.port())) {
      client.get(path);
      assertThat(client.readHead().status()).isIn(400, 401, 404);
    }
  }
}
