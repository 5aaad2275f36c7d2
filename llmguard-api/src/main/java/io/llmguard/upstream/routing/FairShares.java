package io.llmguard.upstream.routing;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How much of the servers' time each key has used of late: what it used counts half as much after
 * each half-life. Used under the router's lock.
 */
final class FairShares {
  /** Of more keys than these, those are forgotten that called least recently. */
  static final int MOST = 10_000;

  private final double halfLife;
  private final Map<String, Share> shares = new LinkedHashMap<>(16, 0.75f, true);

  FairShares(Duration halfLife) {
    this.halfLife = halfLife.toNanos();
  }

  /** What a key had used at some time. */
  private record Share(double used, long at) {}

  /** What a key has used, in nanoseconds as far as they still count. */
  double of(String key, long now) {
    Share share = shares.get(key);
    return share == null ? 0 : share.used() * counting(now - share.at());
  }

  /** Which part of what was used so long ago still counts. */
  private double counting(long nanos) {
    return Math.pow(2, -nanos / halfLife);
  }

  /** A key begins a call that is going to take about so long. */
  void begin(String key, double estimate, long now) {
    put(key, of(key, now) + estimate, now);
  }

  /** A call that began then has ended, and took so long. */
  void end(String key, double estimate, long begun, long nanos, long now) {
    put(key, Math.max(0, of(key, now) - estimate * counting(now - begun)) + nanos, now);
  }

  private void put(String key, double used, long now) {
    shares.put(key, new Share(used, now));
    if (shares.size() > MOST) {
      Iterator<String> eldest = shares.keySet().iterator();
      eldest.next();
      eldest.remove();
    }
  }

  /** How many keys are remembered. */
  int size() {
    return shares.size();
  }
}
