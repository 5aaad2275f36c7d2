package io.llmguard.inspect;

/**
 * Hears of everything that inspectors find, for metrics: never what it was.
 *
 * <p>It is called on the thread of the call: it returns at once and does not throw. Implementations
 * are thread-safe.
 */
@FunctionalInterface
public interface InspectionListener {
  /** Hears nothing. */
  InspectionListener NONE = (inspector, kind, content, action) -> {};

  /**
   * Hears of one finding.
   *
   * @param inspector the inspector's name
   * @param kind what was found
   * @param content in what
   * @param action what came of it
   */
  void found(String inspector, String kind, Content content, Action action);

  /** What was inspected. */
  enum Content {
    /** What a client sends. */
    PROMPT,
    /** What an upstream answers. */
    RESPONSE
  }

  /** What came of a finding. */
  enum Action {
    /** The call, or the rest of the answer, was refused. */
    REFUSED,
    /** It was replaced. */
    REDACTED,
    /** Nothing: the inspector runs in shadow mode. */
    SHADOWED
  }
}
