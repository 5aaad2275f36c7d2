package io.llmguard.reactive.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.auth.Caller;
import io.llmguard.auth.CurrentCaller;
import io.llmguard.testkit.RawHttp;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Principal;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** A WebFlux application's own controllers, with one jar and one property added. */
@Tag("boot")
class ControllersTest {
  @TempDir private Path folder;
  private BootApplication application;

  @RestController
  static class Hello {
    @GetMapping("/api/hello")
    Mono<String> hello(@CurrentCaller Caller caller, Principal principal) {
      return Mono.just(caller.getName() + "=" + principal.getName());
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
    Mono<String> chat(@RequestBody Mono<Map<String, String>> question) {
      return question.map(asked -> "you said " + asked.get("text"));
    }
  }

  @Configuration(proxyBeanMethods = false)
  @Import(Hello.class)
  static class Application {}

  @BeforeEach
  void start() {
    application =
        BootApplication.with(
                "llmguard.enabled=true",
                "llmguard.data-dir=" + folder,
                "management.endpoints.web.exposure.include=health,llmguard",
                "management.endpoint.health.show-details=always",
                "management.endpoint.health.show-components=always")
            .source(Application.class)
            .start();
  }

  @AfterEach
  void stop() {
    application.close();
  }

  private String send(int status, String method, String path, String body, String... headers)
      throws Exception {
    try (RawHttp client = RawHttp.connect(application.port())) {
      client.request(
          method, path, body == null ? null : body.getBytes(StandardCharsets.UTF_8), headers);
      assertThat(client.readHead().status()).isEqualTo(status);
      return client.readText();
    }
  }

  private String authorization() throws Exception {
    return "Authorization: Bearer " + Files.readString(folder.resolve("first-key.txt")).strip();
  }

  @Test
  void aControllerUnderApiIsGuardedAndOthersAreNot() throws Exception {
    send(401, "GET", "/api/hello", null);
    assertThat(send(200, "GET", "/api/hello", null, authorization()))
        .isEqualTo("first key=first key");
    assertThat(send(200, "GET", "/open", null)).isEqualTo("open");
    send(500, "GET", "/lost", null, authorization());
  }

  @Test
  void theApplicationsBodiesAreItsOwnAndCallsAreSettledOnce() throws Exception {
    String body = "{\"text\":\"hello\",\"model\":\"7\"}";
    assertThat(
            send(200, "POST", "/api/chat", body, authorization(), "Content-Type: application/json"))
        .isEqualTo("you said hello");
    application.close();
    List<String> lines = Files.readAllLines(folder.resolve("audit.jsonl"));
    assertThat(lines).hasSize(1);
    assertThat(lines.get(0)).contains("\"outcome\":\"completed\"");
  }

  @Test
  void healthAndTheEndpointTellHowTheGuardStands() throws Exception {
    assertThat(send(200, "GET", "/actuator/health", null))
        .contains("\"llmguard\":{", "\"status\":\"UP\"");
    assertThat(send(200, "GET", "/actuator/llmguard", null, "Accept: application/json"))
        .contains("\"serving\":true", "\"/api/\"", "authentication");
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
