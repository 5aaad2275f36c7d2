package io.llmguard.audit;

/** When a written audit line counts as kept. */
public enum Durability {
  /** Once the operating system has it: it outlives a crash of the program. */
  FLUSH,
  /** Once the disk has it: it outlives a crash of the machine. One sync serves a whole batch. */
  FSYNC
}
