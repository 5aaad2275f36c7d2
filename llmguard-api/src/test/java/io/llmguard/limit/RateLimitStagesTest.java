package io.llmguard.limit;

import static io.llmguard.limit.Fixtures.admitted;
import static io.llmguard.limit.Fixtures.ask;
import static io.llmguard.limit.Fixtures.caller;
import static io.llmguard.limit.Fixtures.chat;
import static io.llmguard.limit.Fixtures.prepare;
import static io.llmguard.limit.Fixtures.refuse;
import static io.llmguard.limit.Fixtures.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.limit.LimitListener.Event;
import io.llmguard.testkit.ManualTime;
import io.llmguard.upstream.FallbackGate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class RateLimitStagesTest {
  private static final RateLimit TEN = new RateLimit(10, Duration.ofMinutes(1), 5);
  private static final RateLimit ONE = new RateLimit(1, Duration.ofMinutes(1), 0);
  private static final LimitSet TEN_REQUESTS = new LimitSet(TEN, null, null, Map.of());

  private final ManualTime time = new ManualTime();
  private final InMemoryRateLimitStore store = new InMemoryRateLimitStore(time);
  private final List<String> heard = new ArrayList<>();
  private final LimitListener listener = (policy, event) -> heard.add(policy + " " + event);
  private final Stage alice = prepare(e -> e.caller(caller("alice", LimitSet.CONFIGURED)));

  private Guard guard(Stage... stages) {
    Guard.Builder builder = Guard.builder().time(time);
    for (Stage stage : stages) {
      builder.stage(stage);
    }
    return builder.build();
  }

  @Test
  void lesson429WithoutRetryAfterOrAlwaysTheWholeWindow() {
    Guard guard = guard(alice, new CallerRateLimitStage(store, TEN_REQUESTS));
    for (int i = 5; i >= 0; i--) {
      Exchange exchange = admitted(ask(guard));
      assertThat(exchange.responseHeaders().all("RateLimit"))
          .containsExactly("\"per-key\";r=" + i + ";t=6");
      assertThat(exchange.responseHeaders().all("RateLimit-Policy"))
          .containsExactly("\"per-key\";q=10;w=60");
    }
    time.advance(Duration.ofMillis(1500));
    Refusal seventh = refused(ask(guard));
    assertThat(seventh.status()).isEqualTo(429);
    assertThat(seventh.reason()).isEqualTo("rate-limit");
    assertThat(seventh.headers().first("Retry-After")).isEqualTo("5");
    assertThat(seventh.headers().first("RateLimit")).isEqualTo("\"per-key\";r=0;t=5");
    assertThat(seventh.headers().first("RateLimit-Policy")).isEqualTo("\"per-key\";q=10;w=60");
    time.advance(Duration.ofMillis(4400));
    assertThat(refused(ask(guard)).headers().first("Retry-After")).isEqualTo("1");
    time.advance(Duration.ofMillis(100));
    admitted(ask(guard));
  }

  @Test
  void lessonLimitAnsweredWith503ByDefault() {
    Guard guard = guard(new AddressRateLimitStage(store, ONE));
    admitted(ask(guard));
    assertThat(refused(ask(guard)).status()).isEqualTo(429);
  }

  @Test
  void lessonRefusedCallsStillUseUpTheRequestCount() {
    AddressRateLimitStage address = new AddressRateLimitStage(store, TEN);
    Guard refusing =
        guard(address, alice, new CallerRateLimitStage(store, TEN_REQUESTS), refuse(403));
    for (int i = 0; i < 6; i++) {
      assertThat(refused(ask(refusing)).reason()).isEqualTo("later");
    }
    // the charge of the address stays
    assertThat(refused(ask(refusing)).reason()).isEqualTo("rate-limit");
    assertThat(refused(ask(refusing)).headers().first("RateLimit")).startsWith("\"per-ip\"");
    Guard open = guard(alice, new CallerRateLimitStage(store, TEN_REQUESTS));
    for (int i = 0; i < 6; i++) {
      admitted(ask(open));
    }
    assertThat(refused(ask(open)).status()).isEqualTo(429);
  }

  @Test
  void lessonCounting401sAgainstAVictimsQuotaLeaksInformation() {
    Guard unauthenticated =
        guard(
            new AddressRateLimitStage(store, TEN),
            refuse(401),
            alice,
            new CallerRateLimitStage(store, TEN_REQUESTS));
    for (int i = 0; i < 20; i++) {
      refused(ask(unauthenticated, "198.51.100.7"));
    }
    Guard open = guard(alice, new CallerRateLimitStage(store, TEN_REQUESTS));
    assertThat(admitted(ask(open)).responseHeaders().first("RateLimit")).contains("r=5");
  }

  @Test
  void lessonAPolicyNameIsNeverTheKeyOrTheUser() {
    Stage planted =
        prepare(
            e -> {
              e.caller(caller("planted-id", new LimitSet(TEN, TEN, 1, Map.of("m", TEN))));
              e.call(chat("m", 4, 1L));
            });
    Guard guard =
        guard(
            new AddressRateLimitStage(store, TEN),
            planted,
            new CallerRateLimitStage(store, LimitSet.CONFIGURED),
            ModelRateLimitStage.builder(store).build(),
            TokenRateLimitStage.builder(store).build());
    Exchange exchange = admitted(ask(guard));
    assertThat(exchange.responseHeaders().all("RateLimit"))
        .containsExactly(
            "\"per-ip\";r=5;t=6",
            "\"per-key\";r=5;t=6",
            "\"per-key-model\";r=5;t=6",
            "\"tokens-per-key\";r=3;t=6");
    assertThat(exchange.responseHeaders().all("RateLimit-Policy"))
        .contains("\"tokens-per-key\";q=10;qu=\"tokens\";w=60")
        .allSatisfy(value -> assertThat(value).doesNotContain("planted"));
    exchange.onComplete(io.llmguard.Outcome.COMPLETED);
    for (int i = 0; i < 8; i++) {
      if (ask(guard) instanceof Decision.Refuse refuse) {
        assertThat(refuse.refusal().detail()).doesNotContain("planted");
      }
    }
  }

  @Test
  void theCallersOwnLimitWinsOverTheConfiguredOne() {
    Stage bob = prepare(e -> e.caller(caller("bob", new LimitSet(ONE, null, null, Map.of()))));
    Guard guard = guard(bob, new CallerRateLimitStage(store, TEN_REQUESTS));
    admitted(ask(guard));
    assertThat(refused(ask(guard)).headers().first("Retry-After")).isEqualTo("60");
    // and nobody's use counts for another
    admitted(ask(guard(alice, new CallerRateLimitStage(store, TEN_REQUESTS))));
  }

  @Test
  void lessonAdminKeysAreExemptFromLimits() {
    Stage master =
        prepare(
            e ->
                e.caller(
                    io.llmguard.auth.Caller.builder(
                            io.llmguard.auth.Caller.Kind.MASTER_KEY, "master")
                        .scopes(java.util.Set.of(io.llmguard.policy.Scope.ADMIN))
                        .build()));
    Guard guard =
        guard(master, new CallerRateLimitStage(store, new LimitSet(ONE, null, null, Map.of())));
    admitted(ask(guard));
    assertThat(refused(ask(guard)).status()).isEqualTo(429);
  }

  @Test
  void lessonARuleThatMatchesNothingIsAnErrorAtStart() {
    ModelRateLimitStage.Builder builder =
        ModelRateLimitStage.builder(store)
            .knownModels(List.of("gemma3:270m", "mistral:latest"))
            .limit(new ModelLimit("Mistral", TEN, false))
            .limit(new ModelLimit("gemma*", TEN, false));
    assertThat(builder.build().name()).isEqualTo("model-rate-limit");
    builder.limit(new ModelLimit("mistrall", TEN, true));
    assertThatThrownBy(builder::build).hasMessageContaining("\"mistrall\"");
  }

  @Test
  void anotherSpellingOfAModelIsNoOtherBucket() {
    ModelRateLimitStage stage =
        ModelRateLimitStage.builder(store)
            .limit(new ModelLimit("mistral", TEN, false))
            .limit(new ModelLimit("*", new RateLimit(1, Duration.ofHours(1), 99), true))
            .build();
    String[] spellings = {
      "mistral",
      "mistral:latest",
      "MISTRAL",
      "library/mistral",
      "registry.ollama.ai/library/Mistral:latest",
      "mistral"
    };
    for (String spelling : spellings) {
      admitted(ask(guard(alice, prepare(e -> e.call(chat(spelling, 1, null))), stage)));
    }
    for (String spelling : spellings) {
      assertThat(
              refused(ask(guard(alice, prepare(e -> e.call(chat(spelling, 1, null))), stage)))
                  .reason())
          .isEqualTo("rate-limit");
    }
    assertThat(store.buckets(ModelRateLimitStage.POLICY)).isEqualTo(1);
  }

  private static FallbackGate.Entry enter(Exchange exchange, String model) {
    FallbackGate gate = java.util.Objects.requireNonNull(exchange.get(FallbackGate.KEY));
    return gate.enter(exchange, model, model).toCompletableFuture().join();
  }

  @Test
  void aCallThatFallsBackCountsForTheOtherModelAndNotBeyondItsLimits() {
    LimitSet own = new LimitSet(null, null, null, Map.of("own", ONE));
    Guard guard =
        guard(
            prepare(e -> e.caller(caller("bob", own))),
            prepare(e -> e.call(chat("first", 1, null))),
            ModelRateLimitStage.builder(store)
                .limit(new ModelLimit("second", ONE, false))
                .limit(new ModelLimit("shadowed", ONE, false, LimitMode.SHADOW))
                .build());
    Exchange exchange = admitted(ask(guard));
    assertThat(enter(exchange, "first").admitted()).isTrue();
    assertThat(enter(exchange, "second").admitted()).isTrue();
    assertThat(enter(exchange, "own").admitted()).isTrue();
    assertThat(enter(exchange, "shadowed").admitted()).isTrue();
    assertThat(exchange.responseHeaders().all("RateLimit")).isEmpty();

    Exchange next = admitted(ask(guard));
    assertThat(enter(next, "SECOND:latest").admitted()).isFalse();
    assertThat(enter(next, "own").admitted()).isFalse();
    assertThat(enter(next, "shadowed").admitted()).isTrue();
    time.advance(Duration.ofMinutes(1));
    FallbackGate.Entry entry = enter(next, "second");
    assertThat(entry.admitted()).isTrue();
    assertThat(enter(next, "second").admitted()).isFalse();
    entry.giveBack().run();
    assertThat(enter(next, "second").admitted()).isTrue();
  }

  @Test
  void aModelsLimitInShadowRefusesNothingBesideOneThatIsHeld() {
    for (boolean perCaller : new boolean[] {false, true}) {
      List<LimitListener.Event> heard = new ArrayList<>();
      ModelRateLimitStage stage =
          ModelRateLimitStage.builder(new InMemoryRateLimitStore(time))
              .limit(new ModelLimit("shadowed", ONE, perCaller, LimitMode.SHADOW))
              .limit(new ModelLimit("held", ONE, perCaller))
              .listener((policy, event) -> heard.add(event))
              .build();
      for (int i = 0; i < 3; i++) {
        admitted(ask(guard(alice, prepare(e -> e.call(chat("shadowed", 1, null))), stage)));
      }
      assertThat(heard)
          .containsExactly(
              LimitListener.Event.ADMITTED,
              LimitListener.Event.SHADOW_REFUSED,
              LimitListener.Event.SHADOW_REFUSED);
      admitted(ask(guard(alice, prepare(e -> e.call(chat("held", 1, null))), stage)));
      refused(ask(guard(alice, prepare(e -> e.call(chat("held", 1, null))), stage)));
    }
  }

  @Test
  void madeUpModelNamesShareOneBucket() {
    ModelRateLimitStage stage =
        ModelRateLimitStage.builder(store)
            .knownModels(List.of("gemma3:270m"))
            .limit(new ModelLimit("*", TEN, true))
            .build();
    int admitted = 0;
    for (int i = 0; i < 50; i++) {
      String model = "made-up-" + i;
      Decision decision = ask(guard(alice, prepare(e -> e.call(chat(model, 1, null))), stage));
      admitted += decision instanceof Decision.Admit ? 1 : 0;
    }
    assertThat(admitted).isEqualTo(6);
    admitted(ask(guard(alice, prepare(e -> e.call(chat("gemma3:270m", 1, null))), stage)));
  }

  @Test
  void allLimitsAreCheckedBeforeAnyIsCharged() {
    Random random = new Random(39309);
    for (int round = 0; round < 200; round++) {
      InMemoryRateLimitStore fresh = new InMemoryRateLimitStore(time);
      long[] left = new long[4];
      ModelRateLimitStage.Builder builder = ModelRateLimitStage.builder(fresh);
      for (int i = 0; i < left.length; i++) {
        left[i] = 1L + random.nextInt(8);
        // patterns that overlap: each call is held against those whose letter the model has
        RateLimit limit = new RateLimit(1, Duration.ofDays(1), left[i] - 1);
        builder.limit(new ModelLimit("*" + (char) ('a' + i) + "*", limit, random.nextBoolean()));
      }
      ModelRateLimitStage stage = builder.build();
      for (int call = 0; call < 30; call++) {
        int letters = 1 + random.nextInt(15);
        StringBuilder model = new StringBuilder("x");
        boolean expected = true;
        for (int i = 0; i < left.length; i++) {
          if ((letters >> i & 1) == 1) {
            model.append((char) ('a' + i));
            expected &= left[i] > 0;
          }
        }
        Stage called = prepare(e -> e.call(chat(model.toString(), 1, null)));
        boolean refusedLater = random.nextInt(4) == 0;
        Guard guard =
            refusedLater ? guard(alice, called, stage, refuse(403)) : guard(alice, called, stage);
        Decision decision = ask(guard);
        boolean passed =
            decision instanceof Decision.Admit || refused(decision).reason().equals("later");
        assertThat(passed).as("call %d of round %d", call, round).isEqualTo(expected);
        for (int i = 0; i < left.length && expected && !refusedLater; i++) {
          left[i] -= (letters >> i & 1) == 1 ? 1 : 0;
        }
      }
    }
  }

  @Test
  void shadowCountsAndReportsAndSaysNothing() {
    AddressRateLimitStage stage = new AddressRateLimitStage(store, ONE, LimitMode.SHADOW, listener);
    Guard guard = guard(stage);
    for (int i = 0; i < 3; i++) {
      Exchange exchange = admitted(ask(guard));
      assertThat(exchange.responseHeaders().isEmpty()).isTrue();
    }
    assertThat(heard)
        .containsExactly(
            "per-ip " + Event.ADMITTED,
            "per-ip " + Event.SHADOW_REFUSED,
            "per-ip " + Event.SHADOW_REFUSED);
  }

  @Test
  void aFailingStoreClosesOrOpensAsEachLimitSays() {
    FailingStore failing = new FailingStore();
    AddressRateLimitStage open =
        new AddressRateLimitStage(failing, ONE, LimitMode.ENFORCE.withFailOpen(), listener);
    AddressRateLimitStage closed =
        new AddressRateLimitStage(failing, ONE, LimitMode.ENFORCE, listener);
    for (boolean throwing : new boolean[] {false, true}) {
      failing.throwing = throwing;
      admitted(ask(guard(open)));
      Refusal refusal = refused(ask(guard(closed)));
      assertThat(refusal.status()).isEqualTo(503);
      assertThat(refusal.reason()).isEqualTo("limit-unavailable");
    }
    assertThat(open.storeAvailable()).isFalse();
    assertThat(closed.storeAvailable()).isFalse();
    assertThat(heard)
        .contains("per-ip " + Event.PASSED_UNCHECKED, "per-ip " + Event.REFUSED_UNCHECKED);
    failing.failing = false;
    admitted(ask(guard(closed)));
    assertThat(closed.storeAvailable()).isTrue();
  }

  @Test
  void aStoreThatAnswersLaterHoldsTheCallUntilThen() {
    LaterStore later = new LaterStore(store);
    LimitSet limits = new LimitSet(ONE, TEN, null, Map.of());
    Guard guard = guard(alice, new CallerRateLimitStage(later, limits));
    assertThat(later.answered(guard)).isInstanceOf(Decision.Admit.class);
    assertThat(refused(later.answered(guard)).reason()).isEqualTo("rate-limit");
  }

  /** Completes each answer only when the test says so. */
  private static final class LaterStore implements RateLimitStore {
    private final RateLimitStore store;
    private final ArrayList<Runnable> waiting = new ArrayList<>();

    LaterStore(RateLimitStore store) {
      this.store = store;
    }

    Decision answered(Guard guard) {
      CompletableFuture<Decision> decision =
          guard.admit(io.llmguard.testkit.TestRequest.of("GET", "/")).toCompletableFuture();
      int answers = 0;
      while (!decision.isDone()) {
        assertThat(waiting).hasSize(1);
        waiting.remove(0).run();
        answers++;
      }
      assertThat(answers).isPositive();
      return decision.join();
    }

    private <T> CompletionStage<T> later(CompletionStage<T> answer) {
      CompletableFuture<T> future = new CompletableFuture<>();
      waiting.add(() -> future.complete(answer.toCompletableFuture().join()));
      return future;
    }

    @Override
    public CompletionStage<Probe> tryConsume(LimitKey key, RateLimit limit, long amount) {
      return later(store.tryConsume(key, limit, amount));
    }

    @Override
    public CompletionStage<Probe> peek(LimitKey key, RateLimit limit, long amount) {
      return later(store.peek(key, limit, amount));
    }

    @Override
    public CompletionStage<Void> charge(LimitKey key, RateLimit limit, long amount) {
      return store.charge(key, limit, amount);
    }

    @Override
    public CompletionStage<Void> refund(LimitKey key, RateLimit limit, long amount) {
      return store.refund(key, limit, amount);
    }

    @Override
    public void close() {}
  }

  private static final class FailingStore implements RateLimitStore {
    private boolean failing = true;
    private boolean throwing;

    private <T> CompletionStage<T> answer(T value) {
      if (!failing) {
        return CompletableFuture.completedFuture(value);
      }
      if (throwing) {
        throw new IllegalStateException("store is down");
      }
      return CompletableFuture.failedFuture(new java.io.IOException("store is down"));
    }

    @Override
    public CompletionStage<Probe> tryConsume(LimitKey key, RateLimit limit, long amount) {
      return answer(new Probe(true, 1, 0, 0));
    }

    @Override
    public CompletionStage<Probe> peek(LimitKey key, RateLimit limit, long amount) {
      return answer(new Probe(true, 1, 0, 0));
    }

    @Override
    public CompletionStage<Void> charge(LimitKey key, RateLimit limit, long amount) {
      return CompletableFuture.completedStage(null);
    }

    @Override
    public CompletionStage<Void> refund(LimitKey key, RateLimit limit, long amount) {
      return CompletableFuture.completedStage(null);
    }

    @Override
    public void close() {}
  }
}
