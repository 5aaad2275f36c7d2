package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.audit.AuditQueue;
import io.llmguard.key.KeyDirectory;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ReadinessTest {
  private static final KeyDirectory.Health KEYS =
      new KeyDirectory.Health(true, 0, Duration.ZERO, 1, 1);
  private static final KeyDirectory.Health NO_KEYS =
      new KeyDirectory.Health(false, 9, Duration.ofHours(1), 1, 1);

  private static AuditQueue.State trail(int reserved, Instant failingSince) {
    return new AuditQueue.State(10, reserved, 0, 5, 0, 0, 0, failingSince);
  }

  @Test
  void eachPartThatIsMissingHasAWord() {
    AuditQueue.State trail = trail(9, null);
    assertThat(Readiness.missing(false, KEYS, true, trail, false)).isNull();
    assertThat(Readiness.missing(true, KEYS, true, trail, false)).isEqualTo("draining");
    assertThat(Readiness.missing(false, NO_KEYS, true, trail, false)).isEqualTo("keys");
    assertThat(Readiness.missing(false, KEYS, false, trail, false)).isEqualTo("budgets");
    assertThat(Readiness.missing(false, KEYS, true, trail(10, null), false)).isEqualTo("audit");
    assertThat(Readiness.missing(false, KEYS, true, trail(1, Instant.EPOCH), false))
        .isEqualTo("audit");
    assertThat(Readiness.missing(false, KEYS, true, trail, true)).isEqualTo("upstreams");
  }
}
