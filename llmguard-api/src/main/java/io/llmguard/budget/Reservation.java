package io.llmguard.budget;

import io.llmguard.AnswerCeiling;
import io.llmguard.budget.BudgetSet.Applied;
import io.llmguard.upstream.ModelReach;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The most that a call may use, and what is held for it; used by one thread at a time. */
final class Reservation {
  /** Timers are late by less. */
  private static final Duration LATE = Duration.ofSeconds(1);

  private final List<ModelReach.Model> models;
  private final List<Applied> applied;
  private final Worst.Tokens tokens;
  private final @Nullable Price price;

  private @Nullable Duration bound;
  private long cost;
  private List<Hold> holds = List.of();
  private List<Balance> balances = List.of();
  private volatile @Nullable Bill bill;

  /**
   * Holds nothing yet.
   *
   * @param models those that may answer the call
   * @param applied the budgets that count it
   * @param price the highest that may have to be paid, or null where no budget counts money
   */
  Reservation(
      List<ModelReach.Model> models,
      List<Applied> applied,
      Worst.Tokens tokens,
      @Nullable Price price) {
    this.models = models;
    this.applied = applied;
    this.tokens = tokens;
    this.price = price;
  }

  List<ModelReach.Model> models() {
    return models;
  }

  List<Applied> applied() {
    return applied;
  }

  Worst.Tokens tokens() {
    return tokens;
  }

  /** True if a budget counts money. */
  boolean usd() {
    return price != null;
  }

  boolean timed() {
    return price != null && price.timed();
  }

  /** Reckons what is to be held if upstreams may work so long; null for no bound. */
  void reckon(@Nullable Duration upstreamTime) {
    bound = upstreamTime;
    cost = price == null ? 0 : price.atMost(tokens.input(), tokens.output(), late(upstreamTime));
    List<Hold> all = new ArrayList<>(applied.size());
    for (Applied budget : applied) {
      all.add(budget.hold(cost, tokens.total()));
    }
    holds = all;
  }

  private static Duration late(@Nullable Duration upstreamTime) {
    return upstreamTime == null ? Duration.ZERO : upstreamTime.plus(LATE);
  }

  /** The most that the call may cost. */
  long cost() {
    return cost;
  }

  /** What the budgets hold for it, in the order of {@link #applied}. */
  List<Hold> holds() {
    return holds;
  }

  AnswerCeiling ceiling(long outputTokens) {
    return new AnswerCeiling(outputTokens, bound);
  }

  /** How the accounts stood when everything was held; empty if nobody knows. */
  List<Balance> balances() {
    return balances;
  }

  void granted(List<Balance> value) {
    balances = value;
  }

  /** What the call costs, where its whole answer is there and nothing more can come. */
  @Nullable Bill bill() {
    return bill;
  }

  void billed(Bill value) {
    bill = value;
  }

  /** How the budgets stand; empty if nobody knows. */
  List<SpendFields.Standing> standings(@Nullable Bill paid) {
    List<SpendFields.Standing> standings = new ArrayList<>(balances.size());
    for (int i = 0; i < balances.size(); i++) {
      Balance balance = balances.get(i);
      long spent = balance.spent();
      long reserved = balance.reserved();
      if (paid != null) {
        spent += paid.amount(applied.get(i));
        reserved -= holds.get(i).amount();
      }
      Budget budget = applied.get(i).budget();
      long left = Math.max(0, budget.amount() - spent - reserved);
      standings.add(new SpendFields.Standing(budget, spent, left));
    }
    return standings;
  }

  /**
   * How many output tokens another attempt may have, so that all attempts together stay within what
   * is held.
   *
   * @param usedTokens tokens of the attempts so far
   * @param usedCost what they have cost
   * @param usedTime how long they took
   * @return below 0 if not even the prompt may be sent again
   */
  long outputLeft(long usedTokens, long usedCost, Duration usedTime) {
    long left = tokens.output();
    if (applied.stream().anyMatch(budget -> budget.budget().unit() == BudgetUnit.TOKENS)) {
      left = Math.min(left, tokens.output() - usedTokens);
    }
    Price dearest = price;
    if (dearest != null) {
      Duration most = bound == null ? null : bound.minus(usedTime);
      left = tokensFor(cost - usedCost, left, dearest, late(most));
    }
    return left;
  }

  /** The most output tokens, up to so many, that cost no more than this; below 0 for none. */
  private long tokensFor(long nanoUsd, long most, Price dearest, Duration time) {
    long low = -1;
    long high = Math.max(-1, most);
    while (low < high) {
      long middle = high - ((high - low) >>> 1); // the difference may be one more than a long
      if (dearest.atMost(tokens.input(), middle, time) <= nanoUsd) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return Math.min(low, most);
  }
}
