package io.llmguard.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.llmguard.testkit.ManualTime;
import io.llmguard.wire.Usage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What every ledger has to do. */
public abstract class SpendLedgerContract {
  protected final ManualTime time = new ManualTime();
  private final List<SpendLedger> opened = new ArrayList<>();
  private int ids;

  /** A ledger over what this test has kept so far, as another process would open it. */
  protected abstract SpendLedger open();

  /** True if another ledger of the same test knows what this one has kept. */
  protected abstract boolean durable();

  protected final SpendLedger ledger() {
    SpendLedger ledger = open();
    opened.add(ledger);
    return ledger;
  }

  @AfterEach
  final void closeLedgers() {
    opened.forEach(SpendLedger::close);
  }

  protected final SpendEntry call(String id, String caller, long cost, long tokens) {
    return new SpendEntry(
        id,
        time.now(),
        new SpendEntry.Who(caller, "name of " + caller, null, null, "team", "user"),
        "model",
        "upstream",
        "/api/chat",
        200,
        "completed",
        new Usage(tokens, 0, false),
        cost,
        Duration.ofMillis(5));
  }

  protected final String nextId() {
    return String.format("%032d", ++ids);
  }

  protected static Hold usd(String account, BudgetWindow window, long most, long amount) {
    return new Hold(account, BudgetUnit.USD, window, most, amount, true);
  }

  protected static CompletionStage<List<Balance>> pay(
      SpendLedger ledger, SpendEntry entry, List<Hold> holds) {
    return ledger.settle(entry, Payment.inFull(entry, holds));
  }

  protected static <T> T join(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(10, TimeUnit.SECONDS);
  }

  @Test
  void lessonConcurrentRequestsAllPassTheBudgetCheck() throws Exception {
    SpendLedger ledger = ledger();
    Hold hold = usd("a", BudgetWindow.FOREVER, 2_000, 100);
    ExecutorService threads = Executors.newFixedThreadPool(16);
    CountDownLatch start = new CountDownLatch(1);
    List<CompletableFuture<Boolean>> calls = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      String id = nextId();
      calls.add(
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  start.await();
                  return join(ledger.reserve(call(id, "c", 100, 0), List.of(hold)))
                      instanceof Verdict.Granted;
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
              },
              threads));
    }
    start.countDown();
    assertThat(calls.stream().filter(CompletableFuture::join)).hasSize(20);
    assertThat(ledger.balance("a", time.now())).isEqualTo(new Balance(0, 2_000));
    threads.shutdown();
  }

  @Test
  void allOrNothingIsHeld() throws Exception {
    SpendLedger ledger = ledger();
    Hold wide = usd("wide", BudgetWindow.FOREVER, 1_000, 10);
    Hold narrow = usd("narrow", BudgetWindow.FOREVER, 5, 10);
    Verdict verdict = join(ledger.reserve(call(nextId(), "c", 10, 0), List.of(wide, narrow)));
    assertThat(verdict).isInstanceOf(Verdict.Refused.class);
    assertThat(((Verdict.Refused) verdict).index()).isEqualTo(1);
    assertThat(((Verdict.Refused) verdict).opensAt()).isNull();
    assertThat(ledger.balance("wide", time.now())).isEqualTo(new Balance(0, 0));
  }

  @Test
  void lessonReleasedExactlyOnceOnEveryPath() throws Exception {
    SpendLedger ledger = ledger();
    List<Hold> holds = List.of(usd("a", BudgetWindow.FOREVER, 100, 40));
    String id = nextId();
    join(ledger.reserve(call(id, "c", 40, 0), holds));
    assertThat(join(pay(ledger, call(id, "c", 25, 3), holds))).containsExactly(new Balance(25, 0));
    assertThat(join(pay(ledger, call(id, "c", 25, 3), holds))).isEmpty();
    join(ledger.release(id, holds));
    assertThat(ledger.balance("a", time.now())).isEqualTo(new Balance(25, 0));
    String other = nextId();
    join(ledger.reserve(call(other, "c", 40, 0), holds));
    join(ledger.release(other, holds));
    join(ledger.release(other, holds));
    assertThat(ledger.balance("a", time.now())).isEqualTo(new Balance(25, 0));
    assertThat(ledger.entries(SpendQuery.ALL, null, 10)).hasSize(1);
  }

  @Test
  void aResetOpensTheBudgetAtTheSaidMoment() throws Exception {
    SpendLedger ledger = ledger();
    List<Hold> holds = List.of(usd("a", BudgetWindow.fixed("1h"), 100, 100));
    String id = nextId();
    join(ledger.reserve(call(id, "c", 100, 0), holds));
    join(pay(ledger, call(id, "c", 100, 0), holds));
    Verdict verdict = join(ledger.reserve(call(nextId(), "c", 100, 0), holds));
    assertThat(((Verdict.Refused) verdict).opensAt())
        .isEqualTo(time.now().plus(Duration.ofHours(1)));
    time.advance(Duration.ofHours(1));
    assertThat(join(ledger.reserve(call(nextId(), "c", 100, 0), holds)))
        .isInstanceOf(Verdict.Granted.class);
  }

  @Test
  void sumsAndPagesTellWhatWasSpent() throws Exception {
    SpendLedger ledger = ledger();
    for (int i = 0; i < 5; i++) {
      join(ledger.settle(call(nextId(), i < 2 ? "alice" : "bob", 10, 7), List.of()));
    }
    assertThat(ledger.sums(SpendQuery.ALL, SpendGroup.CALLER))
        .containsExactly(
            new SpendSum("bob", "name of bob", 3, 21, 0, 30, 0),
            new SpendSum("alice", "name of alice", 2, 14, 0, 20, 0));
    assertThat(ledger.sums(SpendQuery.ALL.caller("bob"), SpendGroup.ALL))
        .containsExactly(new SpendSum(null, null, 3, 21, 0, 30, 0));
    assertThat(ledger.sums(SpendQuery.ALL, SpendGroup.DAY))
        .extracting(SpendSum::group)
        .containsExactly("2026-01-01");
    List<SpendEntry> page = ledger.entries(SpendQuery.ALL, null, 3);
    assertThat(page).hasSize(3);
    List<SpendEntry> rest = ledger.entries(SpendQuery.ALL, page.get(2).id(), 3);
    assertThat(rest).hasSize(2).doesNotContainAnyElementsOf(page);
    assertThat(ledger.entries(SpendQuery.ALL.since(time.now().plusSeconds(1)), null, 3)).isEmpty();
  }

  @Test
  void aNameThatTheDatabaseDoesNotTakeStopsNobody() throws Exception {
    SpendLedger ledger = ledger();
    Hold hold = usd("u\0\ud800", BudgetWindow.FOREVER, 100, 10);
    String id = nextId();
    assertThat(join(ledger.reserve(call(id, "c\0", 10, 0), List.of(hold))))
        .isInstanceOf(Verdict.Granted.class);
    assertThat(join(pay(ledger, call(id, "c\0", 10, 0), List.of(hold)))).hasSize(1);
  }

  @Test
  void lessonACallThatPassedWhileTheLedgerWasAwayIsADebt() throws Exception {
    SpendLedger ledger = ledger();
    List<Hold> holds = List.of(usd("a", BudgetWindow.FOREVER, 100, 40));
    SpendEntry unseen = call(nextId(), "c", 130, 3);
    assertThat(join(pay(ledger, unseen, holds))).containsExactly(new Balance(130, 0));
    assertThat(join(pay(ledger, unseen, holds))).isEmpty();
    assertThat(join(ledger.reserve(call(nextId(), "c", 40, 0), holds)))
        .isInstanceOf(Verdict.Refused.class);
    assertThat(ledger.balance("a", time.now())).isEqualTo(new Balance(130, 0));
  }

  @Test
  void aCallThatHeldNothingIsKeptOnceAsItWasSettled() throws Exception {
    SpendLedger ledger = ledger();
    String reserved = nextId();
    join(ledger.reserve(call(reserved, "c", 300, 5), List.of()));
    join(pay(ledger, call(reserved, "c", 10, 1), List.of()));
    String direct = nextId();
    join(pay(ledger, call(direct, "c", 20, 2), List.of()));
    join(pay(ledger, call(direct, "c", 99, 9), List.of()));
    assertThat(ledger.entries(SpendQuery.ALL, null, 10))
        .extracting(SpendEntry::id, SpendEntry::costNanoUsd)
        .containsExactlyInAnyOrder(tuple(reserved, 10L), tuple(direct, 20L));
  }

  @Test
  void eachBudgetIsPaidItsOwnPartOfACall() throws Exception {
    SpendLedger ledger = ledger();
    Hold one = usd("one", BudgetWindow.FOREVER, 100, 40);
    Hold other = usd("other", BudgetWindow.FOREVER, 100, 40);
    SpendEntry call = call(nextId(), "c", 30, 0);
    join(ledger.reserve(call, List.of(one, other)));
    assertThat(join(ledger.settle(call, List.of(new Payment(one, 30), new Payment(other, 0)))))
        .containsExactly(new Balance(30, 0), new Balance(0, 0));
  }
}
