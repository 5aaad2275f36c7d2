package io.llmguard.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.TimeSource;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.ByteSize;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendLedger;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendSum;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inspect.Prompt;
import io.llmguard.inspect.PromptInspector;
import io.llmguard.inspect.Verdict;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyLookup;
import io.llmguard.key.KeyStore;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitKey;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.policy.ModelStage;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What {@code llmguard.*} does, and what a wrong one says. */
@Tag("boot")
@Timeout(120)
public abstract class ConfigurationContract {
  private static final KeyLookup NOBODY =
      hash -> CompletableFuture.completedFuture(new KeyLookup.Answer.Unknown());

  private static final String MASTER = "0123456789abcdef0123456789abcdef";

  private static final String FORM =
      """
      --guarded-form
      Content-Disposition: form-data; name="model"

      whisper
      --guarded-form
      Content-Disposition: form-data; name="file"; filename="a.wav"

      RIFF
      --guarded-form--
      """
          .replace("\n", "\r\n");

  @TempDir private Path folder;

  /** Where the guard's filter stands in this application. */
  protected abstract int order(ApplicationContext context);

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
      assertThat(order(application.context())).isEqualTo(-90);
      assertThat(folder.resolve("first-key.txt")).doesNotExist();
    }
  }

  @Test
  void theGuardStandsBeforeSpringSecurityUnlessToldOtherwise() {
    assertThat(ApplicationSettings.Web.DEFAULTS.order()).isLessThan(-100);
  }

  @Test
  void anApplicationWithItsOwnKeyStoreHasNoOther() {
    MemoryKeyStore keys = new MemoryKeyStore();
    try (BootApplication application =
        builder("llmguard.spend.enabled=false").bean(KeyStore.class, keys).start()) {
      assertThat(application.context().getBeanNamesForType(KeyStore.class))
          .containsExactly("testKeyStore");
      assertThat(keys.list()).hasSize(1);
      assertThat(folder.resolve("llmguard.db")).doesNotExist();
    }
  }

  @Test
  void whatTheApplicationsOwnGuardIsNotMadeOfIsNotMade() throws Exception {
    try (Guard guard = Guard.builder().build();
        BootApplication application =
            builder("management.endpoints.web.exposure.include=llmguard")
                .bean(Guard.class, guard)
                .start()) {
      assertThat(read(application, "/actuator/llmguard")).contains("\"stages\":[]");
      assertThat(application.context().getBeanNamesForType(Guard.class))
          .containsExactly("testGuard");
      assertThat(folder).isEmptyDirectory();
    }
  }

  @Test
  void whatTheApplicationsOwnAssemblyIsNotMadeOfIsNotMade() {
    try (InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system());
        BootApplication application =
            builder()
                .bean(
                    GuardAssembly.class,
                    GuardAssembly.builder(GuardSettings.DEFAULTS, NOBODY, counters).build())
                .start()) {
      assertThat(application.context().getBean(InProcessGuard.class)).isNotNull();
      assertThat(folder).isEmptyDirectory();
    }
  }

  @Test
  void anApplicationThatLooksKeysUpItselfHasNoFirstKey() {
    try (BootApplication application = builder().bean(KeyLookup.class, NOBODY).start()) {
      assertThat(application.context().getBeansOfType(KeyLookup.class)).hasSize(1);
      assertThat(folder.resolve("first-key.txt")).doesNotExist();
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
          .contains("\"serving\":true", "\"/v1/**\"", "authentication", "\"audit\"")
          .doesNotContain(MASTER);
      assertThat(read(application, "/actuator/health"))
          .contains("\"llmguard\":{", "\"status\":\"UP\"", "\"records\"");
    }
    assertThat(Files.readString(folder.resolve("audit.jsonl")))
        .contains("/v1/chat/completions")
        .doesNotContain(MASTER);
  }

  @Test
  void aFormIsTakenWhereNothingElseHasMadeTheDataDirectory() throws Exception {
    Path missing = folder.resolve("missing");
    try (ReplayUpstream upstream = ReplayUpstream.start();
        BootApplication application =
            builder(
                    "llmguard.data-dir=" + missing,
                    "llmguard.master-key=" + MASTER,
                    "llmguard.audit.enabled=false",
                    "llmguard.spend.enabled=false",
                    "llmguard.proxy.url=" + upstream.uri())
                .bean(KeyStore.class, new MemoryKeyStore())
                .start()) {
      upstream.enqueue(Answer.plain("application/json", "{\"text\":\"hello\"}"));
      assertThat(missing).doesNotExist();
      try (RawHttp client = RawHttp.connect(application.port())) {
        client.request(
            "POST",
            "/v1/audio/transcriptions",
            FORM.getBytes(StandardCharsets.UTF_8),
            "Content-Type: multipart/form-data; boundary=guarded-form",
            "Authorization: Bearer " + MASTER);
        assertThat(client.readHead().status()).isEqualTo(200);
        assertThat(client.readText()).contains("hello");
      }
    }
  }

  @Test
  void aKeysOwnBudgetHolds() throws Exception {
    MemoryKeyStore keys = new MemoryKeyStore();
    IssuedKey poor =
        new KeyIssuer(keys, TimeSource.system())
            .issue("poor", options -> options.budget(new BigDecimal("0.000000001"), "1d"));
    Recording chat = Recording.of("openai-chat-once");
    try (ReplayUpstream upstream = ReplayUpstream.start();
        BootApplication application =
            builder("llmguard.proxy.url=" + upstream.uri()).bean(KeyStore.class, keys).start()) {
      assertThat(status(application, chat, poor.key().reveal())).isEqualTo(429);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aConfiguredBudgetHoldsAndIsMeasured() throws Exception {
    Recording chat = Recording.of("openai-chat-once");
    try (ReplayUpstream upstream = ReplayUpstream.start();
        BootApplication application =
            start(
                "llmguard.proxy.url=" + upstream.uri(),
                "llmguard.master-key=" + MASTER,
                "llmguard.budgets[0].for=key",
                "llmguard.budgets[0].tokens=100000",
                "llmguard.budgets[0].window=1d",
                "llmguard.budgets[0].timezone=Europe/Berlin",
                "llmguard.budgets[1].for=model",
                "llmguard.budgets[1].name=large*",
                "llmguard.budgets[1].tokens=1")) {
      upstream.enqueue(Answer.replay(chat));
      assertThat(status(application, chat, MASTER)).isEqualTo(200);
      SpendLedger ledger = application.context().getBean(SpendLedger.class);
      List<SpendSum> spent = ledger.sums(SpendQuery.ALL, SpendGroup.CALLER);
      while (spent.isEmpty()) { // it is kept once the answer is with the client
        Thread.onSpinWait();
        spent = ledger.sums(SpendQuery.ALL, SpendGroup.CALLER);
      }
      assertThat(spent.get(0).outputTokens()).isPositive();
      String large = chat.bodyText().replace("gemma3:270m", "large");
      assertThat(post(application, chat.path(), large)).isEqualTo(429);
      MeterRegistry registry = application.context().getBean(MeterRegistry.class);
      assertThat(registry.get("llmguard.limit.store.up").tag("policy", "budget").gauge().value())
          .isEqualTo(1);
    }
  }

  @Test
  void aBudgetThatCannotHoldIsNamed() {
    assertThat(failure("llmguard.budgets[0].for=key", "llmguard.budgets[0].window=1d"))
        .contains("llmguard.budgets[0]", "usd", "tokens");
    assertThat(
            failure(
                "llmguard.budgets[0].for=team",
                "llmguard.budgets[0].usd=1",
                "llmguard.budgets[0].window=fortnight"))
        .contains("llmguard.budgets[0].window", "1mo");
    assertThat(
            failure(
                "llmguard.budgets[0].for=key",
                "llmguard.budgets[0].usd=1",
                "llmguard.budgets[0].name=nobodys"))
        .contains("llmguard.budgets[0].name");
    assertThat(failure("llmguard.default-price=-1")).contains("llmguard.default-price");
    assertThat(failure("llmguard.spend.output-token=1")).contains("llmguard.spend.output-token");
  }

  @Test
  void budgetsOfKeysThatHaveNoEffectAreWarnedAbout() {
    MemoryKeyStore keys = new MemoryKeyStore();
    new KeyIssuer(keys, TimeSource.system())
        .issue("rich", options -> options.budget(new BigDecimal("100"), "1mo"));
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.start();
    Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(logged);
    try (BootApplication application =
        builder("llmguard.spend.enabled=false").bean(KeyStore.class, keys).start()) {
      assertThat(application.context().getBeansOfType(SpendLedger.class)).isEmpty();
    } finally {
      root.detachAppender(logged);
    }
    assertThat(logged.list)
        .extracting(ILoggingEvent::getFormattedMessage)
        .anyMatch(line -> line.contains("llmguard.spend.enabled is false"));
  }

  @Test
  void healthIsDownWhileCountersAreOutOfReachAndUpAgainWithoutACall() throws Exception {
    FailingCounters counters = new FailingCounters();
    try (BootApplication application =
        builder(
                "llmguard.master-key=" + MASTER,
                "management.endpoint.health.show-details=always",
                "management.endpoint.health.show-components=always")
            .bean(RateLimitStore.class, counters)
            .start()) {
      assertThat(read(application, "/actuator/health")).contains("\"status\":\"UP\"");
      counters.failing = true;
      try (RawHttp client = RawHttp.connect(application.port())) {
        client.get("/api/anything", "Authorization: Bearer " + MASTER);
        assertThat(client.readHead().status()).isEqualTo(503);
      }
      assertThat(health(application).at("/components/llmguard/status").asText()).isEqualTo("DOWN");
      assertThat(
              health(application)
                  .at("/components/llmguard/details/address-rate-limit/storeAvailable")
                  .asBoolean(true))
          .isFalse();
      MeterRegistry registry = application.context().getBean(MeterRegistry.class);
      assertThat(registry.get("llmguard.limit.store.up").tag("policy", "per-ip").gauge().value())
          .isZero();
      counters.failing = false;
      health(application); // asks again
      assertThat(health(application).at("/components/llmguard/status").asText()).isEqualTo("UP");
    }
  }

  @Test
  void healthIsDownWhileTheAuditTrailFails() throws Exception {
    AtomicBoolean full = new AtomicBoolean(true);
    try (AuditStage audit =
            new AuditStage(
                AuditQueue.to(
                        events -> {
                          if (full.get()) {
                            throw new IOException("the disk is full");
                          }
                        })
                    .build());
        BootApplication application =
            builder(
                    "llmguard.master-key=" + MASTER,
                    "management.endpoint.health.show-components=always")
                .bean(AuditStage.class, audit)
                .start()) {
      try (RawHttp client = RawHttp.connect(application.port())) {
        client.get("/api/anything");
        assertThat(client.readHead().status()).isEqualTo(401);
      }
      JsonNode health = health(application);
      while (health.at("/components/llmguard/status").asText().equals("UP")) {
        Thread.onSpinWait();
        health = health(application);
      }
      assertThat(health.at("/components/llmguard/status").asText()).isEqualTo("DOWN");
      full.set(false); // so that it ends at once
    }
  }

  /** An endpoint of the application's own, in place of the guard's. */
  @Endpoint(id = "llmguard")
  public static final class OwnEndpoint {
    /** What it answers. */
    @ReadOperation
    public Map<String, String> answer() {
      return Map.of("own", "yes");
    }
  }

  /** Its configuration. */
  @Configuration(proxyBeanMethods = false)
  static class WithOwnEndpoint {
    @Bean
    OwnEndpoint llmGuardEndpoint() {
      return new OwnEndpoint();
    }
  }

  @Test
  void anEndpointOfTheApplicationsOwnTakesThePlaceOfTheGuards() throws Exception {
    try (BootApplication application =
        builder("management.endpoints.web.exposure.include=llmguard")
            .source(WithOwnEndpoint.class)
            .start()) {
      assertThat(read(application, "/actuator/llmguard")).isEqualTo("{\"own\":\"yes\"}");
    }
  }

  @Test
  void whereTheApplicationAnswersAsAnLlmServerBodiesAreJudged() throws Exception {
    try (BootApplication application =
        start("llmguard.master-key=" + MASTER, "llmguard.web.llm-paths=/v1/**")) {
      assertThat(post(application, "/v1/chat/completions", "{\"model\":1}")).isEqualTo(400);
      assertThat(post(application, "/v1/slots", "{}")).isEqualTo(404);
      // the application's own, which has no such controller
      assertThat(post(application, "/api/chat", "{\"model\":1}")).isEqualTo(404);
    }
  }

  private static int post(BootApplication application, String path, String body) throws Exception {
    try (RawHttp client = RawHttp.connect(application.port())) {
      client.post(path, body, "Authorization: Bearer " + MASTER);
      return client.readHead().status();
    }
  }

  private static int status(BootApplication application, Recording call, String key)
      throws Exception {
    try (RawHttp client = RawHttp.connect(application.port())) {
      client.post(call.path(), call.bodyText(), "Authorization: Bearer " + key);
      int status = client.readHead().status();
      client.readBody();
      return status;
    }
  }

  private static JsonNode health(BootApplication application) throws Exception {
    return new ObjectMapper().readTree(read(application, "/actuator/health"));
  }

  /** Counters in this process that can be out of reach. */
  private static final class FailingCounters implements RateLimitStore {
    private final InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system());
    private volatile boolean failing;

    private <T> CompletionStage<T> unless(CompletionStage<T> answer) {
      return failing
          ? CompletableFuture.failedFuture(new IllegalStateException("out of reach"))
          : answer;
    }

    @Override
    public CompletionStage<Probe> tryConsume(LimitKey key, RateLimit limit, long amount) {
      return unless(counters.tryConsume(key, limit, amount));
    }

    @Override
    public CompletionStage<Probe> peek(LimitKey key, RateLimit limit, long amount) {
      return unless(counters.peek(key, limit, amount));
    }

    @Override
    public CompletionStage<Void> charge(LimitKey key, RateLimit limit, long amount) {
      return unless(counters.charge(key, limit, amount));
    }

    @Override
    public CompletionStage<Void> refund(LimitKey key, RateLimit limit, long amount) {
      return unless(counters.refund(key, limit, amount));
    }

    @Override
    public void close() {
      counters.close();
    }
  }

  @Test
  void contentGuardsAreSetByPropertiesAndByBeans() throws Exception {
    PromptInspector own =
        new PromptInspector() {
          @Override
          public String name() {
            return "own";
          }

          @Override
          public Verdict inspect(Prompt prompt) {
            boolean bad = prompt.parts().stream().anyMatch(part -> part.text().contains("bad"));
            return bad ? new Verdict.Refuse("word") : Verdict.ALLOW;
          }
        };
    try (ReplayUpstream upstream = ReplayUpstream.start();
        BootApplication application =
            builder(
                    "llmguard.proxy.url=" + upstream.uri(),
                    "llmguard.proxy.paths=/v1/**",
                    "llmguard.master-key=" + MASTER,
                    "llmguard.content-guards.personal-data.prompts=redact",
                    "llmguard.content-guards.personal-data.kinds=email,ip-address")
                .bean(PromptInspector.class, own)
                .start()) {
      upstream.enqueue(Answer.replay(Recording.of("openai-chat-once")));
      String chat = "{\"model\":\"m\",\"messages\":[{\"content\":\"%s\",\"role\":\"user\"}]}";
      try (RawHttp client = RawHttp.connect(application.port())) {
        String body = chat.formatted("alice@example.com at 203.0.113.7");
        client.post("/v1/chat/completions", body, "Authorization: Bearer " + MASTER);
        assertThat(client.readHead().status()).isEqualTo(200);
      }
      byte[] sent = upstream.takeRequest().body().bytes();
      assertThat(new String(sent, StandardCharsets.UTF_8)).contains("[email] at [ip-address]");
      try (RawHttp client = RawHttp.connect(application.port())) {
        String body = chat.formatted("a bad word");
        client.post("/v1/chat/completions", body, "Authorization: Bearer " + MASTER);
        assertThat(client.readHead().status()).isEqualTo(400);
        assertThat(client.readText()).contains("content_own_word");
      }
    }
  }

  private static String read(BootApplication application, String path) throws Exception {
    try (RawHttp client = RawHttp.connect(application.port())) {
      client.get(path, "Accept: application/json");
      client.readHead();
      return client.readText();
    }
  }
}
