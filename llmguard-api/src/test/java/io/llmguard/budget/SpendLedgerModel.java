package io.llmguard.budget;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a ledger should hold, reckoned in the simplest way. Thread-safe. */
final class SpendLedgerModel {
  private record Spent(String account, long expires, long amount) {}

  private record Open(List<Hold> holds, List<BudgetWindow.Slot> slots) {}

  private final List<Spent> spent = new ArrayList<>();
  private final Map<String, Open> open = new HashMap<>();
  private long settled;
  private long debt;

  synchronized List<String> open() {
    return open.keySet().stream().sorted().toList();
  }

  synchronized List<Hold> holdsOf(String id) {
    Open found = open.get(id);
    if (found == null) {
      throw new AssertionError("not open: " + id);
    }
    return found.holds();
  }

  synchronized boolean covers(List<Hold> holds, Instant now) {
    return holds.stream()
        .allMatch(
            hold -> {
              Balance balance = balance(hold.account(), now);
              return balance.spent() + balance.reserved() + hold.amount() <= hold.most();
            });
  }

  synchronized void reserved(String id, List<Hold> holds, Instant now) {
    open.put(id, new Open(holds, holds.stream().map(hold -> hold.window().slot(now)).toList()));
  }

  synchronized void released(String id) {
    open.remove(id);
  }

  /** Settles a call at this moment; what is above its reservation is a debt. */
  synchronized void settled(String id, long amount, Instant now) {
    Open call = open.remove(id);
    if (call == null) {
      throw new AssertionError("not open: " + id);
    }
    for (Hold hold : call.holds()) {
      spent.add(new Spent(hold.account(), hold.window().slot(now).expires(), amount));
    }
    debt += Math.max(0, amount - call.holds().get(0).amount());
    settled += amount;
  }

  /** The process has died: every open call counts in full, in the window in which it came. */
  synchronized void died() {
    for (Open call : open.values()) {
      for (int i = 0; i < call.holds().size(); i++) {
        Hold hold = call.holds().get(i);
        spent.add(new Spent(hold.account(), call.slots().get(i).expires(), hold.amount()));
      }
      settled += call.holds().get(0).amount();
    }
    open.clear();
  }

  synchronized Balance balance(String account, Instant now) {
    long reserved =
        open.values().stream()
            .flatMap(call -> call.holds().stream())
            .filter(hold -> hold.account().equals(account))
            .mapToLong(Hold::amount)
            .sum();
    long counted =
        spent.stream()
            .filter(one -> one.account().equals(account) && one.expires() > now.toEpochMilli())
            .mapToLong(Spent::amount)
            .sum();
    return new Balance(counted, reserved);
  }

  /** What all calls have spent that have ended. */
  synchronized long settled() {
    return settled;
  }

  /** How much of it was above what was reserved. */
  synchronized long debt() {
    return debt;
  }
}
