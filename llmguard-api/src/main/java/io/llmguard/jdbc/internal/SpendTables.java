package io.llmguard.jdbc.internal;

import io.llmguard.budget.BudgetWindow.Slot;
import io.llmguard.budget.Hold;
import io.llmguard.budget.SpendEntry;
import io.llmguard.budget.internal.Account;
import io.llmguard.wire.Usage;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The statements of the spend ledger, the same for every database. */
public final class SpendTables {
  /** The tables. */
  public static final Schema SCHEMA =
      new Schema(
          "spend",
          List.of(
              List.of(
                  "CREATE TABLE llmguard_spend_process ("
                      + "id VARCHAR(64) PRIMARY KEY,"
                      + " host TEXT NOT NULL,"
                      + " pid BIGINT NOT NULL,"
                      + " started_at BIGINT NOT NULL,"
                      + " seen_at BIGINT NOT NULL)",
                  "CREATE TABLE llmguard_spend_account ("
                      + "id VARCHAR(512) PRIMARY KEY,"
                      + " reserved BIGINT NOT NULL CHECK (reserved >= 0))",
                  "CREATE TABLE llmguard_spend_slot ("
                      + "account VARCHAR(512) NOT NULL,"
                      + " start_at BIGINT NOT NULL,"
                      + " expires_at BIGINT NOT NULL,"
                      + " spent BIGINT NOT NULL CHECK (spent >= 0),"
                      + " PRIMARY KEY (account, start_at))",
                  "CREATE TABLE llmguard_spend ("
                      + "id VARCHAR(64) PRIMARY KEY,"
                      + " process VARCHAR(64),"
                      + " at BIGINT NOT NULL,"
                      + " local_day VARCHAR(16) NOT NULL,"
                      + " caller TEXT NOT NULL,"
                      + " caller_name TEXT NOT NULL,"
                      + " key_id TEXT,"
                      + " credential_hash TEXT,"
                      + " team TEXT,"
                      + " user_name TEXT,"
                      + " model TEXT,"
                      + " upstream TEXT,"
                      + " path TEXT NOT NULL,"
                      + " status INTEGER NOT NULL,"
                      + " outcome TEXT NOT NULL,"
                      + " input_tokens BIGINT NOT NULL,"
                      + " output_tokens BIGINT NOT NULL,"
                      + " estimated INTEGER NOT NULL,"
                      + " cost_nano_usd BIGINT NOT NULL,"
                      + " duration_ms BIGINT NOT NULL)",
                  "CREATE INDEX llmguard_spend_by_process ON llmguard_spend (process)",
                  "CREATE INDEX llmguard_spend_by_time ON llmguard_spend (at)",
                  "CREATE TABLE llmguard_spend_hold ("
                      + "call_id VARCHAR(64) NOT NULL,"
                      + " account VARCHAR(512) NOT NULL,"
                      + " amount BIGINT NOT NULL,"
                      + " start_at BIGINT NOT NULL,"
                      + " expires_at BIGINT NOT NULL,"
                      + " PRIMARY KEY (call_id, account))"),
              // only calls under way are looked for by their process
              List.of(
                  "DROP INDEX llmguard_spend_by_process",
                  "CREATE INDEX llmguard_spend_open ON llmguard_spend (process)"
                      + " WHERE process IS NOT NULL")));

  /** The columns of a call, in the order of {@link #read}. */
  public static final String COLUMNS =
      "id, at, caller, caller_name, key_id, credential_hash, team, user_name, model, upstream,"
          + " path, status, outcome, input_tokens, output_tokens, estimated, cost_nano_usd,"
          + " duration_ms";

  private static final String INSERT =
      "INSERT INTO llmguard_spend ("
          + COLUMNS
          + ", local_day, process) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
          + " ?) ON CONFLICT (id) DO NOTHING";

  private final Statements statements;
  private final ZoneId days;

  /** The tables at the other end of a connection, for as long as it is open. */
  public SpendTables(Connection connection, ZoneId days) {
    this.statements = new Statements(connection);
    this.days = days;
  }

  private int update(String sql, Object... values) throws SQLException {
    PreparedStatement statement = statements.of(sql);
    for (int i = 0; i < values.length; i++) {
      if (values[i] instanceof Long number) {
        statement.setLong(i + 1, number);
      } else {
        statement.setString(i + 1, clean(values[i].toString()));
      }
    }
    return statement.executeUpdate();
  }

  /** What a database takes: PostgreSQL knows no NUL. */
  public static String clean(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0 || Character.isSurrogate(c)) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8)
            .replace('\0', '?');
      }
    }
    return text;
  }

  // ---- processes

  /** Says that a process lives; the first statement of each transaction, so that it may write. */
  public void seen(ProcessMark mark, long now) throws SQLException {
    int rows = update("UPDATE llmguard_spend_process SET seen_at = ? WHERE id = ?", now, mark.id());
    if (rows == 0) {
      update(
          "INSERT INTO llmguard_spend_process (id, host, pid, started_at, seen_at)"
              + " VALUES (?, ?, ?, ?, ?)",
          mark.id(),
          mark.host(),
          mark.pid(),
          mark.startedAt(),
          now);
    }
  }

  /** Forgets a process if nothing was heard of it since; true if this was the first to do so. */
  public boolean forget(ProcessMark mark) throws SQLException {
    return update(
            "DELETE FROM llmguard_spend_process WHERE id = ? AND seen_at = ?",
            mark.id(),
            mark.seenAt())
        == 1;
  }

  /** Forgets a process that ends in order, unless calls of it are still open. */
  public void leave(String process) throws SQLException {
    update(
        "DELETE FROM llmguard_spend_process WHERE id = ?"
            + " AND NOT EXISTS (SELECT 1 FROM llmguard_spend WHERE process = ?)",
        process,
        process);
  }

  /** Every process that has not left. */
  public List<ProcessMark> processes() throws SQLException {
    List<ProcessMark> marks = new ArrayList<>();
    try (ResultSet rows =
        statements
            .of("SELECT id, host, pid, started_at, seen_at FROM llmguard_spend_process")
            .executeQuery()) {
      while (rows.next()) {
        marks.add(
            new ProcessMark(
                rows.getString(1),
                rows.getString(2),
                rows.getLong(3),
                rows.getLong(4),
                rows.getLong(5)));
      }
    }
    return marks;
  }

  // ---- accounts

  /** Locks accounts until the transaction's end, always in one order, and reads them. */
  public Map<String, Account> lock(Collection<String> names, long now) throws SQLException {
    Map<String, Account> accounts = new TreeMap<>();
    for (String name : new TreeSet<>(names)) {
      while (update("UPDATE llmguard_spend_account SET reserved = reserved WHERE id = ?", name)
          == 0) {
        update(
            "INSERT INTO llmguard_spend_account (id, reserved) VALUES (?, 0)"
                + " ON CONFLICT (id) DO NOTHING",
            name);
      }
      accounts.put(name, account(name, now));
    }
    return accounts;
  }

  /** How an account stands, without a lock. */
  public Account account(String name, long now) throws SQLException {
    Account account = new Account(reserved(name));
    PreparedStatement select =
        statements.of(
            "SELECT start_at, expires_at, spent FROM llmguard_spend_slot"
                + " WHERE account = ? AND expires_at > ?");
    select.setString(1, clean(name));
    select.setLong(2, now);
    try (ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        account.add(new Account.Sum(rows.getLong(1), rows.getLong(2), rows.getLong(3)));
      }
    }
    return account;
  }

  private long reserved(String name) throws SQLException {
    PreparedStatement select =
        statements.of("SELECT reserved FROM llmguard_spend_account WHERE id = ?");
    select.setString(1, clean(name));
    try (ResultSet row = select.executeQuery()) {
      return row.next() ? row.getLong(1) : 0;
    }
  }

  /** Writes what has changed. */
  public void store(Map<String, Account> accounts) throws SQLException {
    for (Map.Entry<String, Account> entry : accounts.entrySet()) {
      Account account = entry.getValue();
      if (account.changed()) {
        update(
            "UPDATE llmguard_spend_account SET reserved = ? WHERE id = ?",
            account.reserved(),
            entry.getKey());
      }
      for (Account.Sum sum : account.sums()) {
        if (sum.changed()) {
          update(
              "INSERT INTO llmguard_spend_slot (account, start_at, expires_at, spent)"
                  + " VALUES (?, ?, ?, ?)"
                  + " ON CONFLICT (account, start_at) DO UPDATE SET spent = excluded.spent",
              entry.getKey(),
              sum.start(),
              sum.expires(),
              sum.spent());
        }
      }
    }
  }

  /** Forgets what does not count any more. */
  public void sweep(long now) throws SQLException {
    update("DELETE FROM llmguard_spend_slot WHERE expires_at <= ?", now);
    update(
        "DELETE FROM llmguard_spend_account WHERE reserved = 0 AND NOT EXISTS (SELECT 1 FROM"
            + " llmguard_spend_slot WHERE llmguard_spend_slot.account = llmguard_spend_account.id)");
  }

  // ---- calls

  /** Keeps a call that is under way. */
  public void open(SpendEntry worst, List<Hold> holds, String process, Instant now)
      throws SQLException {
    insert(worst, process);
    for (Hold hold : holds) {
      Slot slot = hold.window().slot(now);
      update(
          "INSERT INTO llmguard_spend_hold (call_id, account, amount, start_at, expires_at)"
              + " VALUES (?, ?, ?, ?, ?)",
          worst.id(),
          hold.account(),
          hold.amount(),
          slot.start(),
          slot.expires());
    }
  }

  /** Keeps a settled call that was not under way before; false if it is kept already. */
  public boolean insertSettled(SpendEntry entry) throws SQLException {
    return insert(entry, null) == 1;
  }

  private int insert(SpendEntry entry, @Nullable String process) throws SQLException {
    PreparedStatement insert = statements.of(INSERT);
    Binder bind = new Binder(insert);
    bind.text(entry.id());
    bind.number(entry.at().toEpochMilli());
    bind.text(entry.who().caller());
    bind.text(entry.who().name());
    bind.text(entry.who().keyId());
    bind.text(entry.who().credentialHash());
    bind.text(entry.who().team());
    bind.text(entry.who().user());
    bind.text(entry.model());
    bind.text(entry.upstream());
    bind.text(entry.path());
    bind.number(entry.status());
    bind.text(entry.outcome());
    bind.number(entry.usage().inputTokens());
    bind.number(entry.usage().outputTokens());
    bind.number(entry.usage().estimated() ? 1 : 0);
    bind.number(entry.costNanoUsd());
    bind.number(entry.duration().toMillis());
    bind.text(entry.at().atZone(days).toLocalDate().toString());
    bind.text(process);
    return insert.executeUpdate();
  }

  /** Takes a call of this process from those under way; false if it is none of them any more. */
  public boolean close(String id, String process) throws SQLException {
    int rows = update("DELETE FROM llmguard_spend WHERE id = ? AND process = ?", id, process);
    if (rows == 1) {
      update("DELETE FROM llmguard_spend_hold WHERE call_id = ?", id);
    }
    return rows == 1;
  }

  /** What a call holds of an account, and where it lands if nobody settles it. */
  public record Held(String account, long amount, Slot slot) {}

  /** What the calls of a process hold. */
  public List<Held> heldBy(String process) throws SQLException {
    List<Held> held = new ArrayList<>();
    PreparedStatement select =
        statements.of(
            "SELECT h.account, h.amount, h.start_at, h.expires_at FROM llmguard_spend_hold h"
                + " JOIN llmguard_spend s ON s.id = h.call_id WHERE s.process = ?");
    select.setString(1, process);
    try (ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        held.add(
            new Held(
                rows.getString(1), rows.getLong(2), new Slot(rows.getLong(3), rows.getLong(4))));
      }
    }
    return held;
  }

  /** Makes the calls of a process settled ones, as they stand. */
  public int settleAll(String process) throws SQLException {
    update(
        "DELETE FROM llmguard_spend_hold WHERE call_id IN"
            + " (SELECT id FROM llmguard_spend WHERE process = ?)",
        process);
    return update("UPDATE llmguard_spend SET process = NULL WHERE process = ?", process);
  }

  /** The call of a row that has {@link #COLUMNS}. */
  public static SpendEntry read(ResultSet row) throws SQLException {
    return new SpendEntry(
        row.getString(1),
        Instant.ofEpochMilli(row.getLong(2)),
        new SpendEntry.Who(
            row.getString(3),
            row.getString(4),
            row.getString(5),
            row.getString(6),
            row.getString(7),
            row.getString(8)),
        row.getString(9),
        row.getString(10),
        row.getString(11),
        row.getInt(12),
        row.getString(13),
        new Usage(row.getLong(14), row.getLong(15), row.getInt(16) != 0),
        row.getLong(17),
        Duration.ofMillis(row.getLong(18)));
  }

  /** Sets parameters one after the other. */
  private static final class Binder {
    private static final int LONGEST = 1_024;

    private final PreparedStatement statement;
    private int at;

    Binder(PreparedStatement statement) {
      this.statement = statement;
    }

    void text(@Nullable String value) throws SQLException {
      at++;
      if (value == null) {
        statement.setNull(at, Types.VARCHAR);
      } else {
        String clean = clean(value);
        statement.setString(at, clean.length() > LONGEST ? clean.substring(0, LONGEST) : clean);
      }
    }

    void number(long value) throws SQLException {
      statement.setLong(++at, value);
    }
  }
}
