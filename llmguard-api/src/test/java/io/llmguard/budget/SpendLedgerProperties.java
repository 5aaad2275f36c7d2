package io.llmguard.budget;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.ManualTime;
import io.llmguard.wire.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What holds for every ledger in any order of reserving, settling, giving back, resets, failures of
 * the database, and deaths of the process. The order is that of a seed.
 */
public abstract class SpendLedgerProperties {
  private static final BudgetWindow FIXED = BudgetWindow.fixed("1h");
  private static final BudgetWindow ROLLING = BudgetWindow.rolling("30m");
  private static final long MOST = 3_000;
  private static final long MOST_FIXED = 250;
  private static final long MOST_ROLLING = 200;

  protected final ManualTime time = new ManualTime();
  private final List<SpendLedger> opened = new ArrayList<>();
  private final AtomicLong ids = new AtomicLong();

  /** A ledger over what this test has kept so far, as another process would open it. */
  protected abstract SpendLedger open();

  /** Has what the ledger writes fail every so often from now on, as the seed says, or no more. */
  protected abstract void failing(boolean on, long seed);

  /**
   * Ends a ledger as if its process had died with calls under way; false where a ledger does not
   * outlive its process.
   */
  protected abstract boolean kill(SpendLedger ledger) throws Exception;

  private SpendLedger ledger() {
    SpendLedger ledger = open();
    opened.add(ledger);
    return ledger;
  }

  @AfterEach
  final void closeLedgers() {
    failing(false, 0);
    opened.forEach(SpendLedger::close);
  }

  private SpendEntry call(String id, String caller, long cost) {
    return new SpendEntry(
        id,
        time.now(),
        new SpendEntry.Who(caller, caller, null, null, null, null),
        "model",
        "upstream",
        "/api/chat",
        200,
        "completed",
        new Usage(0, 0, false),
        cost,
        Duration.ofMillis(5));
  }

  private String nextId() {
    return String.format("%032d", ids.incrementAndGet());
  }

  private static <T> T join(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private static Hold hold(String account, BudgetWindow window, long most, long amount) {
    return new Hold(account, BudgetUnit.USD, window, most, amount, true);
  }

  private static List<Hold> holds(String run, long amount) {
    return List.of(
        hold(run + "all", BudgetWindow.FOREVER, MOST, amount),
        hold(run + "fixed", FIXED, MOST_FIXED, amount),
        hold(run + "rolling", ROLLING, MOST_ROLLING, amount));
  }

  /** Reserves; null if the ledger could not be asked, in which case nothing stays held. */
  private static Boolean reserve(SpendLedger ledger, SpendEntry worst, List<Hold> holds)
      throws Exception {
    try {
      return join(ledger.reserve(worst, holds)) instanceof Verdict.Granted;
    } catch (ExecutionException e) {
      assertThat(e.getCause()).isInstanceOf(SpendLedgerException.class);
      return null;
    }
  }

  /** Waits until everything is written that was asked so far. */
  private void settleDown(SpendLedger ledger) throws Exception {
    failing(false, 0);
    join(ledger.release("nobody", List.of()));
  }

  @Test
  void everyAccountIsWhatTheModelSaysAfterEachStep() throws Exception {
    for (long seed = 1; seed <= 4; seed++) {
      // half of them over a database that fails now and then
      interleave(seed, seed % 2 == 0);
    }
  }

  private void interleave(long seed, boolean faults) throws Exception {
    Random random = new Random(seed);
    String run = "p" + seed + "-";
    SpendLedgerModel model = new SpendLedgerModel();
    SpendLedger ledger = ledger();
    for (int step = 0; step < 80; step++) {
      String what = "seed " + seed + ", step " + step;
      failing(faults, seed * 1_000 + step);
      List<String> under = model.open();
      int choice = random.nextInt(100);
      if (choice < 45) {
        String id = nextId();
        List<Hold> holds = holds(run, random.nextInt(60));
        boolean covered = model.covers(holds, time.now());
        Boolean granted = reserve(ledger, call(id, run, holds.get(0).amount()), holds);
        if (granted != null) {
          assertThat(granted).as(what).isEqualTo(covered);
          if (granted) {
            model.reserved(id, holds, time.now());
          }
        }
      } else if (choice < 85 && !under.isEmpty()) {
        String id = under.get(random.nextInt(under.size()));
        List<Hold> holds = model.holdsOf(id);
        if (random.nextInt(4) == 0) {
          join(ledger.release(id, holds));
          model.released(id);
        } else {
          long spent = spent(random, holds.get(0).amount());
          SpendEntry entry = call(id, run, spent);
          join(ledger.settle(entry, Payment.inFull(entry, holds)));
          model.settled(id, spent, time.now());
        }
      } else if (choice < 95) {
        time.advance(Duration.ofSeconds(random.nextInt(1_200)));
      } else {
        settleDown(ledger);
        if (kill(ledger)) {
          model.died();
          ledger = ledger();
        }
      }
      if (faults) {
        settleDown(ledger);
      }
      for (String account : List.of("all", "fixed", "rolling")) {
        assertThat(ledger.balance(run + account, time.now()))
            .as(what)
            .isEqualTo(model.balance(run + account, time.now()));
      }
      assertWithin(ledger.balance(run + "all", time.now()), MOST + model.debt(), what);
    }
    for (String id : model.open()) {
      join(ledger.release(id, model.holdsOf(id)));
    }
    assertEnd(ledger, run, model.settled());
    // the clock is about to jump, and what is silent for a minute counts as dead
    ledger.close();
  }

  /** Mostly less than was reserved, sometimes more. */
  private static long spent(Random random, long reserved) {
    return random.nextLong(reserved + 1) + (random.nextInt(5) == 0 ? reserved / 2 + 1 : 0);
  }

  private static void assertWithin(Balance balance, long most, String what) {
    assertThat(balance.spent()).as(what).isNotNegative();
    assertThat(balance.reserved()).as(what).isNotNegative();
    assertThat(balance.spent() + balance.reserved()).as(what).isLessThanOrEqualTo(most);
  }

  private void assertEnd(SpendLedger ledger, String run, long settled) {
    for (String account : List.of("all", "fixed", "rolling")) {
      assertThat(ledger.balance(run + account, time.now()).reserved()).isZero();
    }
    assertThat(ledger.balance(run + "all", time.now()).spent()).isEqualTo(settled);
    long kept =
        ledger.sums(SpendQuery.ALL.caller(run), SpendGroup.ALL).stream()
            .mapToLong(SpendSum::costNanoUsd)
            .sum();
    assertThat(kept).isEqualTo(settled);
  }

  @Test
  void severalThreadsTogetherNeverPassTheBudgetAndLeaveNothingReserved() throws Exception {
    for (long seed = 1; seed <= 2; seed++) {
      together(seed, seed == 2);
    }
  }

  private void together(long seed, boolean faults) throws Exception {
    String run = "t" + seed + "-";
    SpendLedger ledger = ledger();
    AtomicLong settled = new AtomicLong();
    AtomicLong debt = new AtomicLong();
    failing(faults, seed);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<?>> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Random random = new Random(seed * 100 + i);
      all.add(
          threads.submit(
              () -> {
                calls(ledger, run, random, settled, debt);
                return null;
              }));
    }
    for (Future<?> one : all) {
      one.get(60, TimeUnit.SECONDS);
    }
    threads.shutdown();
    settleDown(ledger);
    assertWithin(ledger.balance(run + "all", time.now()), MOST + debt.get(), run);
    assertEnd(ledger, run, settled.get());
    ledger.close();
  }

  /** What one thread does: up to five calls under way, none waited for but when it has to be. */
  private void calls(
      SpendLedger ledger, String run, Random random, AtomicLong settled, AtomicLong debt)
      throws Exception {
    List<CompletionStage<?>> written = new ArrayList<>();
    List<SpendEntry> under = new ArrayList<>();
    for (int step = 0; step < 60 || !under.isEmpty(); step++) {
      if (step < 60 && under.size() < 5 && random.nextInt(3) > 0) {
        SpendEntry worst = call(nextId(), run, random.nextInt(60));
        if (Boolean.TRUE.equals(reserve(ledger, worst, all(run, worst)))) {
          under.add(worst);
        }
      } else if (!under.isEmpty()) {
        SpendEntry worst = under.remove(random.nextInt(under.size()));
        if (random.nextInt(4) == 0) {
          written.add(ledger.release(worst.id(), all(run, worst)));
        } else {
          SpendEntry entry = call(worst.id(), run, spent(random, worst.costNanoUsd()));
          debt.addAndGet(Math.max(0, entry.costNanoUsd() - worst.costNanoUsd()));
          settled.addAndGet(entry.costNanoUsd());
          written.add(ledger.settle(entry, Payment.inFull(entry, all(run, worst))));
        }
      }
    }
    for (CompletionStage<?> one : written) {
      join(one);
    }
  }

  private static List<Hold> all(String run, SpendEntry worst) {
    return List.of(hold(run + "all", BudgetWindow.FOREVER, MOST, worst.costNanoUsd()));
  }
}
