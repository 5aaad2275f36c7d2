package io.llmguard.budget;

import io.llmguard.TimeSource;
import io.llmguard.budget.internal.Account;
import io.llmguard.budget.internal.Accounts;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Counts spend in this process; a restart forgets it.
 *
 * <p>It keeps a bounded number of settled calls for {@link SpendReader}, the latest ones; budgets
 * count all. Thread-safe; every answer is complete at once.
 */
public final class MemorySpendLedger implements SpendLedger {
  private static final int SWEEP = 1_024;

  private final TimeSource time;
  private final ZoneId days;
  private final int mostEntries;
  private final Map<String, Account> accounts = new HashMap<>();
  private final Accounts rules =
      new Accounts(name -> accounts.computeIfAbsent(name, key -> new Account()));
  private final Set<String> open = new HashSet<>();
  private final TreeMap<String, SpendEntry> entries = new TreeMap<>(Comparator.reverseOrder());
  private int untilSweep = SWEEP;

  /**
   * An empty ledger.
   *
   * @param time where windows are measured
   * @param days in which zone days are told
   * @param mostEntries how many settled calls are kept; at least 1
   */
  public MemorySpendLedger(TimeSource time, ZoneId days, int mostEntries) {
    if (mostEntries < 1) {
      throw new IllegalArgumentException("a ledger keeps at least 1 call: " + mostEntries);
    }
    this.time = time;
    this.days = days;
    this.mostEntries = mostEntries;
  }

  @Override
  public synchronized CompletionStage<Verdict> reserve(SpendEntry worst, List<Hold> holds) {
    Verdict verdict = rules.reserve(holds, time.now());
    if (verdict instanceof Verdict.Granted) {
      open.add(worst.id());
    }
    return CompletableFuture.completedFuture(verdict);
  }

  @Override
  public synchronized CompletionStage<List<Balance>> settle(
      SpendEntry entry, List<Payment> payments) {
    boolean reserved = open.remove(entry.id());
    if (!reserved && entries.containsKey(entry.id())) {
      return CompletableFuture.completedFuture(List.of());
    }
    Instant now = time.now();
    List<Balance> balances = rules.settle(payments, reserved, now);
    entries.put(entry.id(), entry);
    if (entries.size() > mostEntries) {
      entries.pollLastEntry();
    }
    sweep(now.toEpochMilli());
    return CompletableFuture.completedFuture(balances);
  }

  /** Forgets accounts in which nothing counts any more. */
  private void sweep(long now) {
    if (--untilSweep <= 0) {
      untilSweep = Math.max(SWEEP, accounts.size());
      accounts.values().removeIf(account -> account.reserved() == 0 && account.spent(now) == 0);
    }
  }

  @Override
  public synchronized CompletionStage<Void> release(String id, List<Hold> holds) {
    if (open.remove(id)) {
      rules.release(holds);
    }
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public synchronized Balance balance(String account, Instant now) {
    Account found = accounts.get(account);
    return found == null ? new Balance(0, 0) : found.balance(now.toEpochMilli());
  }

  @Override
  public synchronized List<SpendEntry> entries(
      SpendQuery query, @Nullable String after, int limit) {
    if (limit < 1 || limit > LONGEST_PAGE) {
      throw new IllegalArgumentException("a page has 1 to " + LONGEST_PAGE + " entries: " + limit);
    }
    return (after == null ? entries : entries.tailMap(after, false))
        .values().stream().filter(query::matches).limit(limit).toList();
  }

  @Override
  public synchronized List<SpendSum> sums(SpendQuery query, SpendGroup group) {
    Map<@Nullable String, SpendSum> sums = new LinkedHashMap<>();
    for (SpendEntry entry : entries.values()) {
      if (query.matches(entry)) {
        String key = groupOf(entry, group);
        sums.merge(key, single(entry, key, group), MemorySpendLedger::plus);
      }
    }
    List<SpendSum> sorted = new ArrayList<>(sums.values());
    sorted.sort(
        group == SpendGroup.DAY
            ? Comparator.comparing(sum -> String.valueOf(sum.group()))
            : Comparator.comparingLong(SpendSum::costNanoUsd)
                .thenComparingLong(sum -> sum.inputTokens() + sum.outputTokens())
                .reversed());
    return sorted;
  }

  private @Nullable String groupOf(SpendEntry entry, SpendGroup group) {
    return switch (group) {
      case ALL -> null;
      case CALLER -> entry.who().caller();
      case TEAM -> entry.who().team();
      case USER -> entry.who().user();
      case MODEL -> entry.model();
      case UPSTREAM -> entry.upstream();
      case DAY -> entry.at().atZone(days).toLocalDate().toString();
    };
  }

  private static SpendSum single(SpendEntry entry, @Nullable String key, SpendGroup group) {
    return new SpendSum(
        key,
        group == SpendGroup.CALLER ? entry.who().name() : key,
        1,
        entry.usage().inputTokens(),
        entry.usage().outputTokens(),
        entry.costNanoUsd(),
        entry.usage().estimated() ? 1 : 0);
  }

  /** The name of the one that came first, which is the latest call's. */
  private static SpendSum plus(SpendSum a, SpendSum b) {
    return new SpendSum(
        a.group(),
        a.name(),
        a.calls() + b.calls(),
        a.inputTokens() + b.inputTokens(),
        a.outputTokens() + b.outputTokens(),
        a.costNanoUsd() + b.costNanoUsd(),
        a.estimatedCalls() + b.estimatedCalls());
  }

  @Override
  public boolean available() {
    return true;
  }

  @Override
  public void close() {}
}
