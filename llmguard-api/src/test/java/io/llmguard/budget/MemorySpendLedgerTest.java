package io.llmguard.budget;

import java.time.ZoneOffset;

class MemorySpendLedgerTest extends SpendLedgerContract {
  @Override
  protected SpendLedger open() {
    return new MemorySpendLedger(time, ZoneOffset.UTC, 10_000);
  }

  @Override
  protected boolean durable() {
    return false;
  }
}
