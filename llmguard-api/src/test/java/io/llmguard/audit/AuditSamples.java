package io.llmguard.audit;

import io.llmguard.Outcome;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Events for tests. */
final class AuditSamples {
  private AuditSamples() {}

  static AuditEvent event(int number) {
    return event(number, "mistral");
  }

  static AuditEvent event(int number, @Nullable String model) {
    return new AuditEvent(
        Instant.parse("2026-01-01T00:00:00.120Z"),
        String.format("%032x", number),
        "ab".repeat(32),
        "key-1",
        "alice",
        InetAddress.getLoopbackAddress(),
        "POST",
        "/api/chat",
        null,
        model,
        "local",
        "cd".repeat(32),
        5L,
        12,
        7L,
        200,
        Outcome.COMPLETED,
        3L,
        4L,
        false,
        new BigDecimal("0.0000012"),
        0,
        null,
        null,
        null);
  }
}
