package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.RawHttp;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Hundreds of clients that leave whenever they like; whatever they do, each call that began ends
 * once. The seed is {@code -Dllmguard.seed}, or always the same.
 */
@Tag("container")
class RandomDeparturesTest extends DepartureTestBase {
  private static final int CLIENTS = 300;
  private static final long SEED = Long.getLong("llmguard.seed", 20261);

  /** What a client does once it has read as much as it wants. */
  private enum Then {
    READ_ALL,
    CLOSE,
    VANISH,
    RESET,
    HALF_CLOSE,
    PIPELINE,
    PIPELINE_AND_RESET
  }

  private record Plan(boolean secure, int read, Then then) {}

  private final Set<String> begun = ConcurrentHashMap.newKeySet();
  private final Map<String, AtomicInteger> settled = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> outcomes = new ConcurrentHashMap<>();

  @Override
  protected StandardGuard.Builder guard() throws Exception {
    return super.guard()
        .stage(
            Place.OBSERVE,
            new Stage() {
              @Override
              public String name() {
                return "bookkeeper";
              }

              @Override
              public CompletionStage<Decision> decide(Exchange exchange) {
                begun.add(exchange.id());
                return exchange.admit();
              }

              @Override
              public void settle(Exchange exchange, Outcome outcome) {
                count(outcomes, outcome.word());
                count(settled, exchange.id());
              }
            });
  }

  private static void count(Map<String, AtomicInteger> counts, String what) {
    counts.computeIfAbsent(what, w -> new AtomicInteger()).incrementAndGet();
  }

  @Test
  void eachCallThatBeganEndsOnce() throws Exception {
    Random random = new Random(SEED);
    // pieces with pauses, so that clients leave before, while and after they begin to be watched
    upstream.on("POST", CHAT.path(), Answer.replay(CHAT).trickle(700, Duration.ofMillis(2)));
    List<Plan> plans = new ArrayList<>();
    Then[] all = Then.values();
    for (int i = 0; i < CLIENTS; i++) {
      plans.add(
          new Plan(
              random.nextInt(3) == 0,
              random.nextBoolean() ? 0 : random.nextInt(CHAT.responseBody().length),
              all[random.nextInt(all.length)]));
    }
    ExecutorService clients = Executors.newFixedThreadPool(12);
    try {
      List<Future<Integer>> answered =
          plans.stream().map(plan -> clients.submit(() -> play(plan))).toList();
      int complete = 0;
      for (Future<Integer> one : answered) {
        complete += one.get(60, TimeUnit.SECONDS);
      }
      while (settled.size() < begun.size()) {
        Ended unused = nextEnded();
      }
      assertThat(settled.keySet()).as("seed %d", SEED).containsExactlyInAnyOrderElementsOf(begun);
      assertThat(settled.values())
          .as("seed %d", SEED)
          .allSatisfy(times -> assertThat(times).hasValue(1));
      assertThat(outcomes.keySet()).as("seed %d", SEED).isSubsetOf("completed", "client-gone");
      assertThat(outcomes.get("completed").get()).isGreaterThanOrEqualTo(complete);
    } finally {
      clients.shutdownNow();
    }
    forgetEnded();
  }

  /** Plays a client; answers how many of its calls were answered to their end. */
  private int play(Plan plan) throws IOException {
    try (Client client = chatting(plan.secure)) {
      RawHttp http = client.http();
      boolean all = plan.then == Then.READ_ALL;
      if (plan.read > 0 || all) {
        assertThat(http.readHead().status()).isEqualTo(200);
        http.readBytes(plan.read);
      }
      switch (plan.then) {
        case READ_ALL -> {
          http.readBody();
          assertThat(http.end()).as("%s", plan).isEqualTo(RawHttp.End.COMPLETE);
          return 1;
        }
        case CLOSE -> http.leave();
        case VANISH -> client.vanish();
        case RESET -> client.reset();
        case HALF_CLOSE -> http.halfClose();
        case PIPELINE -> {
          http.get(VERSION.path(), authorization());
          if (plan.read == 0) {
            http.readHead();
          }
          http.readBody();
          assertThat(http.end()).as("%s", plan).isEqualTo(RawHttp.End.COMPLETE);
          assertThat(http.readHead().status()).as("%s", plan).isEqualTo(200);
          assertThat(http.readBody()).isEqualTo(VERSION.responseBody());
          return 2;
        }
        case PIPELINE_AND_RESET -> {
          http.get(VERSION.path(), authorization());
          client.reset();
        }
      }
      return 0;
    }
  }
}
