package io.llmguard.metrics;

/** Every tag of every meter; each has few values, none of them chosen by a caller. */
public enum MeterTag {
  /** How a call ended: {@code completed}, {@code refused}, {@code client-gone} and so on. */
  OUTCOME("outcome"),
  /** Why a call was refused, or {@code none}; {@code other} beyond 128 different reasons. */
  REASON("reason"),
  /** The status of the answer; a rare one as its class, such as {@code 4xx}. */
  STATUS("status"),
  /**
   * What the call asked to do, such as {@code ollama-chat}; {@code unknown} before it was known.
   */
  OPERATION("operation"),
  /** The limit that spoke, such as {@code per-key}. */
  POLICY("policy"),
  /** What it said, such as {@code shadow-refused}. */
  EVENT("event"),
  /** Whose budget: {@code global}, {@code key}, {@code team}, {@code user} or {@code model}. */
  SCOPE("scope"),
  /** What a budget counts: {@code usd} or {@code tokens}. */
  UNIT("unit"),
  /** The content guard that has found something, such as {@code secrets}. */
  INSPECTOR("inspector"),
  /** What it found, such as {@code aws-key}; {@code other} beyond 512 different findings. */
  KIND("kind"),
  /** Where: {@code prompt} or {@code response}. */
  CONTENT("content"),
  /** What came of it: {@code refused}, {@code redacted} or {@code shadowed}. */
  ACTION("action"),
  /** OpenTelemetry's name of the operation: {@code chat}, {@code text_completion} and so on. */
  GEN_AI_OPERATION("gen_ai.operation.name"),
  /** In whose API the call was made: {@code ollama}, {@code openai} or {@code anthropic}. */
  GEN_AI_PROVIDER("gen_ai.provider.name"),
  /** The model, if it is a known one; {@code other} if not, {@code none} without one. */
  GEN_AI_MODEL("gen_ai.request.model"),
  /** {@code input} or {@code output}. */
  GEN_AI_TOKEN_TYPE("gen_ai.token.type"),
  /** How the call failed, or {@code none}. */
  ERROR_TYPE("error.type");

  private final String key;

  MeterTag(String key) {
    this.key = key;
  }

  /** The tag's key. */
  public String key() {
    return key;
  }
}
