package io.llmguard.budget.internal;

/** Whether a condition may hold, and whether it may not: of ranges both can be. */
record Truth(boolean may, boolean mayNot) {
  Truth not() {
    return new Truth(mayNot, may);
  }

  Truth and(Truth other) {
    return new Truth(may && other.may, mayNot || other.mayNot);
  }

  Truth or(Truth other) {
    return new Truth(may || other.may, mayNot && other.mayNot);
  }
}
