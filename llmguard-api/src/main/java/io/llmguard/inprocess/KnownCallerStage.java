package io.llmguard.inprocess;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import java.util.concurrent.CompletionStage;

/**
 * Takes the application's word for who calls; refuses with 401 {@code no-credential} a call that
 * did not come from within, so that a guard with this stage is of no use to anyone outside.
 */
public final class KnownCallerStage implements Stage {
  private static final Refusal FROM_OUTSIDE =
      Refusal.of(401, "no-credential", "this guard takes calls of the application's own only");

  /** A stage. */
  public KnownCallerStage() {}

  @Override
  public String name() {
    return "known-caller";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    if (exchange.request() instanceof InProcessRequest request) {
      exchange.caller(request.caller());
      return exchange.admit();
    }
    return exchange.refuse(FROM_OUTSIDE);
  }
}
