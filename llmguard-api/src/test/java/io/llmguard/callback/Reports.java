package io.llmguard.callback;

import io.llmguard.Outcome;
import io.llmguard.audit.AuditContent;
import io.llmguard.audit.AuditEvent;
import io.llmguard.wire.Operation;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Reports for tests. */
final class Reports {
  static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

  private Reports() {}

  static CallReport ok(int number) {
    return report(number, Outcome.COMPLETED, 200, null);
  }

  static CallReport report(
      int number, Outcome outcome, int status, @Nullable AuditContent content) {
    return new CallReport(
        new AuditEvent(
            Instant.parse("2026-01-01T00:00:00.120Z"),
            String.format("%032x", number),
            "ab".repeat(32),
            "key_1",
            "ci",
            InetAddress.getLoopbackAddress(),
            "POST",
            "/api/chat",
            null,
            "gemma3:270m",
            "local",
            "cd".repeat(32),
            5L,
            1500,
            300L,
            status,
            outcome,
            26L,
            60L,
            false,
            new BigDecimal("0.00012"),
            0,
            null,
            TRACE,
            content),
        Operation.OLLAMA_CHAT,
        true,
        "u1",
        "blue",
        "00-" + TRACE + "-00f067aa0ba902b7-01");
  }
}
