package io.llmguard.upstream.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FairQueueTest {
  private static final Duration HALF_LIFE = Duration.ofSeconds(30);

  private final FairQueue<String> queue = new FairQueue<>();
  private final FairShares shares = new FairShares(HALF_LIFE);

  FairQueueTest() {}

  private String next() {
    String item = queue.poll(key -> shares.of(key, 0), i -> i);
    return item == null ? "" : item;
  }

  @Test
  void keysThatHaveUsedTheSameTakeTurnsHoweverManyCallsEachHas() {
    for (int i = 0; i < 100; i++) {
      queue.add(0, "greedy", "greedy" + i);
    }
    queue.add(0, "modest", "modest0");
    queue.add(0, "modest", "modest1");
    queue.add(0, "other", "other0");
    List<String> order = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      order.add(next());
    }
    assertThat(order)
        .containsExactly("greedy0", "modest0", "other0", "greedy1", "modest1", "greedy2");
    assertThat(queue.size()).isEqualTo(97);
  }

  @Test
  void aKeyThatComesBackAgainAndAgainStarvesNobody() {
    Map<String, Integer> served = new HashMap<>();
    for (int i = 0; i < 100; i++) {
      queue.add(0, "patient", "patient");
    }
    queue.add(0, "eager", "eager");
    for (int i = 0; i < 100; i++) {
      String item = next();
      served.merge(item, 1, Integer::sum);
      if (item.equals("eager")) {
        queue.add(0, "eager", "eager"); // at once again, alone in its own queue
      }
    }
    assertThat(served.get("eager")).isBetween(49, 51);
  }

  @Test
  void whoHasUsedLessGoesFirstAlthoughItCameLater() {
    shares.begin("heavy", 10, 0);
    shares.begin("light", 9, 0);
    queue.add(0, "heavy", "heavy");
    queue.add(0, "light", "light");
    queue.add(0, "new", "new");
    assertThat(List.of(next(), next(), next())).containsExactly("new", "light", "heavy");
  }

  @Test
  void aHigherPriorityGoesFirst() {
    shares.begin("b", 1e12, 0);
    queue.add(0, "a", "low");
    queue.add(5, "b", "high");
    queue.add(-1, "c", "lowest");
    assertThat(List.of(next(), next(), next(), next()))
        .containsExactly("high", "low", "lowest", "");
  }

  @Test
  void whatCannotGoOnKeepsItsPlaceAndLetsOthersPass() {
    queue.add(0, "a", "stuck");
    queue.add(0, "b", "free");
    String passed = queue.poll(key -> 0, item -> item.equals("free") ? item : null);
    assertThat(passed).isEqualTo("free");
    assertThat(next()).isEqualTo("stuck");
  }

  @Test
  void whatIsTakenOutIsGone() {
    queue.add(0, "a", "one");
    queue.add(0, "a", "two");
    assertThat(queue.remove(0, "a", "one")).isTrue();
    assertThat(queue.remove(0, "a", "one")).isFalse();
    assertThat(queue.remove(9, "a", "two")).isFalse();
    assertThat(next()).isEqualTo("two");
    assertThat(queue.size()).isZero();
  }

  @Test
  void whatWasUsedCountsHalfAsMuchAfterEachHalfLife() {
    long second = 1_000_000_000L;
    shares.begin("a", 8.0 * second, 0);
    assertThat(shares.of("a", 30 * second)).isCloseTo(4.0 * second, within(1.0));
    assertThat(shares.of("a", 60 * second)).isCloseTo(2.0 * second, within(1.0));
    // the estimate goes, as far as it still counts, and what was really used takes its place
    shares.end("a", 8.0 * second, 0, 5 * second, 60 * second);
    assertThat(shares.of("a", 60 * second)).isCloseTo(5.0 * second, within(1.0));
    assertThat(shares.of("a", 24 * 3600 * second)).isCloseTo(0, within(1.0));
  }

  @Test
  void noMoreKeysAreRememberedThanAreWorthIt() {
    shares.begin("regular", 7, 0);
    for (int i = 0; i < 5 * FairShares.MOST; i++) {
      shares.begin("k" + i, 1, 0);
      assertThat(shares.of("regular", 0)).isEqualTo(7);
    }
    assertThat(shares.size()).isEqualTo(FairShares.MOST);
  }

  /** What waits, in the order in which it came. */
  private record Item(int priority, String key, int number) {}

  /** What a key used, and when. */
  private record Use(String key, double nanos, long at) {}

  /**
   * Any order of coming, leaving, using and taking turns, held against a model that forgets
   * nothing.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void whoeverGoesIsOfTheHighestPriorityAndHasUsedLeastOfThoseWhoCouldGo(long seed) {
    Random random = new Random(seed);
    FairQueue<Item> items = new FairQueue<>();
    List<Item> waiting = new ArrayList<>();
    List<Use> uses = new ArrayList<>();
    long now = 0;
    for (int step = 0; step < 4_000; step++) {
      now += random.nextInt(2_000_000_000);
      long at = now;
      String key = "key" + random.nextInt(6);
      switch (random.nextInt(4)) {
        case 0 -> {
          double nanos = random.nextInt(1_000_000_000);
          shares.begin(key, nanos, now);
          uses.add(new Use(key, nanos, now));
        }
        case 1, 2 -> {
          Item item = new Item(random.nextInt(3), key, step);
          items.add(item.priority(), key, item);
          waiting.add(item);
        }
        default -> {
          if (!waiting.isEmpty() && random.nextInt(5) == 0) {
            Item gone = waiting.remove(random.nextInt(waiting.size()));
            assertThat(items.remove(gone.priority(), gone.key(), gone)).isTrue();
          }
          int stuck = random.nextInt(4);
          Item went =
              items.poll(k -> shares.of(k, at), item -> item.number() % 4 == stuck ? null : item);
          check(went, waiting, stuck, uses, now);
          waiting.remove(went);
        }
      }
      assertThat(items.size()).isEqualTo(waiting.size());
    }
  }

  private static void check(
      @Nullable Item went, List<Item> waiting, int stuck, List<Use> uses, long now) {
    Map<String, Item> first = new HashMap<>();
    waiting.forEach(item -> first.putIfAbsent(item.priority() + item.key(), item));
    List<Item> could = new ArrayList<>(first.values());
    could.removeIf(item -> item.number() % 4 == stuck);
    if (went == null) {
      assertThat(could).isEmpty();
      return;
    }
    assertThat(could).contains(went);
    for (Item other : could) {
      assertThat(other.priority()).isLessThanOrEqualTo(went.priority());
      if (other.priority() == went.priority()) {
        assertThat(used(went.key(), uses, now))
            .isLessThanOrEqualTo(used(other.key(), uses, now) + 1);
      }
    }
  }

  private static double used(String key, List<Use> uses, long now) {
    double sum = 0;
    for (Use use : uses) {
      if (use.key().equals(key)) {
        sum += use.nanos() * Math.pow(0.5, (double) (now - use.at()) / HALF_LIFE.toNanos());
      }
    }
    return sum;
  }
}
