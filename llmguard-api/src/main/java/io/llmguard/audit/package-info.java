/**
 * The audit trail: one line for every call, chained by hash so that a later change is found.
 *
 * <p>{@link io.llmguard.audit.AuditStage} stands outermost in a guard and hands an {@link
 * io.llmguard.audit.AuditEvent} to an {@link io.llmguard.audit.AuditQueue}, whose one thread writes
 * to an {@link io.llmguard.audit.AuditSink}. {@link io.llmguard.audit.AuditVerifier} checks what
 * {@link io.llmguard.audit.JsonLinesAuditSink} wrote.
 */
@NullMarked
package io.llmguard.audit;

import org.jspecify.annotations.NullMarked;
