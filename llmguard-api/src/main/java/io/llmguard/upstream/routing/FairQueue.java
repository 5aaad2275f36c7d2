package io.llmguard.upstream.routing;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Items that wait, by priority, and within one by how little their key has used: the first item of
 * the key that has used least goes first, and of keys that have used the same the one that has
 * waited longest for its turn. Used under the router's lock.
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
   * @param used how much a key has used
   * @param goesOn answers what becomes of an item, or null if it has to go on waiting
   */
  <R> @Nullable R poll(ToDoubleFunction<String> used, Function<T, @Nullable R> goesOn) {
    for (Map.Entry<Integer, Level<T>> entry : levels.entrySet()) {
      R result = entry.getValue().poll(used, goesOn);
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

  /** What waits of a key. */
  private static final class Flow<T> {
    private final String key;
    private final Deque<T> items = new ArrayDeque<>();
    private long since;
    private double used;

    Flow(String key) {
      this.key = key;
    }
  }

  private static final class Level<T> {
    private final Map<String, Flow<T>> flows = new HashMap<>();
    private long turns;

    void add(String key, T item) {
      Flow<T> flow = flows.computeIfAbsent(key, Flow::new);
      if (flow.items.isEmpty()) {
        flow.since = turns++;
      }
      flow.items.add(item);
    }

    boolean remove(String key, T item) {
      Flow<T> flow = flows.get(key);
      if (flow == null || !flow.items.remove(item)) {
        return false;
      }
      forgetEmpty(flow);
      return true;
    }

    <R> @Nullable R poll(ToDoubleFunction<String> used, Function<T, @Nullable R> goesOn) {
      PriorityQueue<Flow<T>> order =
          new PriorityQueue<>(
              Comparator.<Flow<T>>comparingDouble(flow -> flow.used)
                  .thenComparingLong(flow -> flow.since));
      for (Flow<T> flow : flows.values()) {
        flow.used = used.applyAsDouble(flow.key);
        order.add(flow);
      }
      for (Flow<T> flow = order.poll(); flow != null; flow = order.poll()) {
        R result = goesOn.apply(flow.items.getFirst());
        if (result != null) {
          flow.items.removeFirst();
          flow.since = turns++;
          forgetEmpty(flow);
          return result;
        }
      }
      return null;
    }

    private void forgetEmpty(Flow<T> flow) {
      if (flow.items.isEmpty()) {
        flows.remove(flow.key);
      }
    }
  }
}
