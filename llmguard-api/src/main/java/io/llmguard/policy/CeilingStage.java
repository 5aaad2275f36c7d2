package io.llmguard.policy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.CheckedBody;
import java.util.concurrent.CompletionStage;

/**
 * Holds what a call asks of its server against ceilings, those of all and those of its caller, and
 * has the lowered body go upstream.
 *
 * <p>It stands after the {@link BodyStage} and refuses with the reasons of {@link Ceilings}. Calls
 * without a checked body pass.
 */
public final class CeilingStage implements Stage {
  /** The body's edits, for who has something of its own to change in it later. */
  public static final Exchange.Key<BodyEdits> EDITS =
      new Exchange.Key<>("body-edits", BodyEdits.class);

  private final Ceilings ceilings;

  /** A stage with these ceilings for every caller, and below them each caller's own. */
  public CeilingStage(Ceilings ceilings) {
    this.ceilings = ceilings;
  }

  @Override
  public String name() {
    return "ceiling";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    CheckedBody checked = exchange.get(BodyStage.CHECKED);
    if (checked == null) {
      return exchange.admit();
    }
    BodyEdits edits = checked.edits();
    Caller caller = exchange.caller();
    Ceilings held = caller == null ? ceilings : caller.limits().ceilings().under(ceilings);
    Ceilings.Result result = held.apply(checked, edits);
    if (result instanceof Ceilings.Result.Above above) {
      return exchange.refuse(above.refusal());
    }
    if (result instanceof Ceilings.Result.Within within) {
      exchange.call(within.call());
      exchange.body(new RequestBody.InMemory(within.body()));
      exchange.put(EDITS, edits);
    }
    return exchange.admit();
  }
}
