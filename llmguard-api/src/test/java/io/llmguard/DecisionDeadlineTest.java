package io.llmguard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.testkit.TestRequest;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class DecisionDeadlineTest {
  @Test
  void aCallThatIsAdmittedTooLateIsEnded() {
    Decision decision =
        Guard.builder().build().admit(TestRequest.of("GET", "/")).toCompletableFuture().join();
    Exchange exchange = ((Decision.Admit) decision).exchange();
    CompletableFuture<Decision> later = new CompletableFuture<>();
    DecisionDeadline.abandon(later, Outcome.TIMEOUT);
    assertThat(exchange.completed()).isFalse();
    later.complete(decision);
    assertThat(exchange.completed()).isTrue();
    assertThat(exchange.status()).isEqualTo(504);
  }

  @Test
  void aDeadlineIsAtLeastAMillisecond() {
    assertThat(new DecisionDeadline(Duration.ofMillis(1)).millis()).isEqualTo(1);
    assertThatThrownBy(() -> new DecisionDeadline(Duration.ofNanos(999_999)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 ms");
  }
}
