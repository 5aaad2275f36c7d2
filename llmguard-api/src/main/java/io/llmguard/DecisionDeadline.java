package io.llmguard;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * How long an adapter waits for a guard's decision, the sending of a body that is read for it
 * included.
 *
 * @param duration at least 1 ms; 60 s unless an adapter is told otherwise
 */
public record DecisionDeadline(Duration duration) {
  /** 60 s. */
  public static final DecisionDeadline DEFAULT = new DecisionDeadline(Duration.ofSeconds(60));

  /** What a call is answered that was not decided in time. */
  public static final Decision.Refuse TOO_LATE =
      new Decision.Refuse(
          Refusal.of(503, "guard-timeout", "the guard could not decide in time; try again later"));

  /** Checks the range. */
  public DecisionDeadline {
    if (duration.compareTo(Duration.ofMillis(1)) < 0) {
      throw new IllegalArgumentException("a deadline for bodies is at least 1 ms: " + duration);
    }
  }

  /** In milliseconds. */
  public long millis() {
    return duration.toMillis();
  }

  /**
   * Ends the call with this outcome if it is admitted after all: nobody waits for the decision any
   * more.
   */
  public static void abandon(CompletionStage<Decision> decision, Outcome outcome) {
    var unused = decision.thenAccept(decided -> abandon(decided, outcome));
  }

  /** The same for a decision that has been made. */
  public static void abandon(Decision decided, Outcome outcome) {
    if (decided instanceof Decision.Admit admit) {
      admit.exchange().onComplete(outcome);
    }
  }
}
