package io.llmguard.upstream.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.testkit.ManualTime;
import io.llmguard.upstream.Route;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The choice by use, held against a model of it; LiteLLM chooses a deployment over its limit. */
class UsageBasedRoutingTest {
  private final ManualTime time = new ManualTime();
  private final Calls calls = new Calls(time);

  UsageBasedRoutingTest() {}

  private static DeploymentRouter.Builder router(List<Deployment> deployments) {
    return DeploymentRouter.builder(deployments).strategy(RoutingStrategy.usageBased());
  }

  private record UnderWay(Exchange exchange, Route route, long input, long output) {}

  @ParameterizedTest
  @ValueSource(longs = {7, 11, 12, 13, 14, 15, 16, 17, 18, 19})
  void overAMinuteOfUnequalCallsTheLoadIsEvenWithinFivePercent(long seed) {
    DeploymentRouter router =
        router(
                List.of(
                    Deployment.of("m", Calls.upstream("a"), "m"),
                    Deployment.of("m", Calls.upstream("b"), "m")))
            .time(time)
            .random(new Random(seed + 1))
            .build();
    Random random = new Random(seed);
    Map<String, Long> tokens = new HashMap<>();
    Deque<UnderWay> underWay = new ArrayDeque<>();
    int count = 1_000;
    for (int i = 0; i < count; i++) {
      Exchange exchange = calls.chatOf("me", "m");
      // most calls are small, some are a hundred times as large
      long output =
          random.nextInt(10) == 0 ? 2_000 + random.nextInt(4_000) : 20 + random.nextInt(60);
      underWay.add(new UnderWay(exchange, router.route(exchange), 30, output));
      if (underWay.size() > random.nextInt(8)) {
        end(underWay.removeFirst(), tokens);
      }
      time.advance(Duration.ofSeconds(59).dividedBy(count));
    }
    underWay.forEach(call -> end(call, tokens));
    double mean = (tokens.getOrDefault("a", 0L) + tokens.getOrDefault("b", 0L)) / 2.0;
    assertThat((double) tokens.getOrDefault("a", 0L)).isCloseTo(mean, within(0.05 * mean));
  }

  private static void end(UnderWay call, Map<String, Long> tokens) {
    Calls.ended(call.exchange(), call.route(), call.input(), call.output());
    tokens.merge(Calls.server(call.route()), call.input() + call.output(), Long::sum);
  }

  /** What a deployment should have counted, from the list of everything that happened. */
  private static final class Model {
    private final long tpm;
    private final long rpm;
    private final List<long[]> begun = new ArrayList<>();
    private final List<long[]> ended = new ArrayList<>();

    Model(long tpm, long rpm) {
      this.tpm = tpm;
      this.rpm = rpm;
    }

    long requests(long minute) {
      return begun.stream().filter(b -> b[0] == minute).count();
    }

    long tokens(long minute) {
      return ended.stream().filter(e -> e[0] == minute).mapToLong(e -> e[1]).sum();
    }

    boolean within(long minute, long prompt) {
      return requests(minute) < rpm && tokens(minute) + prompt <= tpm;
    }
  }

  private static Model at(Map<String, Model> models, String name) {
    return java.util.Objects.requireNonNull(models.get(name));
  }

  /** Calls one after the other, so that nothing is under way and nothing estimated. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void theChoiceIsTheModels(long seed) {
    Random random = new Random(seed);
    Map<String, Model> models = new HashMap<>();
    List<Deployment> deployments = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      long tpm = random.nextInt(3) == 0 ? Long.MAX_VALUE : 200 + random.nextInt(2_000);
      long rpm = random.nextInt(3) == 0 ? Long.MAX_VALUE : 1 + random.nextInt(9);
      if (i == 0) {
        tpm = 900;
        rpm = 7;
      }
      models.put("u" + i, new Model(tpm, rpm));
      Deployment.Builder deployment = Deployment.builder("m", Calls.upstream("u" + i), "m");
      if (tpm < Long.MAX_VALUE) {
        deployment.tokensPerMinute(tpm);
      }
      if (rpm < Long.MAX_VALUE) {
        deployment.requestsPerMinute(rpm);
      }
      deployments.add(deployment.build());
    }
    DeploymentRouter router = router(deployments).time(time).random(random).build();
    int refused = 0;
    for (int i = 0; i < 2_000; i++) {
      long minute = Math.floorDiv(time.now().getEpochSecond(), 60L);
      Exchange exchange =
          calls.of("me", Calls.chat("m", "x".repeat(random.nextInt(4) == 0 ? 2_000 : 4)));
      long prompt = java.util.Objects.requireNonNull(exchange.call()).details().promptTokens();
      List<String> allowed =
          models.keySet().stream().filter(n -> at(models, n).within(minute, prompt)).toList();
      Route route = router.route(exchange);
      if (allowed.isEmpty()) {
        Refusal refusal = ((Route.Refused) route).refusal();
        assertThat(refusal.status()).isEqualTo(429);
        assertThat(refusal.headers().first("Retry-After"))
            .isEqualTo(Long.toString(60 - time.now().getEpochSecond() % 60));
        refused++;
      } else {
        String chosen = Calls.server(route);
        assertThat(allowed).as("within its limits").contains(chosen);
        long least = allowed.stream().mapToLong(n -> at(models, n).tokens(minute)).min().orElse(0);
        assertThat(at(models, chosen).tokens(minute)).isEqualTo(least);
        at(models, chosen).begun.add(new long[] {minute});
        time.advance(Duration.ofMillis(random.nextInt(3_000)));
        long output = random.nextInt(500);
        Calls.ended(exchange, route, prompt, output);
        long end = Math.floorDiv(time.now().getEpochSecond(), 60L);
        at(models, chosen).ended.add(new long[] {end, prompt + output});
      }
      time.advance(Duration.ofMillis(random.nextInt(1_500)));
    }
    assertThat(refused).isLessThan(2_000);
  }

  @Test
  void callsAtTheSameTimeDoNotAllPassOnTheLastPlace() {
    DeploymentRouter router =
        router(
                List.of(
                    Deployment.builder("m", Calls.upstream("a"), "m").requestsPerMinute(3).build(),
                    Deployment.builder("m", Calls.upstream("b"), "m").requestsPerMinute(2).build()))
            .time(time)
            .build();
    int taken = 0;
    for (int i = 0; i < 20; i++) {
      taken += router.route(calls.chatOf("me", "m")) instanceof Route.To ? 1 : 0;
    }
    assertThat(taken).isEqualTo(5);
    time.advance(Duration.ofMinutes(1));
    assertThat(router.route(calls.chatOf("me", "m"))).isInstanceOf(Route.To.class);
  }

  @Test
  void anAbsurdCountOfAnUpstreamDoesNotKeepItAwayForever() {
    DeploymentRouter router =
        router(
                List.of(
                    Deployment.builder("m", Calls.upstream("a"), "m").tokensPerMinute(100).build()))
            .time(time)
            .build();
    Exchange exchange = calls.chatOf("me", "m");
    Calls.ended(exchange, router.route(exchange), Long.MAX_VALUE, Long.MAX_VALUE);
    assertThat(router.route(calls.chatOf("me", "m"))).isInstanceOf(Route.Refused.class);
    time.advance(Duration.ofMinutes(1));
    assertThat(router.route(calls.chatOf("me", "m"))).isInstanceOf(Route.To.class);
  }
}
