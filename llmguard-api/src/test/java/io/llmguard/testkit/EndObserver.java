package io.llmguard.testkit;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * A stage that lets every call pass, and tells of its end.
 *
 * @param told hears of the end
 * @param before says what each call waits for
 */
public record EndObserver(
    BiConsumer<Exchange, Outcome> told, Supplier<CompletableFuture<Void>> before) implements Stage {
  /** An observer for which no call waits. */
  public EndObserver(BiConsumer<Exchange, Outcome> told) {
    this(told, () -> CompletableFuture.completedFuture(null));
  }

  @Override
  public String name() {
    return "observer";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    CompletableFuture<Void> first = before.get();
    return first.isDone() ? exchange.admit() : first.thenCompose(now -> exchange.admit());
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    told.accept(exchange, outcome);
  }
}
