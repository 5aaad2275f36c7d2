package io.llmguard.testkit;

import java.util.concurrent.CompletableFuture;

/**
 * A point at which the upstream stands still until the test lets it on, in place of sleeping. A
 * gate opens once and stays open. Thread-safe.
 */
public final class Gate {
  private final CompletableFuture<Void> reached = new CompletableFuture<>();
  private final CompletableFuture<Void> opened = new CompletableFuture<>();

  /** A closed gate. */
  public static Gate closed() {
    return new Gate();
  }

  private Gate() {}

  /** Lets everybody through, now and later. */
  public void open() {
    opened.complete(null);
  }

  /** Completes when the upstream stands before this gate: all bytes before it are written. */
  public CompletableFuture<Void> reached() {
    return reached;
  }

  CompletableFuture<Void> arrive() {
    reached.complete(null);
    return opened;
  }
}
