package io.llmguard.budget;

import io.llmguard.wire.Usage;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a call that was let through to an upstream. It holds no prompt, no answer and no
 * credential.
 *
 * @param id the call's id: 32 hex digits that sort by time
 * @param at when the call came; kept to the millisecond
 * @param who whose call it was
 * @param model as the call named it, or null
 * @param upstream the upstream that answered, or null
 * @param path the normalised path
 * @param status the status of the answer
 * @param outcome how the call ended: the word of the audit line, or {@code lost} if the process
 *     died meanwhile
 * @param usage its tokens; marked where they were estimated
 * @param costNanoUsd what it cost in billionths of a US dollar; 0 where nothing is reckoned
 * @param duration from the call's coming to its end; kept to the millisecond
 */
public record SpendEntry(
    String id,
    Instant at,
    Who who,
    @Nullable String model,
    @Nullable String upstream,
    String path,
    int status,
    String outcome,
    Usage usage,
    long costNanoUsd,
    Duration duration) {
  /** The outcome of a call whose process died before it had ended: it counts in full. */
  public static final String LOST = "lost";

  /** Checks the amounts. */
  public SpendEntry {
    if (costNanoUsd < 0 || usage.inputTokens() < 0 || usage.outputTokens() < 0) {
      throw new IllegalArgumentException("what was spent is not negative");
    }
  }

  /** Input and output tokens; no more than {@link Long#MAX_VALUE}. */
  public long tokens() {
    long sum = usage.inputTokens() + usage.outputTokens();
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  /** What it spends of a budget of this unit. */
  public long amount(BudgetUnit unit) {
    return unit == BudgetUnit.USD ? costNanoUsd : tokens();
  }

  /**
   * Whose call it was.
   *
   * @param caller the caller's id
   * @param name the caller's name for people
   * @param keyId the id of the API key's record, or null for other credentials
   * @param credentialHash hex SHA-256 of the credential, or null
   * @param team the team, or null
   * @param user the user, or null
   */
  public record Who(
      String caller,
      String name,
      @Nullable String keyId,
      @Nullable String credentialHash,
      @Nullable String team,
      @Nullable String user) {}

  /** The id and the end only. */
  @Override
  public String toString() {
    return "SpendEntry[" + id + " " + outcome + " " + costNanoUsd + "]";
  }
}
