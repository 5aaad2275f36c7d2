package io.llmguard.policy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.limit.LimitListener;
import io.llmguard.limit.LimitListener.Event;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.CheckedBody;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Holds what a call asks of its server against ceilings, those of all and those of its caller, and
 * has the lowered body go upstream.
 *
 * <p>It stands after the {@link BodyStage} and refuses with the reasons of {@link Ceilings}. Calls
 * without a checked body pass. The policy is {@code ceiling}; calls that were given less than they
 * asked for count as admitted. In shadow a call that asks for more than a ceiling is reported and
 * goes on unchanged; media that the upstream would read, and tools that it would run, are refused
 * all the same.
 */
public final class CeilingStage implements Stage {
  /** The name of the policy. */
  public static final String POLICY = "ceiling";

  /** The body's edits, for who has something of its own to change in it later. */
  public static final Exchange.Key<BodyEdits> EDITS =
      new Exchange.Key<>("body-edits", BodyEdits.class);

  private final Ceilings ceilings;
  private final @Nullable Ceilings shadowed;
  private final LimitListener listener;

  /** A stage with these ceilings for every caller, and below them each caller's own. */
  public CeilingStage(Ceilings ceilings) {
    this(ceilings, false, LimitListener.NONE);
  }

  /**
   * A stage.
   *
   * @param shadow true to count and report what is above a ceiling, and to change nothing
   */
  public CeilingStage(Ceilings ceilings, boolean shadow, LimitListener listener) {
    this.ceilings = shadow ? ceilings.withoutNumbers() : ceilings;
    this.shadowed = shadow ? ceilings.refusing() : null;
    this.listener = listener;
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
      listener.heard(POLICY, Event.REFUSED);
      return exchange.refuse(above.refusal());
    }
    if (result instanceof Ceilings.Result.Within within) {
      exchange.call(within.call());
      exchange.body(new RequestBody.InMemory(within.body()));
      exchange.put(EDITS, edits);
    }
    boolean over = shadowed != null && shadowed.apply(checked) instanceof Ceilings.Result.Above;
    listener.heard(POLICY, over ? Event.SHADOW_REFUSED : Event.ADMITTED);
    return exchange.admit();
  }
}
