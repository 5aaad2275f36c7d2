package io.llmguard.metrics;

import java.util.List;

/**
 * Every meter, with its tags. Those that begin with {@code gen_ai} follow OpenTelemetry's semantic
 * conventions for generative AI, of which the guard is a client.
 */
public enum MeterName {
  /** Calls that have ended, refused ones included: a counter. */
  REQUESTS(
      "llmguard.requests",
      "Calls that have ended",
      MeterTag.OUTCOME,
      MeterTag.REASON,
      MeterTag.STATUS,
      MeterTag.OPERATION),
  /** Calls that were refused: a counter. */
  REFUSALS("llmguard.refusals", "Calls that were refused", MeterTag.REASON),
  /** Calls under way: a gauge. */
  ACTIVE("llmguard.requests.active", "Calls under way"),
  /** What each limit said: a counter; a limit in shadow mode says {@code shadow-refused}. */
  LIMITS("llmguard.limit.decisions", "What limits said", MeterTag.POLICY, MeterTag.EVENT),
  /** 1 while the store of a limit answers, 0 once it has failed: a gauge. */
  LIMIT_STORE_UP(
      "llmguard.limit.store.up", "Whether the store of a limit answers", MeterTag.POLICY),
  /** Budgets that have reached their alert, once in each window: a counter. */
  BUDGET_ALERTS(
      "llmguard.budget.alerts",
      "Budgets that have reached their alert",
      MeterTag.SCOPE,
      MeterTag.UNIT),
  /** What content guards found, and what came of it: a counter. */
  FINDINGS(
      "llmguard.content.findings",
      "What content guards found",
      MeterTag.INSPECTOR,
      MeterTag.KIND,
      MeterTag.CONTENT,
      MeterTag.ACTION),
  /** Audit events that wait to be written: a gauge. */
  AUDIT_QUEUED("llmguard.audit.queued", "Audit events that wait to be written"),
  /** Places of the audit queue that are taken: a gauge. */
  AUDIT_RESERVED("llmguard.audit.reserved", "Places of the audit queue that are taken"),
  /** Places of the audit queue: a gauge. */
  AUDIT_CAPACITY("llmguard.audit.capacity", "Places of the audit queue"),
  /** 1 while the key store answers, 0 while it fails: a gauge. */
  KEY_STORE_UP("llmguard.key.store.up", "Whether the key store answers"),
  /** 1 while what is spent can be kept, 0 while it cannot: a gauge. */
  BUDGET_STORE_UP("llmguard.budget.store.up", "Whether the spend ledger answers"),
  /** 1 while the audit sink works, 0 while it fails: a gauge. */
  AUDIT_UP("llmguard.audit.up", "Whether audit events can be written"),
  /** Audit events that were written: a counter. */
  AUDIT_WRITTEN("llmguard.audit.written", "Audit events that were written"),
  /** Failures of the audit sink: a counter. */
  AUDIT_FAILURES("llmguard.audit.failures", "Failures of the audit sink"),
  /** Calls that were refused because the audit queue was full: a counter. */
  AUDIT_REFUSED("llmguard.audit.refused", "Calls refused because the audit queue was full"),
  /** Audit events that could not be written before the end: a counter. */
  AUDIT_LOST("llmguard.audit.lost", "Audit events that could not be written before the end"),
  /** How long a generation or embedding took, from the call's coming to its end: a timer. */
  GEN_AI_DURATION(
      "gen_ai.client.operation.duration",
      "GenAI operation duration",
      MeterTag.GEN_AI_OPERATION,
      MeterTag.GEN_AI_PROVIDER,
      MeterTag.GEN_AI_MODEL,
      MeterTag.ERROR_TYPE),
  /** How long a streamed answer's first bytes took, from the call's coming: a timer. */
  GEN_AI_TIME_TO_FIRST_CHUNK(
      "gen_ai.client.operation.time_to_first_chunk",
      "Time to receive the first chunk of a streamed answer",
      MeterTag.GEN_AI_OPERATION,
      MeterTag.GEN_AI_PROVIDER,
      MeterTag.GEN_AI_MODEL),
  /** Tokens of a call, as the upstream reported them; estimates are not recorded: a summary. */
  GEN_AI_TOKENS(
      "gen_ai.client.token.usage",
      "Number of input and output tokens used",
      MeterTag.GEN_AI_OPERATION,
      MeterTag.GEN_AI_PROVIDER,
      MeterTag.GEN_AI_MODEL,
      MeterTag.GEN_AI_TOKEN_TYPE);

  private final String meter;
  private final String description;

  // List.of, which the checker cannot see, cannot be changed
  @SuppressWarnings("ImmutableEnumChecker")
  private final List<MeterTag> tags;

  MeterName(String meter, String description, MeterTag... tags) {
    this.meter = meter;
    this.description = description;
    this.tags = List.of(tags);
  }

  /** The meter's name. */
  public String meter() {
    return meter;
  }

  /** What it measures, in one line. */
  public String description() {
    return description;
  }

  /** Its tags, in order. */
  public List<MeterTag> tags() {
    return tags;
  }
}
