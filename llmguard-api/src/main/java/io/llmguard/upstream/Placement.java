package io.llmguard.upstream;

/**
 * A router's side of one attempt: what it calls the place, and where it hears how the attempt went.
 *
 * <p>A place is taken when it is given out in a {@link Route.To}, and is free again once {@link
 * #ended} was called, which happens exactly once, on any thread.
 */
public interface Placement {
  /** The id of the deployment; shown to clients. */
  String deployment();

  /** The name of the models among which the router has chosen; retries are counted for each. */
  String model();

  /** The attempt has ended. */
  void ended(AttemptResult result);
}
