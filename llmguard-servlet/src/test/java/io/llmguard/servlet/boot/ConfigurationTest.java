package io.llmguard.servlet.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.ByteSize;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.KeyDatabase;
import io.llmguard.audit.AuditStage;
import io.llmguard.key.KeyStore;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.policy.ModelStage;
import io.llmguard.servlet.LlmGuardFilter;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.springframework.boot.web.servlet.FilterRegistrationBean;

/** What {@code llmguard.*} does, and what a wrong one says. */
@Tag("boot")
class ConfigurationTest {
  private static final String MASTER = "0123456789abcdef0123456789abcdef";

  @TempDir private Path folder;

  private BootApplication start(String... more) {
    return builder(more).start();
  }

  private BootApplication.Builder builder(String... more) {
    String[] properties = new String[more.length + 2];
    properties[0] = "llmguard.enabled=true";
    properties[1] = "llmguard.data-dir=" + folder;
    System.arraycopy(more, 0, properties, 2, more.length);
    return BootApplication.with(properties);
  }

  /** Starts what must not start, and answers what was said to the person. */
  private String failure(String... properties) {
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(logged);
    try {
      assertThat(catchThrowable(() -> start(properties).close())).isNotNull();
    } finally {
      root.detachAppender(logged);
    }
    return logged.list.stream()
        .filter(event -> event.getLoggerName().contains("LoggingFailureAnalysisReporter"))
        .map(ILoggingEvent::getFormattedMessage)
        .collect(Collectors.joining("\n"));
  }

  @Test
  void nothingIsThereUntilItIsSwitchedOn() {
    try (BootApplication application = BootApplication.with().start()) {
      assertThat(application.context().getBeanProvider(Guard.class).getIfAvailable()).isNull();
    }
  }

  @Test
  void everySettingReachesTheGuard() {
    try (BootApplication application =
        start(
            "llmguard.master-key=" + MASTER,
            "llmguard.rate-limits.per-key.requests=100",
            "llmguard.rate-limits.per-key.per=10s",
            "llmguard.rate-limits.per-key.on-store-failure=fail-open",
            "llmguard.rate-limits.tokens.tokens=5000",
            "llmguard.rate-limits.per-model[llama3*].requests=3",
            "llmguard.limits.body=512KB",
            "llmguard.allow-networks=127.0.0.0/8,::1",
            "llmguard.web.order=-90")) {
      GuardSettings settings = application.context().getBean(GuardSettings.class);
      assertThat(settings.rateLimits().perKey().limit())
          .isEqualTo(new RateLimit(100, Duration.ofSeconds(10), 0));
      assertThat(settings.rateLimits().perKey().mode().failOpen()).isTrue();
      assertThat(settings.rateLimits().perIp().limit())
          .isEqualTo(new RateLimit(30, Duration.ofMinutes(1), 10));
      assertThat(settings.rateLimits().tokens().limit().capacity()).isEqualTo(5000);
      assertThat(settings.rateLimits().perModel()).containsOnlyKeys("llama3*");
      assertThat(settings.limits().body()).isEqualTo(new ByteSize(512 << 10));
      assertThat(settings.allowNetworks()).containsExactly("127.0.0.0/8", "::1");
      assertThat(settings.toString()).doesNotContain(MASTER);
      assertThat(
              application
                  .context()
                  .getBean("llmGuardFilterRegistration", FilterRegistrationBean.class)
                  .getOrder())
          .isEqualTo(-90);
      assertThat(folder.resolve("first-key.txt")).doesNotExist();
    }
  }

  @Test
  void theGuardStandsBeforeSpringSecurityUnlessToldOtherwise() {
    assertThat(ApplicationSettings.Web.DEFAULTS.order()).isLessThan(-100);
  }

  @Test
  void theApplicationsOwnBeansTakeThePlaceOfEach() throws Exception {
    MemoryKeyStore keys = new MemoryKeyStore();
    try (Guard guard = Guard.builder().build();
        InMemoryRateLimitStore counters =
            new InMemoryRateLimitStore(io.llmguard.TimeSource.system());
        BootApplication application =
            builder()
                .bean(KeyStore.class, keys)
                .bean(Guard.class, guard)
                .bean(RateLimitStore.class, counters)
                .bean(LlmGuardFilter.class, new LlmGuardFilter(guard))
                .start()) {
      var context = application.context();
      assertThat(context.getBeanNamesForType(KeyStore.class)).containsExactly("testKeyStore");
      assertThat(context.getBeanNamesForType(KeyDatabase.class)).isEmpty();
      assertThat(context.getBeanNamesForType(Guard.class)).containsExactly("testGuard");
      assertThat(context.getBeanNamesForType(RateLimitStore.class))
          .containsExactly("testRateLimitStore");
      assertThat(context.getBeanNamesForType(LlmGuardFilter.class))
          .containsExactly("testLlmGuardFilter");
      assertThat(folder.resolve("llmguard.db")).doesNotExist();
      assertThat(keys.list()).hasSize(1);
    }
  }

  @Test
  void aStageOfTheApplicationsJoinsTheGuard() {
    GuardAssembly.Customizer customizer =
        guard -> guard.stage(StandardGuard.Place.MODEL, new ModelStage());
    try (BootApplication application =
        builder().bean(GuardAssembly.Customizer.class, customizer).start()) {
      assertThat(application.context().getBean(Guard.class).stages())
          .filteredOn(stage -> stage.name().equals("model"))
          .hasSize(2);
    }
  }

  @Test
  void withoutAnAuditTrailThereIsNone() {
    try (BootApplication application = start("llmguard.audit.enabled=false")) {
      assertThat(application.context().getBeanProvider(AuditStage.class).getIfAvailable()).isNull();
      assertThat(folder.resolve("audit.jsonl")).doesNotExist();
    }
  }

  @Test
  void aWrongValueIsNamedWithItsPropertyAndNoStackTrace() {
    assertThat(failure("llmguard.trusted-proxies=300.0.0.0/8"))
        .contains("llmguard.trusted-proxies", "300.0.0.0/8", "Action:")
        .doesNotContain("\tat ");
    assertThat(failure("llmguard.key-headers=x-mine"))
        .contains("llmguard.key-headers", "x-goog-api-key");
    assertThat(failure("llmguard.web.paths=/api/{id}")).contains("llmguard.web.paths", "/api/**");
    assertThat(failure("llmguard.proxy.url=ftp://x")).contains("llmguard.proxy.url");
    assertThat(failure("llmguard.rate-limits.per-key.requests=0"))
        .contains("llmguard.rate-limits.per-key");
  }

  @Test
  void aMisspeltPropertyIsRefused() {
    assertThat(failure("llmguard.rate-limit.per-key.requests=1"))
        .contains("llmguard.rate-limit.per-key.requests");
    assertThat(failure("llmguard.web.path=/x/**")).contains("llmguard.web.path");
  }

  @Test
  void aValueThatIsNoneOfAKindIsRefused() {
    assertThat(failure("llmguard.plain-http=maybe")).contains("llmguard.plain-http", "REDIRECT");
  }

  @Test
  void aSecretIsInNoMessage() {
    String said = failure("llmguard.proxy.url=http://user:hunter2@host/", "llmguard.enabled=true");
    assertThat(said).contains("llmguard.proxy.url").doesNotContain("hunter2");
  }

  @Test
  void callsOfLlmApisGoOnToTheServerAndAreCountedInTheApplicationsRegistry() throws Exception {
    Recording chat = Recording.of("openai-chat-once");
    try (ReplayUpstream upstream = ReplayUpstream.start();
        BootApplication application =
            start(
                "llmguard.proxy.url=" + upstream.uri(),
                "llmguard.proxy.paths=/v1/**",
                "llmguard.master-key=" + MASTER,
                "management.endpoints.web.exposure.include=health,llmguard",
                "management.endpoint.health.show-details=always",
                "management.endpoint.health.show-components=always")) {
      upstream.enqueue(Answer.replay(chat));
      try (RawHttp client = RawHttp.connect(application.port())) {
        client.post(chat.path(), chat.bodyText(), "Authorization: Bearer " + MASTER);
        assertThat(client.readHead().status()).isEqualTo(200);
        assertThat(client.readBody()).isEqualTo(chat.responseBody());
      }
      try (RawHttp client = RawHttp.connect(application.port())) {
        // no part of an LLM server's API, and not the application's either
        client.get("/v1/slots", "Authorization: Bearer " + MASTER);
        assertThat(client.readHead().status()).isEqualTo(404);
      }
      MeterRegistry registry = application.context().getBean(MeterRegistry.class);
      assertThat(registry.getMeters())
          .anyMatch(meter -> meter.getId().getName().startsWith("llmguard."));
      assertThat(read(application, "/actuator/llmguard"))
          .contains("\"serving\":true", "\"/v1/*\"", "authentication", "\"audit\"")
          .doesNotContain(MASTER);
      assertThat(read(application, "/actuator/health"))
          .contains("\"llmguard\":{", "\"status\":\"UP\"", "\"records\"");
    }
    assertThat(Files.readString(folder.resolve("audit.jsonl")))
        .contains("/v1/chat/completions")
        .doesNotContain(MASTER);
  }

  private static String read(BootApplication application, String path) throws Exception {
    try (RawHttp client = RawHttp.connect(application.port())) {
      client.get(path, "Accept: application/json");
      client.readHead();
      return client.readText();
    }
  }
}
