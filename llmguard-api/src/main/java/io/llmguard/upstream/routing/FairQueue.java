package io.llmguard.upstream.routing;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Items that wait, by priority, and within one fair between keys: start-time fair queueing, in
 * which a key that had a turn stands back for one turn of each other key that waits. Used under the
 * router's lock.
 *
 * @param <T> what waits
 */
final class FairQueue<T> {
  private final TreeMap<Integer, Level<T>> levels = new TreeMap<>(Comparator.reverseOrder());
  private int size;

  int size() {
    return size;
  }

  void add(int priority, String key, T item) {
    levels.computeIfAbsent(priority, p -> new Level<>()).add(key, item);
    size++;
  }

  /** Takes out an item that does not wait any longer; false if it has had its turn. */
  boolean remove(int priority, String key, T item) {
    Level<T> level = levels.get(priority);
    if (level == null || !level.remove(key, item)) {
      return false;
    }
    size--;
    forgetEmpty(priority, level);
    return true;
  }

  /**
   * Takes out the first item that can go on: items are offered in order, the first of each key
   * only.
   *
   * @param goesOn answers what becomes of an item, or null if it has to go on waiting
   */
  <R> @Nullable R poll(Function<T, @Nullable R> goesOn) {
    for (Map.Entry<Integer, Level<T>> entry : levels.entrySet()) {
      R result = entry.getValue().poll(goesOn);
      if (result != null) {
        size--;
        forgetEmpty(entry.getKey(), entry.getValue());
        return result;
      }
    }
    return null;
  }

  private void forgetEmpty(int priority, Level<T> level) {
    if (level.flows.isEmpty()) {
      levels.remove(priority);
    }
  }

  private static final class Flow<T> {
    private final Deque<T> items = new ArrayDeque<>();
    private long turn;
    private long came;
  }

  private static final class Level<T> {
    private final Map<String, Flow<T>> flows = new HashMap<>();
    private long turn;
    private long coming;

    void add(String key, T item) {
      Flow<T> flow = flows.get(key);
      if (flow == null) {
        flow = new Flow<>();
        flows.put(key, flow);
      }
      if (flow.items.isEmpty()) {
        flow.turn = Math.max(flow.turn, turn);
        flow.came = coming++;
      }
      flow.items.add(item);
    }

    boolean remove(String key, T item) {
      Flow<T> flow = flows.get(key);
      boolean removed = flow != null && flow.items.remove(item);
      forgetIdle();
      return removed;
    }

    <R> @Nullable R poll(Function<T, @Nullable R> goesOn) {
      for (Flow<T> flow :
          flows.values().stream()
              .filter(f -> !f.items.isEmpty())
              .sorted(Comparator.<Flow<T>>comparingLong(f -> f.turn).thenComparingLong(f -> f.came))
              .toList()) {
        R result = goesOn.apply(flow.items.getFirst());
        if (result != null) {
          flow.items.removeFirst();
          turn = Math.max(turn, flow.turn);
          flow.turn++;
          forgetIdle();
          return result;
        }
      }
      return null;
    }

    /** A key that has nothing waiting is remembered only while it has to stand back. */
    private void forgetIdle() {
      boolean waits = flows.values().stream().anyMatch(flow -> !flow.items.isEmpty());
      flows.values().removeIf(flow -> flow.items.isEmpty() && (!waits || flow.turn <= turn));
    }
  }
}
