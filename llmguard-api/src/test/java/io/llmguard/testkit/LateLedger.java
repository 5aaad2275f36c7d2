package io.llmguard.testkit;

import io.llmguard.TimeSource;
import io.llmguard.budget.Balance;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetStage;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.budget.Hold;
import io.llmguard.budget.MemorySpendLedger;
import io.llmguard.budget.Payment;
import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendLedger;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendSum;
import io.llmguard.budget.Verdict;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A ledger whose answers come later and on a thread of its own, as a database's do. */
public final class LateLedger implements SpendLedger {
  private final MemorySpendLedger ledger =
      new MemorySpendLedger(TimeSource.system(), ZoneOffset.UTC, 10_000);
  // a queue without locks, for it is filled by event loops
  private final ExecutorService thread =
      new ThreadPoolExecutor(
          1,
          1,
          0,
          TimeUnit.SECONDS,
          new LinkedTransferQueue<>(),
          task -> new Thread(task, "late-ledger"));
  private final Set<String> accounts = ConcurrentHashMap.newKeySet();

  /** An empty one. */
  public LateLedger() {}

  /** A stage on this ledger with a budget that covers more calls than a test makes. */
  public BudgetStage stage() {
    Budget budget =
        Budget.of(BudgetScope.GLOBAL, BudgetWindow.fixed("1d")).tokens(100_000_000).build();
    return BudgetStage.builder(this).budgets(List.of(budget)).build();
  }

  /** What is held on all accounts. */
  public long reserved() {
    return later(
            () ->
                accounts.stream()
                    .mapToLong(each -> ledger.balance(each, Instant.now()).reserved())
                    .sum())
        .join();
  }

  private <T> CompletableFuture<T> later(Supplier<T> task) {
    return CompletableFuture.supplyAsync(task, thread);
  }

  private <T> CompletionStage<T> asked(Supplier<CompletionStage<T>> task) {
    return later(task).thenCompose(Function.identity());
  }

  @Override
  public CompletionStage<Verdict> reserve(SpendEntry worst, List<Hold> holds) {
    holds.forEach(each -> accounts.add(each.account()));
    return asked(() -> ledger.reserve(worst, holds));
  }

  @Override
  public CompletionStage<List<Balance>> settle(SpendEntry entry, List<Payment> payments) {
    return asked(() -> ledger.settle(entry, payments));
  }

  @Override
  public CompletionStage<Void> release(String id, List<Hold> holds) {
    return asked(() -> ledger.release(id, holds));
  }

  @Override
  public Balance balance(String account, Instant now) {
    return ledger.balance(account, now);
  }

  @Override
  public List<SpendEntry> entries(SpendQuery query, @Nullable String after, int limit) {
    return ledger.entries(query, after, limit);
  }

  @Override
  public List<SpendSum> sums(SpendQuery query, SpendGroup group) {
    return ledger.sums(query, group);
  }

  @Override
  public boolean available() {
    return ledger.available();
  }

  @Override
  public void close() {
    thread.shutdown();
    ledger.close();
  }
}
