package io.llmguard.budget;

/** What a budget counts. */
public enum BudgetUnit {
  /** Money, in billionths of a US dollar. */
  USD,
  /** Input and output tokens. */
  TOKENS
}
