package io.llmguard.upstream;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Stage;
import java.util.Objects;
import java.util.concurrent.CompletionStage;

/**
 * Finds out which models may answer a call, for the stages that limit models and hold what a call
 * may cost. It stands after the stages that judge the body, before those, and refuses nothing.
 */
public final class ModelReachStage implements Stage {
  private final ModelReach.Source source;

  /** A stage that asks this source, best the router itself. */
  public ModelReachStage(ModelReach.Source source) {
    this.source = Objects.requireNonNull(source);
  }

  @Override
  public String name() {
    return "model-reach";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    ModelReach reach = exchange.call() == null ? null : source.of(exchange);
    if (reach != null) {
      exchange.put(ModelReach.KEY, reach);
      exchange.model(reach.models().get(0).name());
    }
    return exchange.admit();
  }
}
