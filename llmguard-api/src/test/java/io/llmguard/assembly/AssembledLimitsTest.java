package io.llmguard.assembly;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Guard;
import io.llmguard.TimeSource;
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
  private static final String CHAT = "{\"model\":\"llama3\",\"messages\":[]}";
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
            usual.ceilings(),
            usual.audit());
    KeyDirectory keys = KeyDirectory.builder(store).open();
    directories.add(keys);
    return GuardAssembly.builder(settings, keys, counted)
        .limitListener((policy, event) -> heard.add(policy + " " + event))
        .build()
        .forCalls(EndpointCatalogue.standard());
  }

  private static String word(Guard guard, String key) {
    Decision decision =
        guard.admit(TestRequest.post("/api/chat", CHAT).bearer(key)).toCompletableFuture().join();
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
