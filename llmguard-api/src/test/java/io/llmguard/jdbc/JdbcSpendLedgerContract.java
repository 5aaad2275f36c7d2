package io.llmguard.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.budget.Balance;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.budget.Hold;
import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.SpendLedger;
import io.llmguard.budget.SpendLedgerContract;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.Verdict;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** What every ledger in a database has to do. */
abstract class JdbcSpendLedgerContract extends SpendLedgerContract {
  /** The one database of the test. */
  abstract DataSource database();

  @Override
  protected SpendLedger open() {
    return new JdbcSpendLedger(database(), time, ZoneOffset.UTC);
  }

  @Override
  protected boolean durable() {
    return true;
  }

  @Test
  void lessonAProcessLocalBudgetCounterSeveralGatewaysActAsOne() throws Exception {
    SpendLedger one = ledger();
    SpendLedger other = ledger();
    Hold hold = usd("shared", BudgetWindow.FOREVER, 2_000, 100);
    List<CompletionStage<Verdict>> answers = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      SpendLedger ledger = i % 2 == 0 ? one : other;
      answers.add(ledger.reserve(call(nextId(), "c", 100, 0), List.of(hold)));
    }
    int granted = 0;
    for (CompletionStage<Verdict> answer : answers) {
      granted += join(answer) instanceof Verdict.Granted ? 1 : 0;
    }
    assertThat(granted).isEqualTo(20);
    assertThat(other.balance("shared", time.now())).isEqualTo(new Balance(0, 2_000));
  }

  @Test
  void aDatabaseOutOfReachIsTriedOnceForAllThatWaits() throws Exception {
    AtomicInteger commits = new AtomicInteger();
    AtomicInteger failures = new AtomicInteger();
    CountDownLatch tried = new CountDownLatch(1);
    CountDownLatch gone = new CountDownLatch(1);
    DataSource source = database();
    InvocationHandler door =
        (proxy, method, args) -> {
          Object made = passed(source, method, args);
          return made instanceof Connection connection
              ? Proxy.newProxyInstance(
                  Connection.class.getClassLoader(),
                  new Class<?>[] {Connection.class},
                  (same, asked, with) -> {
                    if (asked.getName().equals("commit") && failures.get() > 0) {
                      tried.countDown();
                      gone.await(20, TimeUnit.SECONDS);
                      failures.decrementAndGet();
                      throw new SQLException("the connection is gone", "08006");
                    }
                    if (asked.getName().equals("commit")) {
                      commits.incrementAndGet();
                    }
                    return passed(connection, asked, with);
                  })
              : made;
        };
    try (SpendLedger ledger =
        new JdbcSpendLedger(
            (DataSource)
                Proxy.newProxyInstance(
                    DataSource.class.getClassLoader(), new Class<?>[] {DataSource.class}, door),
            time,
            ZoneOffset.UTC)) {
      List<Hold> holds = List.of(usd("a", BudgetWindow.FOREVER, 100_000, 10));
      failures.set(2);
      List<CompletionStage<List<Balance>>> paid = new ArrayList<>();
      paid.add(pay(ledger, call(nextId(), "c", 10, 0), holds));
      assertThat(tried.await(20, TimeUnit.SECONDS)).isTrue();
      for (int i = 0; i < 60; i++) {
        paid.add(pay(ledger, call(nextId(), "c", 10, 0), holds));
      }
      commits.set(0);
      gone.countDown();
      for (CompletionStage<List<Balance>> payment : paid) {
        join(payment);
      }
      assertThat(commits.get()).as("transactions for what waited").isLessThan(20);
      assertThat(ledger.balance("a", time.now()).spent()).isEqualTo(610);
    }
  }

  private static Object passed(Object to, Method method, Object[] args) throws Throwable {
    try {
      return method.invoke(to, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  @Test
  void whatADeadProcessHadReservedIsSettledInFullAtTheNextStart() throws Exception {
    SpendLedger dead = ledger();
    List<Hold> holds = List.of(usd("a", BudgetWindow.FOREVER, 1_000, 300));
    SpendEntry open = call(nextId(), "c", 300, 5);
    join(dead.reserve(open, holds));
    ageProcesses();
    SpendLedger next = ledger();
    assertThat(next.balance("a", time.now())).isEqualTo(new Balance(300, 0));
    assertThat(next.entries(SpendQuery.ALL, null, 10))
        .extracting(SpendEntry::id)
        .containsExactly(open.id());
    // the process was only slow: its own word comes too late and changes nothing
    assertThat(join(pay(dead, call(open.id(), "c", 10, 1), holds))).isEmpty();
    assertThat(next.balance("a", time.now())).isEqualTo(new Balance(300, 0));
  }

  /** As if nothing had been heard for two minutes. */
  private void ageProcesses() throws Exception {
    try (Connection connection = database().getConnection();
        Statement statement = connection.createStatement()) {
      statement.executeUpdate(
          "UPDATE llmguard_spend_process SET seen_at = seen_at - "
              + Duration.ofMinutes(2).toMillis());
    }
  }

  @Test
  void aLivingProcessKeepsWhatItHasReserved() throws Exception {
    SpendLedger one = ledger();
    List<Hold> holds = List.of(usd("a", BudgetWindow.FOREVER, 1_000, 300));
    join(one.reserve(call(nextId(), "c", 300, 5), holds));
    assertThat(ledger().balance("a", time.now())).isEqualTo(new Balance(0, 300));
  }
}
