package io.llmguard.budget;

import java.time.ZoneOffset;

class MemorySpendLedgerPropertiesTest extends SpendLedgerProperties {
  @Override
  protected SpendLedger open() {
    return new MemorySpendLedger(time, ZoneOffset.UTC, 10_000);
  }

  @Override
  protected void failing(boolean on, long seed) {
    // memory does not fail
  }

  @Override
  protected boolean kill(SpendLedger ledger) {
    return false;
  }
}
