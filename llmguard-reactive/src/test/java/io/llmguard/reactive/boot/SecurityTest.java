package io.llmguard.reactive.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.boot.BootApplication;
import io.llmguard.testkit.RawHttp;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.security.config.annotation.web.reactive.EnableWebFluxSecurity;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.security.web.server.SecurityWebFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** A WebFlux application with Spring Security behind the guard. */
@Tag("boot")
class SecurityTest {
  private static final String MASTER = "0123456789abcdef0123456789abcdef";
  private BootApplication application;

  @RestController
  static class Who {
    @GetMapping("/api/who")
    Mono<String> who() {
      return ReactiveSecurityContextHolder.getContext()
          .map(context -> context.getAuthentication().getPrincipal().getClass().getSimpleName());
    }

    @GetMapping({"/api/models", "/elsewhere"})
    String models() {
      return "models";
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableWebFluxSecurity
  @Import(Who.class)
  static class Application {
    @Bean
    SecurityWebFilterChain chain(ServerHttpSecurity http) {
      return http.csrf(ServerHttpSecurity.CsrfSpec::disable)
          .authorizeExchange(
              exchanges ->
                  exchanges
                      .pathMatchers("/api/models")
                      .hasAuthority("SCOPE_nothing-has-this")
                      .anyExchange()
                      .authenticated())
          .build();
    }
  }

  @BeforeEach
  void start() {
    application =
        BootApplication.with("llmguard.enabled=true", "llmguard.master-key=" + MASTER)
            .source(Application.class)
            .security()
            .start();
  }

  @AfterEach
  void stop() {
    application.close();
  }

  private String get(String path, int status, String... headers) throws Exception {
    try (RawHttp client = RawHttp.connect(application.port())) {
      client.get(path, headers);
      assertThat(client.readHead().status()).isEqualTo(status);
      return client.readText();
    }
  }

  @Test
  void theCallerIsWhoSpringSecuritySees() throws Exception {
    assertThat(get("/api/who", 200, "Authorization: Bearer " + MASTER)).isEqualTo("Caller");
  }

  @Test
  void springSecurityHasItsOwnSay() throws Exception {
    get("/api/models", 403, "Authorization: Bearer " + MASTER);
    get("/elsewhere", 401, "Authorization: Bearer " + MASTER);
  }

  @Test
  void theGuardRefusesBeforeIt() throws Exception {
    assertThat(get("/api/who", 401)).contains("credential");
  }
}
