package io.llmguard.servlet.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import io.llmguard.auth.Authentication;
import io.llmguard.auth.Authenticator;
import io.llmguard.auth.Caller;
import io.llmguard.auth.CurrentCaller;
import io.llmguard.boot.BootApplication;
import io.llmguard.testkit.RawHttp;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An application with Spring Security behind the guard. */
@Tag("boot")
class SecurityTest {
  private static final String MASTER = "0123456789abcdef0123456789abcdef";
  private BootApplication application;

  @RestController
  static class Who {
    @GetMapping({"/api/who", "/elsewhere"})
    String who() {
      var authentication = SecurityContextHolder.getContext().getAuthentication();
      return authentication.getPrincipal().getClass().getSimpleName()
          + " "
          + authentication.getName()
          + " "
          + authentication.getCredentials();
    }

    @GetMapping("/api/caller")
    String caller(@CurrentCaller Caller caller) {
      return caller.getName();
    }

    @GetMapping("/api/models")
    String models() {
      return "models";
    }
  }

  @Configuration(proxyBeanMethods = false)
  @Import(Who.class)
  static class Application {
    @Bean
    SecurityFilterChain chain(HttpSecurity http) throws Exception {
      return http.csrf(csrf -> csrf.disable())
          .authorizeHttpRequests(
              requests ->
                  requests
                      .requestMatchers("/api/models")
                      .hasAuthority("SCOPE_nothing-has-this")
                      .anyRequest()
                      .authenticated())
          .build();
    }
  }

  /** Knows the caller once the container's thread has been let go, and no moment before. */
  private static final class LateAuthenticator implements Authenticator, Filter {
    private final CompletableFuture<Authentication> later = new CompletableFuture<>();

    @Override
    public CompletionStage<Authentication> authenticate(Exchange exchange) {
      return later;
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      chain.doFilter(request, response);
      if (request.isAsyncStarted()) {
        Caller caller = Caller.builder(Caller.Kind.OTHER, "late").build();
        later.completeAsync(() -> new Authentication.Authenticated(caller));
      }
    }
  }

  @BeforeEach
  void start() {
    start(builder -> {});
  }

  private void start(Consumer<BootApplication.Builder> more, String... properties) {
    List<String> all = new ArrayList<>(List.of(properties));
    all.add("llmguard.enabled=true");
    all.add("llmguard.master-key=" + MASTER);
    BootApplication.Builder builder =
        BootApplication.with(all.toArray(String[]::new)).source(Application.class).security();
    more.accept(builder);
    application = builder.start();
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
    assertThat(get("/api/who", 200, "Authorization: Bearer " + MASTER))
        .startsWith("Caller ")
        .doesNotContain(MASTER);
    assertThat(get("/api/caller", 200, "Authorization: Bearer " + MASTER)).isNotEmpty();
  }

  @Test
  void aCallerWhoIsKnownLaterIsWhoSpringSecuritySees() throws Exception {
    stop();
    LateAuthenticator late = new LateAuthenticator();
    FilterRegistrationBean<LateAuthenticator> first = new FilterRegistrationBean<>(late);
    first.setOrder(Ordered.HIGHEST_PRECEDENCE);
    start(
        builder ->
            builder.bean(Authenticator.class, late).bean(FilterRegistrationBean.class, first),
        "llmguard.web.async-dispatch=true");
    assertThat(get("/api/who", 200)).startsWith("Caller late ");
  }

  @Test
  void springSecurityHasItsOwnSay() throws Exception {
    get("/api/models", 403, "Authorization: Bearer " + MASTER);
    get("/elsewhere", 403, "Authorization: Bearer " + MASTER);
  }

  @Test
  void theGuardRefusesBeforeIt() throws Exception {
    assertThat(get("/api/who", 401)).contains("credential");
  }
}
