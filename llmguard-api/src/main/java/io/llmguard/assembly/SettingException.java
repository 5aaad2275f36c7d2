package io.llmguard.assembly;

/** A setting that cannot be used; the message names it, and says what is wrong with it. */
public final class SettingException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String setting;
  private final String problem;

  /**
   * A setting that cannot be used.
   *
   * @param setting its path as {@code rate-limits.per-key}: groups joined by dots, words by hyphens
   * @param problem what is wrong, and what would be right; without any secret
   */
  public SettingException(String setting, String problem) {
    this(setting, problem, null);
  }

  /** The same, with what made it come to light. */
  public SettingException(
      String setting, String problem, @org.jspecify.annotations.Nullable Throwable cause) {
    super(setting + ": " + problem, cause);
    this.setting = setting;
    this.problem = problem;
  }

  /** The setting's path: groups joined by dots, words by hyphens. */
  public String setting() {
    return setting;
  }

  /** What is wrong, and what would be right. */
  public String problem() {
    return problem;
  }
}
