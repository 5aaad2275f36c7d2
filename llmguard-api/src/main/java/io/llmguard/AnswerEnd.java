package io.llmguard;

/**
 * How the answer of an application behind a guard has ended, as its server tells it: an adapter
 * says what was seen, and this what it means for the call.
 *
 * @param clientGone true if the client left before it had the whole answer
 * @param timedOut true if the server gave up waiting for the application
 * @param failed true if the application failed, or broke its answer off
 * @param committed true if the answer's head had gone out
 * @param status the status that was answered, or will be where nothing has gone out
 */
public record AnswerEnd(
    boolean clientGone, boolean timedOut, boolean failed, boolean committed, int status) {
  /** The application has answered. */
  public static AnswerEnd whole(boolean clientGone, int status) {
    return new AnswerEnd(clientGone, false, false, true, status);
  }

  /** The application has failed; the status is what its server makes of that. */
  public static AnswerEnd failed(boolean clientGone, boolean committed, int status) {
    return new AnswerEnd(clientGone, false, true, committed, status);
  }

  /** The client left while the application was at work. */
  public static AnswerEnd left() {
    return new AnswerEnd(true, false, false, false, 0);
  }

  /** The outcome: a failure that a client sees as an answer below 500 is an answer. */
  public Outcome outcome() {
    if (clientGone) {
      return Outcome.CLIENT_GONE;
    }
    if (failed && committed) {
      return Outcome.TRUNCATED;
    }
    if (failed) {
      return status < 500 ? Outcome.COMPLETED : Outcome.UPSTREAM_FAILED;
    }
    return timedOut ? Outcome.TIMEOUT : Outcome.COMPLETED;
  }

  /** Reports it to the call; the first report of an end counts. */
  public void report(Exchange exchange) {
    Outcome outcome = outcome();
    if (!clientGone && (timedOut || (failed && !committed)) && !exchange.completed()) {
      // no head was reported that would say so
      exchange.status(status);
    }
    exchange.onComplete(outcome);
  }
}
