package io.llmguard.assembly;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Guard;
import io.llmguard.RequestBody;
import io.llmguard.TimeSource;
import io.llmguard.assembly.GuardSettings.CeilingMode;
import io.llmguard.assembly.GuardSettings.Ceilings;
import io.llmguard.assembly.GuardSettings.OnStoreFailure;
import io.llmguard.assembly.GuardSettings.RateLimits;
import io.llmguard.assembly.GuardSettings.RequestLimit;
import io.llmguard.assembly.GuardSettings.TokenLimit;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitKey;
import io.llmguard.limit.LimitListener.Event;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.CallerCeilings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each kind of limit over time, as settings have it, in the guard that is made of them. */
class AssembledLimitsTest {
  private static final String CHAT =
      "{\"model\":\"llama3\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
  private static final RequestLimit MANY =
      new RequestLimit(1_000, Duration.ofHours(1), 999L, false, OnStoreFailure.FAIL_OPEN);

  private final MemoryKeyStore store = new MemoryKeyStore();
  private final KeyIssuer issuer = new KeyIssuer(store, TimeSource.system());
  private final InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system());
  private final List<String> heard = new ArrayList<>();
  private final List<KeyDirectory> directories = new ArrayList<>();

  @AfterEach
  void close() {
    directories.forEach(KeyDirectory::close);
    counters.close();
  }

  private static RequestLimit limit(long requests, boolean shadow, OnStoreFailure onFailure) {
    return new RequestLimit(requests, Duration.ofHours(1), 0L, shadow, onFailure);
  }

  /** The kinds of limits, each with what its policy is called. */
  enum Kind {
    PER_KEY("per-key"),
    PER_IP("per-ip"),
    TOKENS("tokens-per-key"),
    PER_MODEL("per-model");

    private final String policy;

    Kind(String policy) {
      this.policy = policy;
    }

    /** This limit admits one call an hour, and no other limit refuses any. */
    RateLimits one(boolean shadow, OnStoreFailure onFailure) {
      RequestLimit one = limit(1, shadow, onFailure);
      return new RateLimits(
          this == PER_KEY ? one : MANY,
          this == PER_IP ? one : MANY,
          this == TOKENS ? new TokenLimit(1, Duration.ofHours(1), 0L, shadow, onFailure) : null,
          this == PER_MODEL ? Map.of("llama*", one) : Map.of());
    }
  }

  private Guard guard(RateLimits limits, RateLimitStore counted) {
    return guard(limits, Ceilings.DEFAULTS, counted);
  }

  private Guard guard(RateLimits limits, Ceilings ceilings, RateLimitStore counted) {
    GuardSettings usual = GuardSettings.DEFAULTS;
    GuardSettings settings =
        new GuardSettings(
            usual.dataDir(),
            null,
            true,
            List.of(),
            List.of(),
            null,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            usual.plainHttp(),
            null,
            limits,
            usual.concurrency(),
            usual.limits(),
            ceilings,
            usual.audit(),
            usual.contentGuards());
    KeyDirectory keys = KeyDirectory.builder(store).open();
    directories.add(keys);
    return GuardAssembly.builder(settings, keys, counted)
        .limitListener((policy, event) -> heard.add(policy + " " + event))
        .build()
        .forCalls(EndpointCatalogue.standard());
  }

  private static Decision ask(Guard guard, String key, String path, String body) {
    return guard.admit(TestRequest.post(path, body).bearer(key)).toCompletableFuture().join();
  }

  private static String word(Guard guard, String key) {
    return word(ask(guard, key, "/api/chat", CHAT));
  }

  private static String word(Decision decision) {
    return decision instanceof Decision.Refuse refuse
        ? refuse.refusal().status() + " " + refuse.refusal().reason()
        : "admitted";
  }

  private String key() {
    return issuer.issue("ada", r -> r).key().reveal();
  }

  @ParameterizedTest
  @EnumSource
  void aLimitThatIsHeldRefuses(Kind kind) {
    String key = key();
    Guard guard = guard(kind.one(false, OnStoreFailure.FAIL_CLOSED), counters);
    assertThat(word(guard, key)).isEqualTo("admitted");
    assertThat(word(guard, key)).startsWith("429 ");
  }

  @ParameterizedTest
  @EnumSource
  void aLimitInShadowCountsAndReportsAndRefusesNothing(Kind kind) {
    String key = key();
    Guard guard = guard(kind.one(true, OnStoreFailure.FAIL_CLOSED), counters);
    assertThat(word(guard, key)).isEqualTo("admitted");
    assertThat(heard).contains(kind.policy + " " + Event.ADMITTED);
    assertThat(heard).doesNotContain(kind.policy + " " + Event.SHADOW_REFUSED);
    assertThat(word(guard, key)).isEqualTo("admitted");
    assertThat(heard).contains(kind.policy + " " + Event.SHADOW_REFUSED);
    assertThat(heard).noneMatch(event -> event.endsWith(" " + Event.REFUSED));
  }

  @ParameterizedTest
  @EnumSource
  void whatALimitDoesWhileItsCountersAreOutOfReachIsItsOwnChoice(Kind kind) {
    String key = key();
    assertThat(word(guard(kind.one(false, OnStoreFailure.FAIL_CLOSED), new BrokenStore()), key))
        .isEqualTo("503 limit-unavailable");
    assertThat(word(guard(kind.one(false, OnStoreFailure.FAIL_OPEN), new BrokenStore()), key))
        .isEqualTo("admitted");
    assertThat(heard).contains(kind.policy + " " + Event.PASSED_UNCHECKED);
  }

  @Test
  void aKeysOwnLimitOnAModelHoldsWhereNoneIsConfigured() {
    RateLimit one = new RateLimit(1, Duration.ofHours(1), 0);
    LimitSet own = new LimitSet(null, null, null, Map.of("llama*", one));
    String limited = issuer.issue("bob", r -> r.limits(own)).key().reveal();
    String other = key();
    Guard guard = guard(new RateLimits(MANY, MANY, null, Map.of()), counters);
    assertThat(word(guard, limited)).isEqualTo("admitted");
    assertThat(word(guard, limited)).isEqualTo("429 rate-limit");
    assertThat(word(guard, other)).isEqualTo("admitted");
    assertThat(word(guard, other)).isEqualTo("admitted");
  }

  private static String forwarded(Decision decision) {
    RequestBody body = ((Decision.Admit) decision).exchange().body();
    return StandardCharsets.UTF_8.decode(((RequestBody.InMemory) body).content()).toString();
  }

  private static Ceilings ceilings(CeilingMode mode, Duration minKeepAlive, boolean loadOnly) {
    return new Ceilings(
        mode, 1_000L, null, null, minKeepAlive, loadOnly, true, null, null, false, false, false);
  }

  @Test
  void aModelIsNotUnloadedForEveryoneWhereThatIsSet() {
    RateLimits many = new RateLimits(MANY, MANY, null, Map.of());
    String key = key();
    String unload = "{\"model\":\"m\",\"prompt\":\"hi\",\"keep_alive\":0}";
    String load = "{\"model\":\"m\",\"prompt\":\"\"}";
    Duration minute = Duration.ofMinutes(1);

    Guard usual = guard(many, Ceilings.DEFAULTS, counters);
    assertThat(forwarded(ask(usual, key, "/api/generate", unload))).isEqualTo(unload);
    assertThat(forwarded(ask(usual, key, "/api/generate", load))).isEqualTo(load);

    Guard clamping = guard(many, ceilings(CeilingMode.CLAMP, minute, false), counters);
    assertThat(forwarded(ask(clamping, key, "/api/generate", unload)))
        .contains("\"keep_alive\":\"60000ms\"");
    assertThat(word(ask(clamping, key, "/api/generate", load))).isEqualTo("403 load-only");

    Guard refusing = guard(many, ceilings(CeilingMode.REFUSE, minute, true), counters);
    assertThat(word(ask(refusing, key, "/api/generate", unload))).isEqualTo("403 ceiling-exceeded");
    assertThat(word(ask(refusing, key, "/api/generate", load))).isEqualTo("admitted");
  }

  @Test
  void aKeysOwnCeilingsHoldBelowThoseOfAll() {
    LimitSet own =
        LimitSet.CONFIGURED.with(
            CallerCeilings.parse(Map.of("output_tokens", 10, "load_only", false)));
    String narrow = issuer.issue("bob", r -> r.limits(own)).key().reveal();
    LimitSet wide = LimitSet.CONFIGURED.with(CallerCeilings.parse(Map.of("output_tokens", 5_000)));
    String generous = issuer.issue("eve", r -> r.limits(wide)).key().reveal();
    String other = key();
    Guard guard =
        guard(
            new RateLimits(MANY, MANY, null, Map.of()),
            ceilings(CeilingMode.CLAMP, Duration.ZERO, true),
            counters);
    assertThat(forwarded(ask(guard, narrow, "/api/chat", CHAT))).contains("\"num_predict\":10}");
    assertThat(forwarded(ask(guard, generous, "/api/chat", CHAT)))
        .contains("\"num_predict\":1000}");
    assertThat(forwarded(ask(guard, other, "/api/chat", CHAT))).contains("\"num_predict\":1000}");
    String load = "{\"model\":\"m\",\"prompt\":\"\"}";
    assertThat(word(ask(guard, narrow, "/api/generate", load))).isEqualTo("403 load-only");
    assertThat(word(ask(guard, other, "/api/generate", load))).isEqualTo("admitted");
  }

  /** Counters that are out of reach. */
  private static final class BrokenStore implements RateLimitStore {
    private static <T> CompletionStage<T> failed() {
      return CompletableFuture.failedFuture(new IllegalStateException("out of reach"));
    }

    @Override
    public CompletionStage<Probe> tryConsume(LimitKey key, RateLimit limit, long amount) {
      return failed();
    }

    @Override
    public CompletionStage<Probe> peek(LimitKey key, RateLimit limit, long amount) {
      return failed();
    }

    @Override
    public CompletionStage<Void> charge(LimitKey key, RateLimit limit, long amount) {
      return failed();
    }

    @Override
    public CompletionStage<Void> refund(LimitKey key, RateLimit limit, long amount) {
      return failed();
    }

    @Override
    public void close() {}
  }
}
