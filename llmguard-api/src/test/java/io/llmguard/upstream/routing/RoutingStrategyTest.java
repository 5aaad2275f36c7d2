package io.llmguard.upstream.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.llmguard.Exchange;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.Route;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.wire.Parameters;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RoutingStrategyTest {
  private final ManualTime time = new ManualTime();
  private final Calls calls = new Calls(time);

  RoutingStrategyTest() {}

  private DeploymentRouter.Builder two(RoutingStrategy strategy) {
    return DeploymentRouter.builder(
            List.of(
                Deployment.of("m", Calls.upstream("a"), "m"),
                Deployment.of("m", Calls.upstream("b"), "m")))
        .strategy(strategy)
        .random(new Random(5))
        .time(time);
  }

  private Map<String, Integer> shares(DeploymentRouter router, int count) {
    Map<String, Integer> shares = new HashMap<>();
    for (int i = 0; i < count; i++) {
      Exchange exchange = calls.chatOf("me", "m");
      Route route = router.route(exchange);
      shares.merge(Calls.server(route), 1, Integer::sum);
      Calls.ended(exchange, route, 1, 1);
    }
    return shares;
  }

  @Test
  void simpleShuffleGoesByWeight() {
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder("m", Calls.upstream("a"), "m").weight(3).build(),
                    Deployment.builder("m", Calls.upstream("b"), "m").weight(1).build()))
            .random(new Random(5))
            .build();
    assertThat((double) shares(router, 4_000).getOrDefault("a", 0)).isCloseTo(3_000, within(150.0));
  }

  @Test
  void simpleShuffleGoesByCallsPerMinuteWhereThereIsNoWeight() {
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder("m", Calls.upstream("a"), "m")
                        .requestsPerMinute(900_000)
                        .build(),
                    Deployment.builder("m", Calls.upstream("b"), "m")
                        .requestsPerMinute(100_000)
                        .build()))
            .random(new Random(5))
            .build();
    assertThat((double) shares(router, 4_000).getOrDefault("a", 0)).isCloseTo(3_600, within(120.0));
  }

  @Test
  void leastBusyCountsWhatIsUnderWay() {
    DeploymentRouter router = two(RoutingStrategy.leastBusy()).build();
    Set<String> first = new HashSet<>();
    Exchange exchange = calls.chatOf("me", "m");
    Route one = router.route(exchange);
    first.add(Calls.server(one));
    Route two = router.route(calls.chatOf("me", "m"));
    first.add(Calls.server(two));
    assertThat(first).containsExactlyInAnyOrder("a", "b");
    Calls.ended(exchange, one, 1, 1);
    for (int i = 0; i < 5; i++) {
      Exchange next = calls.chatOf("me", "m");
      Route route = router.route(next);
      assertThat(Calls.server(route)).isEqualTo(Calls.server(one));
      Calls.ended(next, route, 1, 1);
    }
  }

  @Test
  void latencyGoesByTheTimeForATokenAndTriesEverybodyOnce() {
    DeploymentRouter router = two(RoutingStrategy.latencyBased(0.1)).build();
    Map<String, Long> speed = Map.of("a", 50L, "b", 10L);
    Map<String, Integer> shares = new HashMap<>();
    for (int i = 0; i < 50; i++) {
      Exchange exchange = calls.chatOf("me", "m");
      Route route = router.route(exchange);
      String server = Calls.server(route);
      shares.merge(server, 1, Integer::sum);
      // a long answer takes longer and is not slower for it
      int output = 10 + i;
      Calls.ended(exchange, route, 1, output, speed.getOrDefault(server, 0L) * output * 1_000);
    }
    assertThat(shares).containsEntry("a", 1).containsEntry("b", 49);
  }

  @Test
  void aLowerOrderGoesFirstWhileItCan() {
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder("m", Calls.upstream("a"), "m").order(2).build(),
                    Deployment.builder("m", Calls.upstream("b"), "m")
                        .order(1)
                        .requestsPerMinute(2)
                        .build()))
            .time(time)
            .build();
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("b");
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("b");
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("a");
  }

  @Test
  void aConversationKeepsItsServerAndNobodyElses() {
    DeploymentRouter router =
        two(RoutingStrategy.simpleShuffle()).affinity(Duration.ofMinutes(10)).build();
    for (int conversation = 0; conversation < 10; conversation++) {
      Set<String> servers = new HashSet<>();
      String opening =
          "{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"hello "
              + conversation
              + "\"}";
      for (int turn = 0; turn < 8; turn++) {
        servers.add(Calls.server(router.route(calls.of("me", conversation(opening, turn)))));
      }
      assertThat(servers).hasSize(1);
    }
    Set<String> others = new HashSet<>();
    for (int caller = 0; caller < 30; caller++) {
      String opening = "{\"role\":\"user\",\"content\":\"hello 1\"}";
      others.add(Calls.server(router.route(calls.of("caller" + caller, conversation(opening, 0)))));
    }
    assertThat(others).hasSize(2);
  }

  private static TestRequest conversation(String opening, int turns) {
    return TestRequest.post(
        "/v1/chat/completions",
        "{\"model\":\"m\",\"temperature\":0."
            + turns
            + ",\"messages\":["
            + opening
            + ",{\"role\":\"assistant\",\"content\":\"yes\"},{\"role\":\"user\",\"content\":\"more\"}"
                .repeat(turns)
            + "]}");
  }

  private DeploymentRouter byPrefix() {
    return two(RoutingStrategy.simpleShuffle())
        .affinity(Duration.ofMinutes(10))
        .affinityBy(AffinityKey.PREFIX)
        .build();
  }

  private String serverOf(DeploymentRouter router, String caller, TestRequest request) {
    Exchange exchange = calls.of(caller, request);
    Route route = router.route(exchange);
    Calls.ended(exchange, route, 1, 1);
    return Calls.server(route);
  }

  /** A call with this system prompt in each of the ways in which it can be given. */
  private static List<TestRequest> withSystem(String system, String question) {
    String user = "{\"role\":\"user\",\"content\":\"" + question + "\"}";
    String chat = "{\"model\":\"m\",\"messages\":[";
    return List.of(
        TestRequest.post(
            "/api/chat",
            chat + "{\"role\":\"system\",\"content\":\"" + system + "\"}," + user + "]}"),
        TestRequest.post(
            "/v1/chat/completions",
            chat + "{\"content\" : \"" + system + "\", \"role\":\"developer\"}," + user + "]}"),
        TestRequest.post(
            "/v1/chat/completions",
            chat
                + "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\""
                + system
                + "\"}]},"
                + user
                + "]}"),
        TestRequest.post(
            "/v1/messages",
            "{\"model\":\"m\",\"max_tokens\":5,\"messages\":["
                + user
                + "],\"system\":[{\"type\":\"text\",\"text\":\""
                + system
                + "\"}]}"),
        TestRequest.post(
            "/v1/responses",
            "{\"model\":\"m\",\"instructions\":\"" + system + "\",\"input\":\"" + question + "\"}"),
        TestRequest.post(
            "/api/generate",
            "{\"model\":\"m\",\"prompt\":\"" + question + "\",\"system\":\"" + system + "\"}"));
  }

  @Test
  void callersThatShareASystemPromptShareAServerByPrefix() {
    DeploymentRouter router = byPrefix();
    Set<String> all = new HashSet<>();
    for (int prompt = 0; prompt < 12; prompt++) {
      Set<String> servers = new HashSet<>();
      for (int caller = 0; caller < 4; caller++) {
        for (TestRequest request : withSystem("You are number " + prompt, "question " + caller)) {
          servers.add(serverOf(router, "caller" + caller, request));
        }
      }
      assertThat(servers).as("prompt %d", prompt).hasSize(1);
      all.addAll(servers);
    }
    assertThat(all).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void aCallWithoutASystemPromptGoesByItsConversationByPrefixToo() {
    DeploymentRouter router = byPrefix();
    String opening = "{\"role\":\"user\",\"content\":\"hello\"}";
    Set<String> all = new HashSet<>();
    for (int caller = 0; caller < 20; caller++) {
      Set<String> servers = new HashSet<>();
      for (int turn = 0; turn < 4; turn++) {
        servers.add(serverOf(router, "caller" + caller, conversation(opening, turn)));
      }
      assertThat(servers).hasSize(1);
      all.addAll(servers);
    }
    assertThat(all).as("each caller by itself").hasSize(2);
  }

  @Test
  void aPromptThatEverybodyUsesDoesNotFloodOneServer() {
    DeploymentRouter router = byPrefix();
    TestRequest request = withSystem("Everybody's", "question").get(0);
    Map<String, Integer> underWay = new HashMap<>();
    for (int i = 0; i < 60; i++) {
      underWay.merge(Calls.server(router.route(calls.of("me", request))), 1, Integer::sum);
    }
    assertThat(underWay.values()).allMatch(calls -> calls >= 15);
  }

  @Test
  void whatIsRememberedOfPromptsIsBounded() {
    Affinity affinity = new Affinity(Duration.ofMinutes(10), AffinityKey.PREFIX);
    DeploymentState state =
        new DeploymentState(
            Deployment.of("m", Calls.upstream("a"), "m"),
            new Breaker(Cooldown.DEFAULT),
            new Breaker(Cooldown.DEFAULT),
            Parameters.NONE);
    for (int i = 0; i < 3 * Affinity.MOST; i++) {
      affinity.keep(new Affinity.Beginning("prompt " + i, true), state, List.of(state));
    }
    assertThat(affinity.size()).isBetween(1L, (long) Affinity.MOST);
  }

  @Test
  void aServerThatHasTheModelLoadedGoesFirstWhileItHasRoom() {
    Upstream a = Calls.upstream("a");
    Availability known =
        new Availability() {
          @Override
          public State of(Upstream upstream, String model) {
            return switch (upstream.name()) {
              case "a" -> State.PRESENT;
              case "b" -> State.LOADED;
              default -> State.ABSENT;
            };
          }

          @Override
          public List<String> models(Upstream upstream) {
            return List.of();
          }
        };
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.of("m", a, "m"),
                    Deployment.builder("m", Calls.upstream("b"), "m").maxParallel(2).build(),
                    Deployment.of("m", Calls.upstream("c"), "m")))
            .availability(known)
            .build();
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("b");
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("b");
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("a");
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("a");
  }

  @Test
  void aServerThatFailsCoolsDownAndIsTriedByOneCallAfterIt() {
    DeploymentRouter router =
        two(RoutingStrategy.leastBusy())
            .cooldown(new Cooldown(1, Duration.ofSeconds(10), false))
            .build();
    failAll(router, "a", 2);
    for (int i = 0; i < 10; i++) {
      assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("b");
    }
    time.advance(Duration.ofSeconds(10));
    Route trial = router.route(calls.chatOf("me", "m"));
    assertThat(Calls.server(trial)).as("the emptier one").isEqualTo("a");
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).as("one trial").isEqualTo("b");
    Calls.failed(trial, Kind.FIRST_BYTE_TIMEOUT);
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("b");
    time.advance(Duration.ofSeconds(10));
    Exchange exchange = calls.chatOf("me", "m");
    Route well = router.route(exchange);
    Calls.ended(exchange, well, 1, 1);
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("a");
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("a");
  }

  private void failAll(DeploymentRouter router, String server, int times) {
    for (int failed = 0; failed < times; ) {
      Exchange exchange = calls.chatOf("me", "m");
      Route route = router.route(exchange);
      if (Calls.server(route).equals(server)) {
        Calls.failed(route, Kind.CONNECT);
        failed++;
      } else {
        Calls.ended(exchange, route, 1, 1);
      }
    }
  }

  /** Two models on two servers. */
  private DeploymentRouter twoModels() {
    return DeploymentRouter.builder(
            List.of(
                Deployment.of("m", Calls.upstream("a"), "m"),
                Deployment.of("m", Calls.upstream("b"), "m"),
                Deployment.of("n", Calls.upstream("a"), "n"),
                Deployment.of("n", Calls.upstream("b"), "n")))
        .strategy(RoutingStrategy.leastBusy())
        .cooldown(new Cooldown(1, Duration.ofSeconds(10), false))
        .random(new Random(5))
        .time(time)
        .build();
  }

  private Set<String> serversOf(DeploymentRouter router, String model) {
    Set<String> servers = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      Exchange exchange = calls.chatOf("me", model);
      Route route = router.route(exchange);
      servers.add(Calls.server(route));
      Calls.ended(exchange, route, 1, 1);
    }
    return servers;
  }

  @Test
  void aServerThatIsNotReachedForOneModelIsLeftAloneForAll() {
    DeploymentRouter router = twoModels();
    Deque<Route> routes = new ArrayDeque<>();
    while (routes.size() < 2) {
      Route route = router.route(calls.chatOf("me", "m"));
      if (Calls.server(route).equals("a")) {
        routes.add(route);
      }
    }
    routes.forEach(route -> Calls.failed(route, Kind.CONNECT));
    assertThat(serversOf(router, "n")).containsExactly("b");
  }

  @Test
  void aModelThatFailsOnAServerLeavesTheServersOthersAlone() {
    DeploymentRouter router = twoModels();
    Deque<Route> routes = new ArrayDeque<>();
    while (routes.size() < 2) {
      Route route = router.route(calls.chatOf("me", "m"));
      if (Calls.server(route).equals("a")) {
        routes.add(route);
      }
    }
    routes.forEach(route -> Calls.answered(route, 500));
    assertThat(serversOf(router, "m")).containsExactly("b");
    assertThat(serversOf(router, "n")).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void aStrategyThatFailsForACallThatWaitsFailsNobodyElse() {
    Upstream two = Calls.upstream("two");
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.of("m", two, "m"),
                    Deployment.of("m", two, "copy"),
                    Deployment.builder("m", Calls.upstream("one"), "m").maxParallel(1).build()))
            .strategy(
                (candidates, random) -> {
                  throw new IllegalStateException("broken");
                })
            .time(time)
            .build();
    router.probed(two, false);
    Exchange running = calls.chatOf("me", "m");
    Route place = router.route(running);
    Route.Later waiting = (Route.Later) router.route(calls.chatOf("me", "m"));
    router.probed(two, true);
    assertThat(waiting.route().toCompletableFuture()).isCompletedExceptionally();
    Calls.ended(running, place, 1, 1);
  }

  @Test
  void theLastDoorStaysOpenUnlessItIsToBeShut() {
    Cooldown lenient = new Cooldown(0, Duration.ofSeconds(10), false);
    DeploymentRouter open = two(RoutingStrategy.leastBusy()).cooldown(lenient).build();
    failAll(open, "a", 1);
    time.advance(Duration.ofSeconds(1));
    failAll(open, "b", 1);
    assertThat(Calls.server(open.route(calls.chatOf("me", "m")))).isEqualTo("a");

    Cooldown strict = new Cooldown(0, Duration.ofSeconds(10), true);
    DeploymentRouter shut = two(RoutingStrategy.leastBusy()).cooldown(strict).build();
    failAll(shut, "a", 1);
    time.advance(Duration.ofSeconds(1));
    failAll(shut, "b", 1);
    Route.Refused refused = (Route.Refused) shut.route(calls.chatOf("me", "m"));
    assertThat(refused.refusal().status()).isEqualTo(503);
    assertThat(refused.refusal().headers().first("Retry-After")).isEqualTo("9");
  }

  @Test
  void aRouterSaysWhileEveryServerIsLeftAlone() {
    Cooldown strict = new Cooldown(0, Duration.ofSeconds(10), true);
    DeploymentRouter router = two(RoutingStrategy.leastBusy()).cooldown(strict).build();
    assertThat(router.coolingDown()).isFalse();
    failAll(router, "a", 1);
    assertThat(router.coolingDown()).as("one of two").isFalse();
    time.advance(Duration.ofSeconds(1));
    failAll(router, "b", 1);
    assertThat(router.coolingDown()).isTrue();
    time.advance(Duration.ofSeconds(9));
    assertThat(router.coolingDown()).as("one may be asked again").isFalse();
    assertThat(DeploymentRouter.to(Calls.upstream("only")).coolingDown()).isFalse();
  }

  @Test
  void whatACallerDoesWrongOrLeavesIsNoFaultOfTheServer() {
    DeploymentRouter router =
        two(RoutingStrategy.leastBusy())
            .cooldown(new Cooldown(0, Duration.ofHours(1), true))
            .build();
    for (int i = 0; i < 50; i++) {
      Calls.answered(router.route(calls.chatOf("me", "m")), i % 2 == 0 ? 400 : 404);
      Calls.failed(router.route(calls.chatOf("me", "m")), Kind.CANCELLED);
      Calls.failed(router.route(calls.chatOf("me", "m")), Kind.REQUEST_BODY);
    }
    assertThat(router.route(calls.chatOf("me", "m"))).isInstanceOf(Route.To.class);
  }

  @Test
  void aServerThatAsksForRestGetsIt() {
    DeploymentRouter router = two(RoutingStrategy.leastBusy()).build();
    Route busy = router.route(calls.chatOf("me", "m"));
    Calls.placement(busy)
        .ended(new io.llmguard.upstream.AttemptResult(null, 429, 1, 1, Duration.ofSeconds(30)));
    time.advance(Duration.ofSeconds(29));
    for (int i = 0; i < 5; i++) {
      assertThat(Calls.server(router.route(calls.chatOf("me", "m"))))
          .isNotEqualTo(Calls.server(busy));
    }
    time.advance(Duration.ofSeconds(1));
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo(Calls.server(busy));
  }

  @Test
  void aProbeOpensAndShuts() {
    Upstream a = Calls.upstream("a");
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(Deployment.of("m", a, "m"), Deployment.of("m", Calls.upstream("b"), "m")))
            .strategy(RoutingStrategy.leastBusy())
            .time(time)
            .build();
    router.probed(a, false);
    for (int i = 0; i < 5; i++) {
      assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("b");
    }
    router.probed(a, true);
    assertThat(Calls.server(router.route(calls.chatOf("me", "m")))).isEqualTo("a");
  }
}
