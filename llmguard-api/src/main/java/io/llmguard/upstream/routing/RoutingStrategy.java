package io.llmguard.upstream.routing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Chooses one of the deployments that may take a call. Thread-safe; must not block.
 *
 * <p>Those that are cooling down, over their limits or full are left out before.
 */
@FunctionalInterface
public interface RoutingStrategy {
  /**
   * The choice.
   *
   * @param candidates two or more
   * @return one of them
   */
  Candidate choose(List<Candidate> candidates, RandomGenerator random);

  /**
   * The one with the fewest tokens in the current minute; of several, the one with the fewest calls
   * in it, then any.
   */
  static RoutingStrategy usageBased() {
    return least(
        Comparator.comparingLong(Candidate::tokensThisMinute)
            .thenComparingLong(Candidate::requestsThisMinute));
  }

  /** The one with the fewest calls under way; of several, any. */
  static RoutingStrategy leastBusy() {
    return least(Comparator.comparingInt(Candidate::inFlight));
  }

  /**
   * Any, each in proportion to its weight; where no weight is set, to its calls per minute, else to
   * its tokens per minute. Where some set it and some do not, those that do not get nothing.
   */
  static RoutingStrategy simpleShuffle() {
    return (candidates, random) -> {
      double[] shares = shares(candidates);
      double sum = 0;
      for (double share : shares) {
        sum += share;
      }
      double at = random.nextDouble() * sum;
      for (int i = 0; i < shares.length; i++) {
        at -= shares[i];
        if (at < 0) {
          return candidates.get(i);
        }
      }
      return candidates.get(candidates.size() - 1);
    };
  }

  /**
   * The one that takes the least time for a token; one that has not answered yet comes first.
   *
   * @param buffer of those whose time is longer by no more than this part of the best one's, any is
   *     taken; 0 for the best one
   */
  static RoutingStrategy latencyBased(double buffer) {
    if (!(buffer >= 0)) {
      throw new IllegalArgumentException("a buffer is 0 or more: " + buffer);
    }
    return (candidates, random) -> {
      double best = Double.MAX_VALUE;
      for (Candidate candidate : candidates) {
        best = Math.min(best, candidate.latencyNanos());
      }
      double most = best < 0 ? best : best * (1 + buffer);
      List<Candidate> fast = new ArrayList<>(candidates);
      fast.removeIf(candidate -> candidate.latencyNanos() > most);
      return fast.get(random.nextInt(fast.size()));
    };
  }

  private static RoutingStrategy least(Comparator<Candidate> order) {
    return (candidates, random) -> {
      Candidate best = candidates.get(0);
      int same = 1;
      for (int i = 1; i < candidates.size(); i++) {
        Candidate candidate = candidates.get(i);
        int difference = order.compare(candidate, best);
        if (difference < 0) {
          best = candidate;
          same = 1;
        } else if (difference == 0 && random.nextInt(++same) == 0) {
          best = candidate;
        }
      }
      return best;
    };
  }

  private static double[] shares(List<Candidate> candidates) {
    double[] shares = new double[candidates.size()];
    if (fill(shares, candidates, 0) || fill(shares, candidates, 1)) {
      return shares;
    }
    if (!fill(shares, candidates, 2)) {
      java.util.Arrays.fill(shares, 1);
    }
    return shares;
  }

  private static boolean fill(double[] shares, List<Candidate> candidates, int kind) {
    boolean any = false;
    for (int i = 0; i < shares.length; i++) {
      Deployment deployment = candidates.get(i).deployment();
      double share =
          switch (kind) {
            case 0 -> deployment.weight();
            case 1 -> limit(deployment.requestsPerMinute());
            default -> limit(deployment.tokensPerMinute());
          };
      shares[i] = share;
      any |= share > 0;
    }
    return any;
  }

  private static double limit(long value) {
    return value == Long.MAX_VALUE ? 0 : value;
  }
}
