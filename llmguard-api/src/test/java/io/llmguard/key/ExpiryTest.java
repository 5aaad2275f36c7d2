package io.llmguard.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExpiryTest {
  @Test
  void expiryIsReadAsPeopleWriteIt() {
    Instant now = Instant.parse("2026-03-01T12:00:00Z");
    assertThat(Expiry.parse("never", now)).isNull();
    assertThat(Expiry.parse("90d", now)).isEqualTo("2026-05-30T12:00:00Z");
    assertThat(Expiry.parse("2w", now)).isEqualTo("2026-03-15T12:00:00Z");
    assertThat(Expiry.parse("30m", now)).isEqualTo("2026-03-01T12:30:00Z");
    assertThat(Expiry.parse("2026-12-31", now)).isEqualTo("2027-01-01T00:00:00Z");
    assertThat(Expiry.parse("2026-12-31T18:00:00+01:00", now)).isEqualTo("2026-12-31T17:00:00Z");
    for (String bad : List.of("", "0d", "-1d", "1y", "tomorrow", "2026-13-01", "2026-02-28", "9")) {
      assertThatThrownBy(() -> Expiry.parse(bad, now))
          .as(bad)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("'" + bad + "'");
    }
  }
}
