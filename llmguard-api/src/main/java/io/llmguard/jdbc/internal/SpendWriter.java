package io.llmguard.jdbc.internal;

import io.llmguard.TimeSource;
import io.llmguard.budget.Balance;
import io.llmguard.budget.Hold;
import io.llmguard.budget.Payment;
import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.SpendLedgerException;
import io.llmguard.budget.Verdict;
import io.llmguard.budget.internal.Account;
import io.llmguard.budget.internal.Accounts;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the ledger, from one thread: what has come while a transaction was under way goes into the
 * next one. Thread-safe.
 */
public final class SpendWriter implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpendWriter.class);

  private static final int BATCH = 256;

  /** How long what nobody waits for may gather, so that one commit holds it all. */
  private static final long LINGER_MILLIS = 20;

  /** What waits for a database that does not answer; more is refused, or lost with a word. */
  private static final int MOST_WAITING = 100_000;

  private static final long ANSWER_MILLIS = 5_000;
  private static final long HEARTBEAT_MILLIS = 5_000;
  private static final long FIRST_RETRY_MILLIS = 5;
  private static final long LAST_RETRY_MILLIS = 320;
  private static final long SWEEP_MILLIS = 600_000;
  private static final long CLOSE_MILLIS = 5_000;

  /** SQLite's TOOBIG, CONSTRAINT and MISMATCH; it says no SQLState. */
  private static final Set<Integer> SQLITE_DATA = Set.of(18, 19, 20);

  private final DataSource database;
  private final TimeSource time;
  private final ZoneId days;
  private final ProcessMark self = ProcessMark.own();
  private final Inbox<Operation<?>> queue = new Inbox<>();

  /** Has a permit since something came that is waited for. */
  private final Semaphore hurry = new Semaphore(0);

  private final Thread thread = new Thread(this::run, "llmguard-spend");
  private volatile boolean available = true;
  private volatile boolean closed;
  private volatile boolean abandoned;

  // by the thread only
  private @Nullable Session open;
  private long heartbeatNanos;
  private long sweepNanos;
  private long retryMillis = FIRST_RETRY_MILLIS;

  private SpendWriter(DataSource database, TimeSource time, ZoneId days) {
    this.database = database;
    this.time = time;
    this.days = days;
    thread.setDaemon(true);
  }

  /** Settles what dead processes have left, and starts to write. Blocks. */
  public static SpendWriter start(DataSource database, TimeSource time, ZoneId days)
      throws SQLException {
    SpendWriter writer = new SpendWriter(database, time, days);
    try {
      writer.inTransaction(List.of());
      writer.care();
    } catch (SQLException | RuntimeException e) {
      writer.disconnect();
      throw e;
    }
    writer.thread.start();
    return writer;
  }

  /** False from a failure to the next success. */
  public boolean available() {
    return available;
  }

  // ---- what is asked

  /** One thing to write. */
  private abstract static class Operation<T> {
    final List<Hold> holds;
    final CompletableFuture<T> answer = new CompletableFuture<>();

    /** What the transaction under way answers, until it is committed. */
    @Nullable T result;

    Operation(List<Hold> holds) {
      this.holds = holds;
    }

    abstract T apply(SpendTables tables, Accounts accounts, Instant now) throws SQLException;

    void run(SpendTables tables, Accounts accounts, Instant now) throws SQLException {
      result = apply(tables, accounts, now);
    }

    /** What is to be done after the commit. */
    @Nullable Operation<?> committed() {
      answer.complete(result);
      return null;
    }

    boolean isReservation() {
      return false;
    }

    /** False if nothing depends on when this is written. */
    boolean isUrgent() {
      return true;
    }
  }

  private final class Reserve extends Operation<Verdict> {
    private final SpendEntry worst;

    Reserve(SpendEntry worst, List<Hold> holds) {
      super(holds);
      this.worst = worst;
    }

    @Override
    Verdict apply(SpendTables tables, Accounts accounts, Instant now) throws SQLException {
      Verdict verdict = accounts.reserve(holds, now);
      if (verdict instanceof Verdict.Granted) {
        tables.open(worst, holds, self.id(), now);
      }
      return verdict;
    }

    @Override
    @Nullable Operation<?> committed() {
      boolean late = !answer.complete(result);
      return late && result instanceof Verdict.Granted ? new Release(worst.id(), holds) : null;
    }

    @Override
    boolean isReservation() {
      return true;
    }
  }

  private final class Settle extends Operation<List<Balance>> {
    private final SpendEntry entry;
    private final List<Payment> payments;

    Settle(SpendEntry entry, List<Payment> payments) {
      super(payments.stream().map(Payment::hold).toList());
      this.entry = entry;
      this.payments = payments;
    }

    @Override
    List<Balance> apply(SpendTables tables, Accounts accounts, Instant now) throws SQLException {
      if (payments.isEmpty() && tables.insertSettled(entry)) {
        return List.of(); // as most are where no budget is set: nothing was held
      }
      boolean reserved = tables.close(entry.id(), self.id());
      return tables.insertSettled(entry) ? accounts.settle(payments, reserved, now) : List.of();
    }

    @Override
    boolean isUrgent() {
      return !payments.isEmpty();
    }
  }

  private final class Release extends Operation<Void> {
    private final String id;

    Release(String id, List<Hold> holds) {
      super(holds);
      this.id = id;
    }

    @Override
    @SuppressWarnings("NullAway") // the one value of Void
    Void apply(SpendTables tables, Accounts accounts, Instant now) throws SQLException {
      if (tables.close(id, self.id())) {
        accounts.release(holds);
      }
      return null;
    }
  }

  /** See {@link io.llmguard.budget.SpendLedger#reserve}. */
  public CompletableFuture<Verdict> reserve(SpendEntry worst, List<Hold> holds) {
    return add(new Reserve(worst, holds)).orTimeout(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** See {@link io.llmguard.budget.SpendLedger#settle}. */
  public CompletableFuture<List<Balance>> settle(SpendEntry entry, List<Payment> payments) {
    return add(new Settle(entry, payments));
  }

  /** See {@link io.llmguard.budget.SpendLedger#release}. */
  public CompletableFuture<Void> release(String id, List<Hold> holds) {
    return add(new Release(id, holds));
  }

  private <T> CompletableFuture<T> add(Operation<T> operation) {
    if (closed || queue.size() >= MOST_WAITING) {
      operation.answer.completeExceptionally(
          new SpendLedgerException(closed ? "the ledger is closed" : "too much waits", null));
    } else {
      put(operation);
    }
    return operation.answer;
  }

  private void put(Operation<?> operation) {
    queue.add(operation);
    if (operation.isUrgent()) {
      hurry.release();
    }
  }

  // ---- the thread

  private void run() {
    try {
      List<Operation<?>> batch = new ArrayList<>();
      while (!abandoned && !(closed && queue.isEmpty())) {
        await(batch);
        if (!batch.isEmpty()) {
          write(batch);
          batch.clear();
        }
        if (!closed && System.nanoTime() - heartbeatNanos > millis(HEARTBEAT_MILLIS)) {
          careQuietly();
        }
      }
      if (!abandoned) {
        leave();
      }
    } catch (InterruptedException e) {
      log.warn("the spend ledger was interrupted; what it still held is left to the next start");
    } finally {
      disconnect();
      failAll();
    }
  }

  private void await(List<Operation<?>> batch) throws InterruptedException {
    Operation<?> first = closed ? queue.poll() : queue.poll(millis(HEARTBEAT_MILLIS));
    if (first != null) {
      batch.add(first);
      if (!first.isUrgent() && !closed && queue.size() < BATCH) {
        var unused = hurry.tryAcquire(LINGER_MILLIS, TimeUnit.MILLISECONDS);
      }
      hurry.drainPermits();
      queue.drainTo(batch, BATCH - 1);
      batch.removeIf(operation -> operation.isReservation() && operation.answer.isDone());
    }
  }

  private void write(List<Operation<?>> batch) throws InterruptedException {
    Exception failure = tried(batch);
    if (failure == null) {
      return;
    }
    if (batch.size() > 1 && isOfOne(failure)) {
      for (int i = 0; i < batch.size(); i++) {
        List<Operation<?>> one = batch.subList(i, i + 1);
        failure = tried(one);
        if (failure != null && !isOfOne(failure)) {
          failed(batch.subList(i, batch.size()), failure);
          return;
        }
        if (failure != null) {
          failed(one, failure);
        }
      }
    } else {
      failed(batch, failure);
    }
  }

  /** Writes these in one transaction; null if that succeeded. */
  private @Nullable Exception tried(List<Operation<?>> batch) {
    try {
      inTransaction(batch);
    } catch (SQLException | RuntimeException e) {
      disconnect();
      return e;
    }
    available = true;
    retryMillis = FIRST_RETRY_MILLIS;
    for (Operation<?> operation : batch) {
      Operation<?> more = operation.committed();
      if (more != null) {
        queue.add(more);
      }
    }
    return null;
  }

  /** What could not be written waits for another try, after one wait for all of it. */
  private void failed(List<Operation<?>> batch, Exception e) throws InterruptedException {
    if (available) {
      log.error("the spend ledger cannot be written: {}", e.toString());
    }
    available = false;
    boolean again = false;
    for (Operation<?> operation : batch) {
      again |= failed(operation, e);
    }
    if (again) {
      Thread.sleep(retryMillis);
      retryMillis = Math.min(2 * retryMillis, LAST_RETRY_MILLIS);
    }
  }

  /** True if it is to be tried again. */
  private boolean failed(Operation<?> operation, Exception e) {
    if (operation instanceof Reserve reserve) {
      // it may have been written nevertheless
      queue.add(new Release(reserve.worst.id(), reserve.holds));
      reserve.answer.completeExceptionally(
          new SpendLedgerException("the spend ledger cannot be written", e));
      return false;
    }
    if (refusedData(e)) {
      log.error("what a call has spent is not kept: the database does not take it");
      operation.answer.completeExceptionally(
          new SpendLedgerException("the database does not take it", e));
      return false;
    }
    queue.add(operation);
    return true;
  }

  /** True if one operation may be what fails, so that the others go without it. */
  private static boolean isOfOne(Exception e) {
    return e instanceof RuntimeException
        || refusedData(e)
        || (e instanceof SQLException sql
            && sql.getSQLState() == null
            && SQLITE_DATA.contains(sql.getErrorCode() & 0xff));
  }

  /** True for data exceptions and violated constraints: another try changes nothing. */
  private static boolean refusedData(Exception e) {
    String state = e instanceof SQLException sql ? sql.getSQLState() : null;
    return state != null && (state.startsWith("22") || state.startsWith("23"));
  }

  private void failAll() {
    closed = true;
    List<Operation<?>> left = new ArrayList<>();
    queue.drainTo(left, Integer.MAX_VALUE);
    for (Operation<?> operation : left) {
      operation.answer.completeExceptionally(
          new SpendLedgerException("the ledger was closed before this was written", null));
    }
  }

  // ---- transactions

  private interface Work {
    void run(SpendTables tables, Instant now) throws SQLException;
  }

  /** A connection, and the statements that were prepared on it. */
  private record Session(Connection connection, SpendTables tables) {}

  private void transaction(Work work) throws SQLException {
    Session session = session();
    boolean done = false;
    try {
      Instant now = time.now();
      session.tables().seen(self, now.toEpochMilli());
      work.run(session.tables(), now);
      session.connection().commit();
      done = true;
    } finally {
      if (!done) {
        disconnect();
      }
    }
  }

  private Session session() throws SQLException {
    Session session = open;
    if (session == null) {
      Connection connection = database.getConnection();
      session = new Session(connection, new SpendTables(connection, days));
      open = session;
      connection.setAutoCommit(false);
    }
    return session;
  }

  private void disconnect() {
    Session session = open;
    open = null;
    if (session != null) {
      try (Connection connection = session.connection()) {
        connection.rollback();
        connection.setAutoCommit(true);
      } catch (SQLException e) {
        log.debug("the connection of the ledger was broken", e);
      }
    }
  }

  private void inTransaction(List<Operation<?>> batch) throws SQLException {
    transaction(
        (tables, now) -> {
          Set<String> names = new TreeSet<>();
          batch.forEach(operation -> operation.holds.forEach(hold -> names.add(hold.account())));
          Map<String, Account> accounts = tables.lock(names, now.toEpochMilli());
          Accounts rules = new Accounts(name -> found(accounts, name));
          for (Operation<?> operation : batch) {
            operation.run(tables, rules, now);
          }
          tables.store(accounts);
        });
  }

  private static Account found(Map<String, Account> accounts, String name) {
    Account account = accounts.get(name);
    if (account == null) {
      throw new IllegalStateException("an account was not locked");
    }
    return account;
  }

  // ---- what is done from time to time

  private void careQuietly() {
    try {
      care();
    } catch (SQLException | RuntimeException e) {
      available = false;
      log.warn("the spend ledger cannot be looked after: {}", e.toString());
      disconnect();
    }
  }

  private void care() throws SQLException {
    heartbeatNanos = System.nanoTime();
    List<ProcessMark> dead = new ArrayList<>();
    boolean sweep = sweepNanos == 0 || heartbeatNanos - sweepNanos > millis(SWEEP_MILLIS);
    transaction(
        (tables, now) -> {
          for (ProcessMark mark : tables.processes()) {
            if (!mark.id().equals(self.id()) && mark.dead(self, now.toEpochMilli())) {
              dead.add(mark);
            }
          }
        });
    for (ProcessMark mark : dead) {
      transaction((tables, now) -> bury(mark, tables, now));
    }
    if (sweep) {
      sweepNanos = heartbeatNanos;
      transaction((tables, now) -> tables.sweep(now.toEpochMilli()));
    }
    available = true;
  }

  /** Settles what a dead process has left: nobody knows what it spent, so all it had reserved. */
  private static void bury(ProcessMark mark, SpendTables tables, Instant now) throws SQLException {
    if (!tables.forget(mark)) {
      return;
    }
    List<SpendTables.Held> held = tables.heldBy(mark.id());
    Set<String> names = new TreeSet<>();
    held.forEach(one -> names.add(one.account()));
    Map<String, Account> accounts = tables.lock(names, now.toEpochMilli());
    for (SpendTables.Held one : held) {
      Account account = found(accounts, one.account());
      account.release(one.amount());
      account.spend(one.slot(), one.amount(), now.toEpochMilli());
    }
    tables.store(accounts);
    int calls = tables.settleAll(mark.id());
    if (calls > 0) {
      log.warn("{} calls of a process that is gone count with all they had reserved", calls);
    }
  }

  private void leave() {
    try {
      transaction((tables, now) -> tables.leave(self.id()));
    } catch (SQLException e) {
      log.debug("the ledger's process could not be taken from the table", e);
    }
  }

  private static long millis(long millis) {
    return TimeUnit.MILLISECONDS.toNanos(millis);
  }

  @Override
  public void close() {
    closed = true;
    put(new Wake());
    try {
      thread.join(CLOSE_MILLIS);
      if (thread.isAlive()) {
        abandoned = true;
        log.error("the database is out of reach: what calls have spent last is not kept");
        thread.interrupt();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Does nothing, and ends the wait for something to do. */
  private static final class Wake extends Operation<Boolean> {
    Wake() {
      super(List.of());
    }

    @Override
    Boolean apply(SpendTables tables, Accounts accounts, Instant now) {
      return true;
    }
  }
}
