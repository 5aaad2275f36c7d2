package io.llmguard.budget;

/** By what spend is summed up. */
public enum SpendGroup {
  /** All in one sum. */
  ALL,
  /** By caller. */
  CALLER,
  /** By team. */
  TEAM,
  /** By user. */
  USER,
  /** By the model as calls named it. */
  MODEL,
  /** By the upstream that answered. */
  UPSTREAM,
  /** By the day on which calls came, in the ledger's time zone. */
  DAY
}
