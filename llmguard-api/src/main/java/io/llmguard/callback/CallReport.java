package io.llmguard.callback;

import io.llmguard.audit.AuditEvent;
import io.llmguard.wire.Operation;
import org.jspecify.annotations.Nullable;

/**
 * A call to a model that has ended.
 *
 * @param event what the audit trail keeps of it; its content is null unless the operator turned
 *     content on for callbacks
 * @param operation what was asked
 * @param stream true if the answer was asked for as a stream
 * @param user to whom the caller's credential was given, or null
 * @param team the team of the credential, or null
 * @param traceparent the caller's trace context (W3C), or null without a valid one
 */
public record CallReport(
    AuditEvent event,
    Operation operation,
    boolean stream,
    @Nullable String user,
    @Nullable String team,
    @Nullable String traceparent) {
  /** True if the whole answer went to the client and its status says success. */
  public boolean succeeded() {
    return event.outcome().kind() == io.llmguard.Outcome.Kind.COMPLETED && event.status() < 400;
  }

  /** The call's id and end only. */
  @Override
  public String toString() {
    return "CallReport[" + event.id() + " " + event.outcome().word() + "]";
  }
}
