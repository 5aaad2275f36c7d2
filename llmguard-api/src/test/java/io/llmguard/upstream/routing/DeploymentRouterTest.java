package io.llmguard.upstream.routing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.HeaderMap;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.ModelReach;
import io.llmguard.upstream.Route;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamRequest;
import io.llmguard.upstream.UpstreamRouter;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.Parameters;
import io.llmguard.wire.RequestReader;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeploymentRouterTest {
  private static final Upstream ONE = upstream("one");
  private static final Upstream TWO = upstream("two");

  private static Upstream upstream(String name) {
    UpstreamTransport unused =
        new UpstreamTransport() {
          @Override
          public UpstreamCall send(UpstreamRequest request, ResponseHandler handler) {
            throw new AssertionError("a router sends nothing");
          }

          @Override
          public void close() {}
        };
    return Upstream.builder(name, URI.create("http://127.0.0.1:9"), unused).build();
  }

  private static Exchange exchange(TestRequest request, String... models) {
    Caller caller =
        Caller.builder(Caller.Kind.OTHER, "me")
            .scopes(Set.of(Scope.ADMIN))
            .models(models.length == 0 ? ModelAccess.ALL : ModelAccess.of(List.of(models)))
            .build();
    Stage authenticated =
        new Stage() {
          @Override
          public String name() {
            return "authenticated";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            exchange.caller(caller);
            return exchange.admit();
          }
        };
    Guard guard =
        Guard.builder()
            .stage(authenticated)
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .stage(new BodyStage(RequestReader.create(), 10_000))
            .stage(new CeilingStage(Ceilings.builder().maxOutputTokens(9).build()))
            .build();
    Decision decision = guard.admit(request).toCompletableFuture().join();
    assertThat(decision).isInstanceOf(Decision.Admit.class);
    return ((Decision.Admit) decision).exchange();
  }

  private static DeploymentRouter aliases() {
    return DeploymentRouter.to(
        List.of(
            Deployment.of("moltbot-llm", ONE, "gemma3:270m"),
            Deployment.of("other", TWO, "other"),
            Deployment.of("hidden", TWO, "hidden")));
  }

  private static TestRequest chat(String model) {
    return TestRequest.post("/api/chat", "{\"model\":\"" + model + "\",\"messages\":[]}");
  }

  private static String sent(Route route) {
    RequestBody body = ((Route.To) route).body();
    return UTF_8.decode(((RequestBody.InMemory) body).content()).toString();
  }

  private static String answered(Route route, String contentType, byte[] answer) {
    Route.AnswerTransforms answers = ((Route.To) route).answers();
    assertThat(answers).isNotNull();
    AnswerTransform transform =
        answers.transform(200, new HeaderMap().add("Content-Type", contentType));
    assertThat(transform).isNotNull();
    return UTF_8.decode(transform.apply(ByteBuffer.wrap(answer))).toString()
        + UTF_8.decode(transform.end());
  }

  @Test
  void anAliasGoesToItsUpstreamUnderTheUpstreamsNameAndComesBackAsTheAlias() {
    Route route = aliases().route(exchange(chat("moltbot-llm:latest")));
    assertThat(((Route.To) route).upstream()).isSameAs(ONE);
    assertThat(sent(route)).contains("\"model\":\"gemma3:270m\"").contains("\"num_predict\":9");
    Recording recording = Recording.of("chat-stream");
    assertThat(answered(route, "application/x-ndjson", recording.responseBody()))
        .isEqualTo(recording.responseText().replace("gemma3:270m", "moltbot-llm:latest"));
  }

  @Test
  void whereAliasAndNameAreTheSameNothingIsChanged() {
    Exchange exchange = exchange(chat("other"));
    Route route = aliases().route(exchange);
    assertThat(((Route.To) route).upstream()).isSameAs(TWO);
    assertThat(((Route.To) route).answers()).isNull();
    assertThat(((Route.To) route).body()).isSameAs(exchange.body());
  }

  @Test
  void anUnknownAliasIs404AndTheUpstreamsOwnNameIsNoWayAround() {
    for (String name : List.of("nobody", "gemma3:270m")) {
      Route route = aliases().route(exchange(chat(name)));
      assertThat(((Route.Refused) route).refusal().reason()).isEqualTo("model-not-found");
    }
  }

  private static DeploymentRouter further() {
    return DeploymentRouter.builder(
            List.of(
                Deployment.builder("big", ONE, "b").id("b1").build(),
                Deployment.builder("big", TWO, "b").id("b2").build(),
                Deployment.builder("lab/*", ONE, "*").id("l").build(),
                Deployment.builder("spare", TWO, "s").id("s").build()))
        .alias("fast", "big")
        .alias("try", "lab/x")
        .fallbacks("big", List.of("spare", "lab/y"))
        .build();
  }

  @Test
  void whatACallMayReachIsKnownByOneNameWhateverItIsCalled() {
    DeploymentRouter router = further();
    ModelReach.Model spare = new ModelReach.Model("spare", "spare", List.of("s"));
    ModelReach.Model lab = new ModelReach.Model("lab/y", "lab/*", List.of("l"));
    ModelReach.Model big = new ModelReach.Model("big", "big", List.of("b1", "b2"));
    assertThat(router.of(exchange(chat("fast:latest"))))
        .isEqualTo(new ModelReach(List.of(big, spare, lab)));
    assertThat(router.of(exchange(chat("try"))))
        .isEqualTo(new ModelReach(List.of(new ModelReach.Model("lab/x", "lab/*", List.of("l")))));
    assertThat(router.of(exchange(chat("nobody")))).isNull();
    assertThat(router.of(exchange(chat("big"), "big", "lab/*")).models())
        .as("what the caller may not use is no way out")
        .containsExactly(big, lab);
  }

  @Test
  void aCallThatMayNotFallBackGoesNowhereElse() {
    DeploymentRouter router = further();
    Exchange exchange = exchange(chat("big"));
    Route first = router.route(exchange);
    assertThat(router.hasFallback(exchange, List.of((Route.To) first))).isTrue();
    exchange.put(UpstreamRouter.NO_FALLBACK, true);
    assertThat(router.hasFallback(exchange, List.of((Route.To) first))).isFalse();
    assertThat(router.again(exchange, List.of((Route.To) first), false))
        .isInstanceOf(Route.Nowhere.class);
  }

  @Test
  void severalUpstreamsAreListedByTheAliasesThatTheCallerMayUse() {
    Route tags =
        aliases().route(exchange(TestRequest.of("GET", "/api/tags"), "moltbot-llm", "other"));
    assertThat(UTF_8.decode(((Route.Answered) tags).body()).toString())
        .isEqualTo(
            "{\"models\":[{\"name\":\"moltbot-llm\",\"model\":\"moltbot-llm\"},"
                + "{\"name\":\"other\",\"model\":\"other\"}]}");
    Route models = aliases().route(exchange(TestRequest.of("GET", "/v1/models"), "other"));
    assertThat(UTF_8.decode(((Route.Answered) models).body()).toString())
        .contains("\"id\":\"other\"")
        .doesNotContain("hidden");
  }

  @ParameterizedTest
  @CsvSource({"/api/tags,tags", "/api/ps,ps", "/v1/models,openai-models"})
  void theListOfOneUpstreamShowsTheAlias(String path, String recorded) {
    DeploymentRouter router =
        DeploymentRouter.to(List.of(Deployment.of("moltbot-llm", ONE, "gemma3:270m")));
    Recording recording = Recording.of(recorded);
    Route allowed = router.route(exchange(TestRequest.of("GET", path)));
    assertThat(answered(allowed, "application/json", recording.responseBody()))
        .isEqualTo(recording.responseText().replace("gemma3:270m", "moltbot-llm"));
    Route denied = router.route(exchange(TestRequest.of("GET", path), "nothing"));
    assertThat(answered(denied, "application/json", recording.responseBody()))
        .doesNotContain("gemma3")
        .doesNotContain("moltbot-llm");
  }

  @ParameterizedTest
  @CsvSource({"/api/tags,tags", "/api/ps,ps", "/v1/models,openai-models"})
  void withoutAliasesAListThatMayBeSeenIsUnchangedAndAnyOtherFiltered(
      String path, String recorded) {
    DeploymentRouter router = DeploymentRouter.to(ONE);
    Recording recording = Recording.of(recorded);
    Route allowed = router.route(exchange(TestRequest.of("GET", path)));
    assertThat(answered(allowed, "application/json", recording.responseBody()))
        .isEqualTo(recording.responseText());
    Route denied = router.route(exchange(TestRequest.of("GET", path), "mistral"));
    assertThat(answered(denied, "application/json", recording.responseBody()))
        .doesNotContain("gemma3");
  }

  @Test
  void whatIsNoListShowsNothing() {
    Route route = DeploymentRouter.to(ONE).route(exchange(TestRequest.of("GET", "/api/tags")));
    assertThat(answered(route, "application/json", "{\"models\":[{\"na".getBytes(UTF_8)))
        .isEqualTo("{\"models\":[]}");
  }

  @Test
  void oneModelIsDescribedUnderItsAlias() {
    Exchange exchange = exchange(TestRequest.of("GET", "/v1/models/moltbot-llm"));
    Route route = aliases().route(exchange);
    assertThat(((Route.To) route).path()).isEqualTo("/v1/models/gemma3:270m");
    assertThat(
            answered(
                route,
                "application/json",
                "{\"id\":\"gemma3:270m\",\"object\":\"model\"}".getBytes(UTF_8)))
        .isEqualTo("{\"id\":\"moltbot-llm\",\"object\":\"model\"}");
  }

  @Test
  void aCallThatChangesAServerNamesItWhereThereAreSeveral() {
    String body = "{\"model\":\"x\"}";
    Route unnamed = aliases().route(exchange(TestRequest.post("/api/pull", body)));
    assertThat(((Route.Refused) unnamed).refusal().status()).isEqualTo(400);
    TestRequest twice =
        TestRequest.post("/api/pull", body)
            .header("X-Llmguard-Upstream", "one")
            .header("X-Llmguard-Upstream", "two");
    assertThat(aliases().route(exchange(twice))).isInstanceOf(Route.Refused.class);
    TestRequest named = TestRequest.post("/api/pull", body).header("X-Llmguard-Upstream", "two");
    assertThat(((Route.To) aliases().route(exchange(named))).upstream()).isSameAs(TWO);
    assertThat(DeploymentRouter.to(ONE).route(exchange(TestRequest.post("/api/pull", body))))
        .isInstanceOf(Route.To.class);
  }

  @Test
  void theHeartbeatIsAnsweredWhereverItGoes() {
    assertThat(aliases().route(exchange(TestRequest.of("GET", "/")))).isInstanceOf(Route.To.class);
  }

  @Test
  void deploymentsOfOneNameShareItsCalls() {
    DeploymentRouter both =
        DeploymentRouter.builder(
                List.of(Deployment.of("a", ONE, "x"), Deployment.of("a:latest", TWO, "y")))
            .strategy(RoutingStrategy.leastBusy())
            .build();
    Upstream first = ((Route.To) both.route(exchange(chat("a")))).upstream();
    Upstream second = ((Route.To) both.route(exchange(chat("a")))).upstream();
    List<Upstream> upstreams = List.of(first, second);
    assertThat(upstreams).containsExactlyInAnyOrder(ONE, TWO);
    assertThatThrownBy(() -> DeploymentRouter.to(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  // ---- what is decided in place of callers

  private static TestRequest warm(String model, String more) {
    return TestRequest.post(
        "/v1/chat/completions",
        "{\"model\":\"" + model + "\",\"temperature\":1,\"messages\":[]" + more + "}");
  }

  @Test
  void aLockHoldsUnderEveryNameOfAModelAndAtTheServerThatTakesItsPlace() {
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder("m", ONE, "m")
                        .requestsPerMinute(2)
                        .parameters(Parameters.builder().byDefault("top_k", 1).build())
                        .build(),
                    Deployment.builder("n", TWO, "n")
                        .parameters(Parameters.builder().byDefault("top_k", 2).build())
                        .build()))
            .alias("gpt-4", "m")
            .fallbacks("m", List.of("n"))
            .parameters(Parameters.builder().lock("temperature", 0.2).build())
            .build();
    Route own = router.route(exchange(warm("m", "")));
    assertThat(((Route.To) own).answers()).isNull();
    assertThat(sent(own)).contains("\"temperature\":0.2", "\"top_k\":1", "\"max_tokens\":9");
    Exchange exchange = exchange(warm("gpt-4", ""));
    Route.To other = (Route.To) router.route(exchange);
    assertThat(sent(other)).contains("\"temperature\":0.2", "\"top_k\":1", "\"model\":\"m\"");
    Route next = router.again(exchange, List.of(other), false);
    assertThat(sent(next)).contains("\"temperature\":0.2", "\"top_k\":2", "\"model\":\"n\"");
  }

  @Test
  void aRefusedParameterIsRefusedUnlessAnotherModelTakesIt() {
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder("m", ONE, "m")
                        .parameters(Parameters.builder().refuse("seed").build())
                        .build(),
                    Deployment.builder("n", TWO, "n").requestsPerMinute(1).build()))
            .fallbacks("n", List.of("m"))
            .build();
    Route refused = router.route(exchange(warm("m", ",\"seed\":1")));
    assertThat(((Route.Refused) refused).refusal().reason()).isEqualTo("parameter-refused");
    assertThat(router.route(exchange(warm("m", "")))).isInstanceOf(Route.To.class);
    assertThat(router.route(exchange(warm("n", ",\"seed\":1")))).isInstanceOf(Route.To.class);
    Route limited = router.route(exchange(warm("n", ",\"seed\":1")));
    assertThat(((Route.Refused) limited).refusal().reason()).isEqualTo("deployments-limited");
    assertThat(router.route(exchange(warm("n", "")))).isInstanceOf(Route.To.class);
  }

  @Test
  void whatIsDecidedHoldsWithoutDeploymentsToo() {
    DeploymentRouter router =
        DeploymentRouter.to(
            ONE, Parameters.builder().lock("temperature", 0).refuse("seed").build());
    assertThat(sent(router.route(exchange(warm("any", ""))))).contains("\"temperature\":0,");
    Route refused = router.route(exchange(warm("any", ",\"seed\":1")));
    assertThat(((Route.Refused) refused).refusal().status()).isEqualTo(403);
    Exchange unread =
        ((Decision.Admit)
                Guard.builder()
                    .stage(new Known())
                    .stage(new EndpointStage(EndpointCatalogue.standard()))
                    .build()
                    .admit(warm("any", ""))
                    .toCompletableFuture()
                    .join())
            .exchange();
    assertThat(((Route.Refused) router.route(unread)).refusal().reason())
        .as("a lock that nobody could hold")
        .isEqualTo("parameters-unread");
  }

  /** A caller who may do everything. */
  private static final class Known implements Stage {
    @Override
    public String name() {
      return "known";
    }

    @Override
    public CompletionStage<Decision> decide(Exchange exchange) {
      exchange.caller(Caller.builder(Caller.Kind.OTHER, "me").scopes(Set.of(Scope.ADMIN)).build());
      return exchange.admit();
    }
  }
}
