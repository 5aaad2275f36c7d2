package io.llmguard.budget.internal;

import io.llmguard.budget.Balance;
import io.llmguard.budget.Hold;
import io.llmguard.budget.Payment;
import io.llmguard.budget.Verdict;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The rules of reserving and settling, over accounts that somebody else keeps and locks. */
public final class Accounts {
  private final Function<String, Account> accounts;

  /** Rules over accounts by name, where one that nobody has used yet is empty. */
  public Accounts(Function<String, Account> accounts) {
    this.accounts = accounts;
  }

  /** Holds all or nothing. */
  public Verdict reserve(List<Hold> holds, Instant time) {
    long now = time.toEpochMilli();
    List<Integer> over = new ArrayList<>(0);
    int refusing = -1;
    long latest = Long.MIN_VALUE;
    for (int i = 0; i < holds.size(); i++) {
      Hold hold = holds.get(i);
      Account account = accounts.apply(hold.account());
      if (account.covers(hold.amount(), hold.most(), now)) {
        continue;
      }
      if (!hold.enforced()) {
        over.add(i);
        continue;
      }
      long opens = account.opensAt(hold.amount(), hold.most(), now);
      if (opens > latest) {
        latest = opens;
        refusing = i;
      }
    }
    if (refusing >= 0) {
      return new Verdict.Refused(
          refusing,
          accounts.apply(holds.get(refusing).account()).balance(now),
          latest == Long.MAX_VALUE ? null : Instant.ofEpochMilli(latest));
    }
    for (Hold hold : holds) {
      accounts.apply(hold.account()).reserve(hold.amount());
    }
    List<Balance> balances = new ArrayList<>(holds.size());
    holds.forEach(hold -> balances.add(accounts.apply(hold.account()).balance(now)));
    return new Verdict.Granted(over, balances);
  }

  /** Gives back what was held. */
  public void release(List<Hold> holds) {
    for (Hold hold : holds) {
      accounts.apply(hold.account()).release(hold.amount());
    }
  }

  /**
   * Counts what was spent.
   *
   * @param reserved true to give back what was held, false if nothing was
   */
  public List<Balance> settle(List<Payment> payments, boolean reserved, Instant time) {
    List<Balance> balances = new ArrayList<>(payments.size());
    for (Payment payment : payments) {
      Hold hold = payment.hold();
      Account account = accounts.apply(hold.account());
      if (reserved) {
        account.release(hold.amount());
      }
      if (payment.amount() > 0) {
        account.spend(hold.window().slot(time), payment.amount(), time.toEpochMilli());
      }
      balances.add(account.balance(time.toEpochMilli()));
    }
    return balances;
  }
}
