package io.llmguard;

/** A {@link Stage} that asks a store, which may be out of reach. Thread-safe. */
public interface StoreBacked {
  /**
   * False from a failure of the store to its next success. Who asks again while it is false may
   * have the store tried, so that it is found to be back without any call.
   */
  boolean storeAvailable();

  /** True if calls pass while the store is out of reach, false if they are refused. */
  boolean failsOpen();
}
