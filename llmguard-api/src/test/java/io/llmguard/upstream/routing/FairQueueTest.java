package io.llmguard.upstream.routing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FairQueueTest {
  private final FairQueue<String> queue = new FairQueue<>();

  FairQueueTest() {}

  private String next() {
    String item = queue.poll(i -> i);
    return item == null ? "" : item;
  }

  @Test
  void keysTakeTurnsHoweverManyCallsEachHas() {
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
  void aHigherPriorityGoesFirst() {
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
    String passed = queue.poll(item -> item.equals("free") ? item : null);
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
}
