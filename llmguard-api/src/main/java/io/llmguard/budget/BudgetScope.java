package io.llmguard.budget;

/** Whose calls a budget counts together. */
public enum BudgetScope {
  /** Those of everybody. */
  GLOBAL,
  /** Those of one caller: an API key, the master key, a token's subject or a certificate. */
  KEY,
  /** Those of one team. */
  TEAM,
  /** Those of one user, as {@link BudgetUser} finds it. */
  USER,
  /** Those to the models of one pattern. */
  MODEL
}
