package io.llmguard.upstream.routing;

/**
 * A deployment that may take a call, and what is known about it now; valid during the choice only.
 */
public interface Candidate {
  /** The deployment. */
  Deployment deployment();

  /** How many calls it has now. */
  int inFlight();

  /**
   * Tokens of the calls that ended in the current minute of the clock, and an estimate for those
   * under way.
   */
  long tokensThisMinute();

  /** Calls that began in the current minute of the clock. */
  long requestsThisMinute();

  /**
   * The time that it takes for a token of an answer, with the time to the first one: an average in
   * nanoseconds in which later calls count more; -1 before the first answer.
   */
  double latencyNanos();
}
