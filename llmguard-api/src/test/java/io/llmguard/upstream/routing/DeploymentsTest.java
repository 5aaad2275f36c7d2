package io.llmguard.upstream.routing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.auth.Caller;
import io.llmguard.limit.LimitSet;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.FallbackGate;
import io.llmguard.upstream.Route;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamFailure.Kind;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names, fallbacks, dialects and waiting. */
class DeploymentsTest {
  private final ManualTime time = new ManualTime();
  private final Calls calls = new Calls(time);

  DeploymentsTest() {}

  private static String sent(Route route) {
    RequestBody body = ((Route.To) route).body();
    return UTF_8.decode(((RequestBody.InMemory) body).content()).toString();
  }

  private static String reason(Route route) {
    return ((Route.Refused) route).refusal().reason();
  }

  // ---- names

  @ParameterizedTest
  @CsvSource({
    "ollama/mistral,one,mistral",
    "ollama/special,two,special-one",
    "ollama/x/y:7b,one,x/y:7b",
    "team-llama-large,three,llama-large",
    "other,two,own"
  })
  void aWildcardStandsForAnyNameUnlessThereIsACloserOne(String alias, String server, String model) {
    DeploymentRouter router =
        DeploymentRouter.to(
            List.of(
                Deployment.of("ollama/*", Calls.upstream("one"), "*"),
                Deployment.of("ollama/special", Calls.upstream("two"), "special-one"),
                Deployment.of("team-*", Calls.upstream("three"), "*"),
                Deployment.of("*", Calls.upstream("two"), "own")));
    Route route = router.route(calls.chatOf("me", alias));
    assertThat(Calls.server(route)).isEqualTo(server);
    assertThat(sent(route)).contains("\"model\":\"" + model + "\"");
    assertThat(((Route.To) route).answers()).isNotNull();
  }

  @Test
  void aWildcardStandsForSomethingAndIsNoName() {
    DeploymentRouter router =
        DeploymentRouter.to(List.of(Deployment.of("ollama/*", Calls.upstream("one"), "*")));
    assertThat(reason(router.route(calls.chatOf("me", "ollama/")))).isEqualTo("model-not-found");
    assertThat(reason(router.route(calls.chatOf("me", "mistral")))).isEqualTo("model-not-found");
    assertThatThrownBy(() -> Deployment.of("m", Calls.upstream("one"), "*"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aFurtherNameLeadsToItsModel() {
    DeploymentRouter router =
        DeploymentRouter.builder(List.of(Deployment.of("m", Calls.upstream("one"), "gemma")))
            .alias("gpt-4", "m")
            .build();
    assertThat(sent(router.route(calls.chatOf("me", "gpt-4")))).contains("\"model\":\"gemma\"");
    assertThatThrownBy(
            () ->
                DeploymentRouter.builder(List.of(Deployment.of("m", Calls.upstream("one"), "m")))
                    .alias("gpt-4", "nobody")
                    .build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nobody");
  }

  @Test
  void anIdTellsNeitherTheServerNorItsNameForTheModel() {
    Deployment deployment = Deployment.of("m", Calls.upstream("secret-host"), "secret-model");
    assertThat(deployment.id()).matches("[0-9a-f]{12}");
    assertThat(Deployment.of("m", Calls.upstream("secret-host"), "secret-model").id())
        .isEqualTo(deployment.id());
  }

  // ---- dialects

  @Test
  void aNativeCallToAServerWithoutTheNativeApiIsAClear400() {
    Upstream openAi = Calls.upstreamBuilder("vllm").nativeApi(false).build();
    DeploymentRouter router =
        DeploymentRouter.to(
            List.of(
                Deployment.of("only", openAi, "m"),
                Deployment.of("both", openAi, "m"),
                Deployment.of("both", Calls.upstream("ollama"), "m")));
    Route refused = router.route(calls.chatOf("me", "only"));
    assertThat(((Route.Refused) refused).refusal().status()).isEqualTo(400);
    assertThat(((Route.Refused) refused).refusal().detail()).contains("/v1/");
    for (int i = 0; i < 10; i++) {
      assertThat(Calls.server(router.route(calls.chatOf("me", "both")))).isEqualTo("ollama");
    }
    TestRequest v1 =
        TestRequest.post(
            "/v1/chat/completions",
            "{\"model\":\"only\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
    assertThat(Calls.server(router.route(calls.of("me", v1)))).isEqualTo("vllm");
    TestRequest pull =
        TestRequest.post("/api/pull", "{\"model\":\"x\"}").header("X-Llmguard-Upstream", "vllm");
    assertThat(reason(router.route(calls.of("me", pull)))).isEqualTo("openai-only");
    assertThat(Calls.server(router.route(calls.of("me", TestRequest.of("GET", "/api/version")))))
        .isEqualTo("ollama");
  }

  @Test
  void aPromptThatIsLongerThanADeploymentTakesGoesToAnother() {
    DeploymentRouter router =
        DeploymentRouter.to(
            List.of(
                Deployment.builder("m", Calls.upstream("small"), "m").maxInputTokens(100).build(),
                Deployment.builder("m", Calls.upstream("large"), "m").maxInputTokens(1_000).build(),
                Deployment.builder("s", Calls.upstream("small"), "m").maxInputTokens(100).build()));
    String text = "x".repeat(2_000);
    assertThat(Calls.server(router.route(calls.of("me", Calls.chat("m", text)))))
        .isEqualTo("large");
    assertThat(reason(router.route(calls.of("me", Calls.chat("s", text)))))
        .isEqualTo("prompt-too-long");
  }

  // ---- fallbacks

  private DeploymentRouter.Builder withFallback() {
    return DeploymentRouter.builder(
            List.of(
                Deployment.builder("a", Calls.upstream("one"), "m").requestsPerMinute(2).build(),
                Deployment.of("b", Calls.upstream("two"), "other")))
        .fallbacks("a", List.of("b"))
        .time(time);
  }

  @Test
  void afterItsRetriesACallGoesToTheFallbackUnderTheNameItAskedFor() {
    DeploymentRouter router = withFallback().build();
    Exchange exchange = calls.chatOf("me", "a");
    Route.To first = (Route.To) router.route(exchange);
    Calls.failed(first, Kind.CONNECT);
    assertThat(router.hasFallback(exchange, List.of(first))).isTrue();
    Route again = router.again(exchange, List.of(first), true);
    assertThat(Calls.server(again)).isEqualTo("one");
    Calls.failed(again, Kind.CONNECT);
    Route.To other = (Route.To) router.again(exchange, List.of(first, (Route.To) again), false);
    assertThat(other.upstream().name()).isEqualTo("two");
    assertThat(sent(other)).contains("\"model\":\"other\"");
    Calls.failed(other, Kind.CONNECT);
    List<Route.To> all = List.of(first, (Route.To) again, other);
    assertThat(router.hasFallback(exchange, all)).isFalse();
    assertThat(router.again(exchange, all, false)).isInstanceOf(Route.Nowhere.class);
  }

  @Test
  void aModelAtItsLimitsFallsBackAtOnce() {
    DeploymentRouter router = withFallback().build();
    assertThat(Calls.server(router.route(calls.chatOf("me", "a")))).isEqualTo("one");
    assertThat(Calls.server(router.route(calls.chatOf("me", "a")))).isEqualTo("one");
    assertThat(Calls.server(router.route(calls.chatOf("me", "a")))).isEqualTo("two");
  }

  @Test
  void makingAModelFailOpensNoneThatItsCallerMayNotUse() {
    DeploymentRouter router = withFallback().build();
    Exchange exchange = calls.of("me", Calls.chat("a", "x"), "a");
    Route.To first = (Route.To) router.route(exchange);
    Calls.failed(first, Kind.CONNECT);
    assertThat(router.hasFallback(exchange, List.of(first))).isFalse();
    assertThat(router.again(exchange, List.of(first), false)).isInstanceOf(Route.Nowhere.class);
  }

  /** Lets calls into some models, now or once it is asked to, and counts who is in. */
  private static final class LimitedModels implements FallbackGate {
    private final List<String> open;
    private final boolean late;
    private final List<Runnable> answers = new ArrayList<>();
    private final List<String> counted = new ArrayList<>();

    LimitedModels(boolean late, String... open) {
      this.late = late;
      this.open = List.of(open);
    }

    @Override
    public CompletionStage<Entry> enter(Exchange exchange, String model, String named) {
      CompletableFuture<Entry> answer = new CompletableFuture<>();
      Runnable say =
          () -> {
            boolean admitted = open.contains(model);
            if (admitted) {
              counted.add(model);
            }
            answer.complete(
                admitted ? new Entry(true, () -> counted.remove(model)) : Entry.REFUSED);
          };
      if (late) {
        answers.add(say);
      } else {
        say.run();
      }
      return answer;
    }

    void answer() {
      answers.remove(0).run();
    }
  }

  private Route afterAFailure(DeploymentRouter router, FallbackGate gate) {
    Exchange exchange = calls.chatOf("me", "a");
    exchange.put(FallbackGate.KEY, gate);
    Route.To first = (Route.To) router.route(exchange);
    Calls.failed(first, Kind.CONNECT);
    return router.again(exchange, List.of(first), false);
  }

  private DeploymentRouter.Builder threeModels() {
    return DeploymentRouter.builder(
            List.of(
                Deployment.of("a", Calls.upstream("one"), "m"),
                Deployment.builder("b", Calls.upstream("two"), "m").maxParallel(1).build(),
                Deployment.of("c", Calls.upstream("three"), "m")))
        .fallbacks("a", List.of("b", "c"))
        .time(time);
  }

  @Test
  void aFallbackBeyondItsLimitsIsPassedOver() {
    DeploymentRouter router = threeModels().build();
    LimitedModels gate = new LimitedModels(false, "c");
    assertThat(Calls.server(afterAFailure(router, gate))).isEqualTo("three");
    assertThat(gate.counted).containsExactly("c");
    assertThat(afterAFailure(router, new LimitedModels(false))).isInstanceOf(Route.Nowhere.class);

    LimitedModels late = new LimitedModels(true, "c");
    CompletableFuture<Route> route = later(afterAFailure(router, late));
    late.answer();
    assertThat(route).isNotDone();
    late.answer();
    assertThat(Calls.server(route.join())).isEqualTo("three");
    assertThat(late.counted).containsExactly("c");

    LimitedModels none = new LimitedModels(true);
    CompletableFuture<Route> nowhere = later(afterAFailure(router, none));
    none.answer();
    none.answer();
    assertThat(nowhere.join()).isInstanceOf(Route.Nowhere.class);
  }

  @Test
  void aFallbackWithoutAPlaceGivesBackWhatWasCounted() {
    DeploymentRouter router =
        threeModels().queueing(new Queueing(0, Duration.ofMinutes(1), exchange -> 0)).build();
    assertThat(Calls.server(router.route(calls.chatOf("x", "b")))).isEqualTo("two");
    LimitedModels gate = new LimitedModels(false, "b", "c");
    assertThat(Calls.server(afterAFailure(router, gate))).isEqualTo("three");
    assertThat(gate.counted).containsExactly("c");
    LimitedModels only = new LimitedModels(false, "b");
    assertThat(afterAFailure(router, only)).isInstanceOf(Route.Nowhere.class);
    assertThat(only.counted).isEmpty();
  }

  @Test
  void aCallThatLeavesBeforeItIsAtItsFallbackGivesBackWhatWasCounted() {
    DeploymentRouter router = threeModels().build();
    Route running = router.route(calls.chatOf("x", "b"));
    LimitedModels gate = new LimitedModels(false, "b");
    Route.Later waiting = (Route.Later) afterAFailure(router, gate);
    assertThat(gate.counted).containsExactly("b");
    waiting.cancel().run();
    assertThat(gate.counted).isEmpty();

    LimitedModels late = new LimitedModels(true, "b");
    Route.Later asking = (Route.Later) afterAFailure(router, late);
    asking.cancel().run();
    late.answer();
    assertThat(late.counted).isEmpty();
    Calls.failed(running, Kind.CANCELLED);
    assertThat(router.route(calls.chatOf("y", "b"))).isInstanceOf(Route.To.class);
  }

  @Test
  void aModelAtItsLimitsFallsBackToOneThatIsNotOrIsRefusedItself() {
    DeploymentRouter router = withFallback().build();
    for (int i = 0; i < 2; i++) {
      assertThat(Calls.server(router.route(calls.chatOf("me", "a")))).isEqualTo("one");
    }
    for (boolean late : new boolean[] {false, true}) {
      Exchange exchange = calls.chatOf("me", "a");
      LimitedModels gate = new LimitedModels(late);
      exchange.put(FallbackGate.KEY, gate);
      Route route = router.route(exchange);
      if (route instanceof Route.Later wait) {
        gate.answer();
        route = later(wait).join();
      }
      assertThat(reason(route)).isEqualTo("deployments-limited");
    }
  }

  @Test
  void aRetryPrefersADeploymentThatWasNotTried() {
    DeploymentRouter router =
        DeploymentRouter.to(
            List.of(
                Deployment.of("m", Calls.upstream("one"), "m"),
                Deployment.of("m", Calls.upstream("two"), "m")));
    for (int i = 0; i < 20; i++) {
      Exchange exchange = calls.chatOf("me", "m");
      Route.To first = (Route.To) router.route(exchange);
      Calls.answered(first, 500);
      Route second = router.again(exchange, List.of(first), true);
      assertThat(Calls.server(second)).isNotEqualTo(Calls.server(first));
      Calls.ended(exchange, second, 1, 1);
    }
  }

  // ---- waiting

  private DeploymentRouter oneAtATime(Queueing queueing) {
    return DeploymentRouter.builder(
            List.of(Deployment.builder("m", Calls.upstream("one"), "m").maxParallel(1).build()))
        .queueing(queueing)
        .build();
  }

  private static CompletableFuture<Route> later(Route route) {
    return ((Route.Later) route).route().toCompletableFuture();
  }

  @Test
  void whoFindsEveryPlaceTakenWaitsItsTurn() {
    DeploymentRouter router =
        oneAtATime(
            new Queueing(
                3,
                Duration.ofMinutes(1),
                exchange ->
                    "vip".equals(java.util.Objects.requireNonNull(exchange.caller()).id())
                        ? 1
                        : 0));
    Route running = router.route(calls.chatOf("x", "m"));
    CompletableFuture<Route> a = later(router.route(calls.chatOf("a", "m")));
    CompletableFuture<Route> b = later(router.route(calls.chatOf("b", "m")));
    Exchange vip = calls.chatOf("vip", "m");
    CompletableFuture<Route> first = later(router.route(vip));
    assertThat(reason(router.route(calls.chatOf("c", "m")))).isEqualTo("queue-full");

    Calls.failed(running, Kind.CANCELLED);
    assertThat(first).isCompleted();
    assertThat(a).isNotDone();
    Calls.ended(vip, first.join(), 1, 1);
    assertThat(a).isCompleted();
    assertThat(b).isNotDone();
    Calls.failed(a.join(), Kind.CONNECT);
    assertThat(b).isCompleted();
  }

  @Test
  void aPriorityOfACallersOwnStandsInPlaceOfTheConfiguredOne() {
    DeploymentRouter router =
        oneAtATime(
            new Queueing(
                5,
                Duration.ofMinutes(1),
                exchange ->
                    java.util.Objects.requireNonNull(exchange.caller()).id().equals("plain")
                        ? 0
                        : 5));
    Route running = router.route(calls.chatOf("x", "m"));
    List<CompletableFuture<Route>> waiting = new ArrayList<>();
    List<Exchange> exchanges = new ArrayList<>();
    for (Integer own : new Integer[] {-1, null, 0, 6}) {
      Exchange exchange = calls.of(caller(own), Calls.chat("m", "hello"));
      exchanges.add(exchange);
      waiting.add(later(router.route(exchange)));
    }
    Exchange plain = calls.chatOf("plain", "m");
    exchanges.add(plain);
    waiting.add(later(router.route(plain)));

    Calls.failed(running, Kind.CANCELLED);
    // by 6, by the configured 5, by 0 of either kind in some order, by -1
    for (List<Integer> next : List.of(List.of(3), List.of(1), List.of(2, 4), List.of(2, 4))) {
      List<Integer> gone = new ArrayList<>();
      for (int i = 0; i < waiting.size(); i++) {
        if (waiting.get(i).isDone()) {
          gone.add(i);
        }
      }
      assertThat(gone).hasSize(1);
      assertThat(next).containsAll(gone);
      int it = gone.get(0);
      Route route = waiting.get(it).join();
      waiting.set(it, new CompletableFuture<>());
      Calls.ended(exchanges.get(it), route, 1, 1);
    }
    assertThat(waiting.get(0)).isCompleted();
  }

  private static Caller caller(@Nullable Integer priority) {
    return Caller.builder(Caller.Kind.OTHER, "own-" + priority)
        .scopes(Set.of(Scope.ADMIN))
        .limits(LimitSet.CONFIGURED.withPriority(priority))
        .build();
  }

  @Test
  void whoGivesUpWaitingFreesThePlaceInTheQueue() {
    DeploymentRouter router = oneAtATime(new Queueing(1, Duration.ofMinutes(1), exchange -> 0));
    Route running = router.route(calls.chatOf("a", "m"));
    Route.Later waiting = (Route.Later) router.route(calls.chatOf("a", "m"));
    waiting.cancel().run();
    CompletableFuture<Route> next = later(router.route(calls.chatOf("a", "m")));
    Calls.failed(running, Kind.CANCELLED);
    assertThat(waiting.route().toCompletableFuture()).isNotDone();
    assertThat(next).isCompleted();
  }

  /** A call that has waited, and what would be kept of it if anything were. */
  private WeakReference<Exchange> waited(DeploymentRouter router, Consumer<Route.Later> end) {
    Exchange exchange = calls.chatOf("a", "m");
    end.accept((Route.Later) router.route(exchange));
    return new WeakReference<>(exchange);
  }

  private static void awaitGone(WeakReference<Exchange> call) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (call.get() != null && System.nanoTime() - deadline < 0) {
      System.gc();
    }
    assertThat(call.get()).as("what is kept of a call that is over").isNull();
  }

  @Test
  void nothingIsKeptOfACallThatHasWaitedForTheRestOfTheTimeThatItMightHave() {
    DeploymentRouter router = oneAtATime(new Queueing(1, Duration.ofDays(1), exchange -> 0));
    Route running = router.route(calls.chatOf("x", "m"));
    awaitGone(waited(router, later -> later.cancel().run()));
    List<Route> next = new ArrayList<>(List.of(running));
    awaitGone(
        waited(
            router,
            later -> {
              Calls.failed(next.remove(0), Kind.CANCELLED);
              Calls.failed(later.route().toCompletableFuture().join(), Kind.CANCELLED);
            }));
    assertThat(router.route(calls.chatOf("y", "m"))).isInstanceOf(Route.To.class);
  }

  @Test
  void whoWaitsTooLongIsRefused() throws Exception {
    DeploymentRouter router = oneAtATime(new Queueing(1, Duration.ofMillis(20), exchange -> 0));
    Route running = router.route(calls.chatOf("a", "m"));
    Route refused = later(router.route(calls.chatOf("a", "m"))).get(20, TimeUnit.SECONDS);
    assertThat(((Route.Refused) refused).refusal().status()).isEqualTo(503);
    assertThat(reason(refused)).isEqualTo("queue-timeout");
    Calls.failed(running, Kind.CANCELLED);
    assertThat(router.route(calls.chatOf("a", "m"))).isInstanceOf(Route.To.class);
  }

  /** Server {@code a} is left alone, and the only place at {@code b} is taken. */
  private DeploymentRouter.Builder twoPlaces(Duration cooldown) {
    return DeploymentRouter.builder(
            List.of(
                Deployment.builder("m", Calls.upstream("a"), "m").maxParallel(1).build(),
                Deployment.builder("m", Calls.upstream("b"), "m").maxParallel(1).build()))
        .cooldown(new Cooldown(0, cooldown, false))
        .queueing(new Queueing(5, Duration.ofMinutes(5), exchange -> 0))
        .time(time);
  }

  private Route takeB(DeploymentRouter router) {
    router.probed(Calls.upstream("a"), false);
    Route running = router.route(calls.chatOf("x", "m"));
    assertThat(Calls.server(running)).isEqualTo("b");
    return running;
  }

  @Test
  void whoWaitsGoesOnOnceAProbeFindsAServerWell() {
    DeploymentRouter router = twoPlaces(Duration.ofMinutes(1)).build();
    takeB(router);
    CompletableFuture<Route> first = later(router.route(calls.chatOf("a", "m")));
    CompletableFuture<Route> second = later(router.route(calls.chatOf("b", "m")));
    router.probed(Calls.upstream("a"), true);
    assertThat(first).isCompleted();
    assertThat(Calls.server(first.join())).isEqualTo("a");
    assertThat(second).isNotDone();
  }

  @Test
  void whoWaitsGoesOnAtTheEndOfACooldown() throws Exception {
    DeploymentRouter router = twoPlaces(Duration.ofMillis(20)).build();
    takeB(router);
    CompletableFuture<Route> waiting = later(router.route(calls.chatOf("a", "m")));
    time.advance(Duration.ofMillis(20));
    assertThat(Calls.server(waiting.get(20, TimeUnit.SECONDS))).isEqualTo("a");
  }

  @Test
  void whoWaitsGoesOnWhenAMinuteAndItsLimitsEnd() throws Exception {
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder("m", Calls.upstream("a"), "m")
                        .requestsPerMinute(1)
                        .order(1)
                        .build(),
                    Deployment.builder("m", Calls.upstream("b"), "m")
                        .maxParallel(1)
                        .order(2)
                        .build()))
            .time(time)
            .build();
    time.advance(Duration.ofMillis(59_980));
    assertThat(Calls.server(router.route(calls.chatOf("a", "m")))).isEqualTo("a");
    assertThat(Calls.server(router.route(calls.chatOf("a", "m")))).isEqualTo("b");
    CompletableFuture<Route> waiting = later(router.route(calls.chatOf("a", "m")));
    time.advance(Duration.ofMillis(20));
    assertThat(Calls.server(waiting.get(20, TimeUnit.SECONDS))).isEqualTo("a");
  }

  @Test
  void aNewcomerDoesNotOvertakeWhoWaitsAndCouldGo() {
    DeploymentRouter router = twoPlaces(Duration.ofHours(1)).build();
    takeB(router);
    CompletableFuture<Route> waiting = later(router.route(calls.chatOf("a", "m")));
    time.advance(Duration.ofHours(1));
    Route newcomer = router.route(calls.chatOf("b", "m"));
    assertThat(newcomer).isInstanceOf(Route.Later.class);
    assertThat(Calls.server(waiting.join())).isEqualTo("a");
  }

  @Test
  void aNewcomerGoesAtOnceWhereWhoWaitsCouldNotGo() {
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder(
                            "m", Calls.upstreamBuilder("a").nativeApi(false).build(), "m")
                        .maxParallel(1)
                        .order(2)
                        .build(),
                    Deployment.builder("m", Calls.upstream("b"), "m").maxParallel(1).build()))
            .queueing(new Queueing(1, Duration.ofMinutes(5), exchange -> 0))
            .build();
    assertThat(Calls.server(router.route(calls.chatOf("x", "m")))).isEqualTo("b");
    CompletableFuture<Route> waiting = later(router.route(calls.chatOf("a", "m")));
    TestRequest v1 =
        TestRequest.post(
            "/v1/chat/completions",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
    assertThat(Calls.server(router.route(calls.of("c", v1)))).isEqualTo("a");
    assertThat(reason(router.route(calls.of("c", v1)))).isEqualTo("queue-full");
    assertThat(waiting).isNotDone();
  }

  @Test
  void aNewcomerThatNobodyCanTakeIsToldSoThoughOthersWait() {
    Upstream openAi = Calls.upstreamBuilder("a").nativeApi(false).build();
    DeploymentRouter router =
        DeploymentRouter.to(
            List.of(Deployment.builder("m", openAi, "m").maxParallel(1).maxInputTokens(9).build()));
    TestRequest v1 =
        TestRequest.post(
            "/v1/chat/completions",
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
    assertThat(router.route(calls.of("a", v1))).isInstanceOf(Route.To.class);
    assertThat(router.route(calls.of("a", v1))).isInstanceOf(Route.Later.class);
    assertThat(reason(router.route(calls.chatOf("a", "m")))).isEqualTo("openai-only");
  }

  @Test
  void callsOfAnotherModelGoOnWhenTheirServerIsFoundWellByACall() {
    Upstream one = Calls.upstream("one");
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.of("tried", one, "m"),
                    Deployment.of("other", one, "o"),
                    Deployment.builder("other", Calls.upstream("two"), "o").maxParallel(1).build()))
            .cooldown(new Cooldown(0, Duration.ofHours(1), false))
            .time(time)
            .build();
    router.probed(one, false);
    assertThat(Calls.server(router.route(calls.chatOf("x", "other")))).isEqualTo("two");
    CompletableFuture<Route> waiting = later(router.route(calls.chatOf("a", "other")));
    Exchange trial = calls.chatOf("x", "tried");
    Route well = router.route(trial);
    assertThat(waiting).isNotDone();
    Calls.ended(trial, well, 1, 1);
    assertThat(Calls.server(waiting.join())).isEqualTo("one");
  }
}
