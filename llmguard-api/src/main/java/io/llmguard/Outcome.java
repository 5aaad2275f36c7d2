package io.llmguard;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How a call ended.
 *
 * @param kind the kind of end
 * @param reason why it was refused, in words joined by hyphens; null for any other kind
 */
public record Outcome(Kind kind, @Nullable String reason) {
  /** The closed set of ends. */
  public enum Kind {
    /** The whole answer went to the client. */
    COMPLETED,
    /** The guard refused the call. */
    REFUSED,
    /** The client left before the answer had gone out. */
    CLIENT_GONE,
    /** The upstream could not be reached, broke the protocol or answered nothing usable. */
    UPSTREAM_FAILED,
    /** The upstream's answer ended before its end was said. */
    TRUNCATED,
    /** A deadline passed. */
    TIMEOUT;

    private final String word = name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The whole answer went to the client. */
  public static final Outcome COMPLETED = new Outcome(Kind.COMPLETED, null);

  /** The client left before the answer had gone out. */
  public static final Outcome CLIENT_GONE = new Outcome(Kind.CLIENT_GONE, null);

  /** The upstream could not be reached, broke the protocol or answered nothing usable. */
  public static final Outcome UPSTREAM_FAILED = new Outcome(Kind.UPSTREAM_FAILED, null);

  /** The upstream's answer ended before its end was said. */
  public static final Outcome TRUNCATED = new Outcome(Kind.TRUNCATED, null);

  /** A deadline passed. */
  public static final Outcome TIMEOUT = new Outcome(Kind.TIMEOUT, null);

  /** The guard refused the call for this reason. */
  public static Outcome refused(String reason) {
    return new Outcome(Kind.REFUSED, reason);
  }

  /** The word of the audit line: the kind in lower case, {@code refused:REASON} for refusals. */
  public String word() {
    return reason == null ? kind.word : kind.word + ":" + reason;
  }
}
