package io.llmguard.budget.internal;

import io.llmguard.budget.Balance;
import io.llmguard.budget.BudgetWindow.Slot;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The sums of one account, as every ledger reckons them. Not thread-safe. */
public final class Account {
  /** Spend that leaves the count as a whole. */
  public static final class Sum {
    private final long start;
    private final long expires;
    private long spent;
    private boolean changed;

    /** A sum as it was kept. */
    public Sum(long start, long expires, long spent) {
      this.start = start;
      this.expires = expires;
      this.spent = spent;
    }

    /** The slot's start. */
    public long start() {
      return start;
    }

    /** From when it does not count, in milliseconds of the epoch. */
    public long expires() {
      return expires;
    }

    /** The sum. */
    public long spent() {
      return spent;
    }

    /** True if it differs from what was kept. */
    public boolean changed() {
      return changed;
    }
  }

  private final List<Sum> sums = new ArrayList<>(2);
  private final long kept;
  private long reserved;

  /** An account with nothing in it. */
  public Account() {
    this(0);
  }

  /** An account that was kept with so much reserved. */
  public Account(long reserved) {
    this.kept = reserved;
    this.reserved = reserved;
  }

  /** Adds a sum as it was kept. */
  public void add(Sum sum) {
    sums.add(sum);
  }

  /** The sums, expired ones too. */
  public List<Sum> sums() {
    return sums;
  }

  /** What is reserved. */
  public long reserved() {
    return reserved;
  }

  /** True if what is reserved differs from what was kept. */
  public boolean changed() {
    return reserved != kept;
  }

  /** What counts as spent at this moment. */
  public long spent(long now) {
    long spent = 0;
    for (Sum sum : sums) {
      if (sum.expires > now) {
        spent = plus(spent, sum.spent);
      }
    }
    return spent;
  }

  /** How the account stands. */
  public Balance balance(long now) {
    return new Balance(spent(now), reserved);
  }

  /** True if so much more may be held without passing {@code most}. */
  public boolean covers(long amount, long most, long now) {
    return plus(plus(spent(now), reserved), amount) <= most;
  }

  /** Holds so much more. */
  public void reserve(long amount) {
    reserved = plus(reserved, amount);
  }

  /** Holds so much less. */
  public void release(long amount) {
    reserved = Math.max(0, reserved - amount);
  }

  /** Counts so much as spent in this slot, and forgets slots that have expired. */
  public void spend(Slot slot, long amount, long now) {
    sums.removeIf(sum -> sum.expires <= now && !sum.changed);
    for (Sum sum : sums) {
      if (sum.start == slot.start()) {
        sum.spent = plus(sum.spent, amount);
        sum.changed = true;
        return;
      }
    }
    Sum sum = new Sum(slot.start(), slot.expires(), amount);
    sum.changed = true;
    sums.add(sum);
  }

  /**
   * When the amount is covered if no call under way spends anything; {@code now} if it is already,
   * and {@link Long#MAX_VALUE} for never.
   */
  public long opensAt(long amount, long most, long now) {
    long spent = spent(now);
    long opens = now;
    List<Sum> order = new ArrayList<>(sums);
    order.sort(Comparator.comparingLong(Sum::expires));
    for (Sum sum : order) {
      if (plus(spent, amount) <= most) {
        return opens;
      }
      if (sum.expires > now) {
        spent -= sum.spent;
        opens = sum.expires;
      }
    }
    return plus(spent, amount) <= most ? opens : Long.MAX_VALUE;
  }

  private static long plus(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }
}
