package io.llmguard.budget;

import io.llmguard.FailedAttempt;
import io.llmguard.budget.BudgetSet.Applied;
import io.llmguard.wire.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the attempts of a call have used and cost, each at the price of its place. */
final class Bill {
  private record Part(@Nullable String group, Usage usage, long cost) {}

  private final Pricing pricing;
  private final boolean usd;
  private final List<Part> parts = new ArrayList<>(1);
  private Duration time = Duration.ZERO;
  private boolean priced;

  /** An empty one; {@code usd} is true if a budget in US dollars counts the call. */
  Bill(Pricing pricing, boolean usd) {
    this.pricing = pricing;
    this.usd = usd;
  }

  void add(FailedAttempt attempt, Usage usage) {
    add(attempt.group(), attempt.deployment(), usage, Duration.ofNanos(attempt.nanos()));
  }

  void add(
      @Nullable String group, @Nullable String deployment, Usage usage, Duration upstreamTime) {
    Price price = pricing.of(group, deployment, usd);
    priced |= price != null;
    long cost = price == null ? 0 : price.cost(usage, upstreamTime);
    parts.add(new Part(group, usage, cost));
    time = time.plus(upstreamTime);
  }

  /** True if a part of it has a price. */
  boolean priced() {
    return priced;
  }

  /** How long upstreams have worked. */
  Duration time() {
    return time;
  }

  /** What it costs in all. */
  long cost() {
    long sum = 0;
    for (Part part : parts) {
      sum = plus(sum, part.cost());
    }
    return sum;
  }

  /** Tokens of all parts. */
  long tokens() {
    Usage all = usage();
    return plus(all.inputTokens(), all.outputTokens());
  }

  /** What the attempts before the last have used, or null if that is nothing. */
  @Nullable Usage retried() {
    Usage usage = usage(parts.subList(0, Math.max(0, parts.size() - 1)));
    return usage.inputTokens() == 0 && usage.outputTokens() == 0 ? null : usage;
  }

  /** What all parts have used; an estimate if one of them is. */
  Usage usage() {
    return usage(parts);
  }

  private static Usage usage(List<Part> parts) {
    long input = 0;
    long output = 0;
    long cached = 0;
    boolean estimated = false;
    for (Part part : parts) {
      input = plus(input, part.usage().inputTokens());
      output = plus(output, part.usage().outputTokens());
      cached = plus(cached, part.usage().cachedTokens());
      estimated |= part.usage().estimated();
    }
    return new Usage(input, output, estimated).cached(cached);
  }

  /** What a budget counts of it, in the budget's unit. */
  long amount(Applied applied) {
    long sum = 0;
    for (Part part : parts) {
      if (applied.counts(part.group())) {
        Usage usage = part.usage();
        sum =
            plus(
                sum,
                applied.budget().unit() == BudgetUnit.USD
                    ? part.cost()
                    : plus(usage.inputTokens(), usage.outputTokens()));
      }
    }
    return sum;
  }

  private static long plus(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
