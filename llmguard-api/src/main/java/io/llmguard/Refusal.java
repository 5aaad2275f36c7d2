package io.llmguard;

/**
 * The answer to a call that may not go on; a value, written to the client by {@link
 * RefusalRenderer} only.
 *
 * @param status the HTTP status, 300 to 599
 * @param reason why, in words joined by hyphens; stands in the audit line and is the last part of
 *     the problem type
 * @param detail one sentence for the person at the other end that says what to do next; holds no
 *     secret and does not tell whether a key exists
 * @param headers fields that the answer carries, such as {@code Retry-After}; not to be changed
 *     afterwards
 */
public record Refusal(int status, String reason, String detail, Headers headers) {
  /** Checks status and reason. */
  public Refusal {
    if (status < 300 || status > 599) {
      throw new IllegalArgumentException("no status for a refusal: " + status);
    }
    for (int i = 0; i < reason.length(); i++) {
      char c = reason.charAt(i);
      if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') {
        throw new IllegalArgumentException("a reason is a-z, 0-9 and hyphens: " + reason);
      }
    }
  }

  /** A refusal without header fields of its own. */
  public static Refusal of(int status, String reason, String detail) {
    return new Refusal(status, reason, detail, Headers.empty());
  }

  /** The same refusal with one more field. */
  public Refusal with(String name, String value) {
    return new Refusal(status, reason, detail, HeaderMap.copyOf(headers).set(name, value));
  }
}
