package io.llmguard;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.TestRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerEndTest {
  private final List<String> ended = new ArrayList<>();

  private Exchange exchange() {
    Guard guard =
        Guard.builder()
            .stage(
                new Stage() {
                  @Override
                  public String name() {
                    return "observer";
                  }

                  @Override
                  public CompletionStage<Decision> decide(Exchange exchange) {
                    return exchange.admit();
                  }

                  @Override
                  public void settle(Exchange exchange, Outcome outcome) {
                    ended.add(exchange.status() + " " + outcome.word());
                  }
                })
            .build();
    Decision decision = guard.admit(TestRequest.of("GET", "/")).toCompletableFuture().join();
    return ((Decision.Admit) decision).exchange();
  }

  @ParameterizedTest
  @CsvSource({
    // the client gone, timed out, failed, committed, status: what the call has come to
    "true,  false, false, false, 0,   499 client-gone",
    "true,  false, true,  false, 500, 499 client-gone",
    "true,  true,  false, false, 500, 499 client-gone",
    "false, false, true,  true,  200, 502 truncated",
    "false, false, true,  false, 500, 500 upstream-failed",
    "false, false, true,  false, 503, 503 upstream-failed",
    "false, false, true,  false, 404, 404 completed",
    "false, true,  false, false, 500, 500 timeout",
    "false, false, false, true,  200, 200 completed",
  })
  void whatAnEndMeansIsSaidOnceForEveryAdapter(
      boolean gone, boolean timedOut, boolean failed, boolean committed, int status, String word) {
    new AnswerEnd(gone, timedOut, failed, committed, status).report(exchange());
    assertThat(ended).containsExactly(word);
  }

  @Test
  void theFirstReportOfAnEndCounts() {
    Exchange exchange = exchange();
    AnswerEnd.failed(false, false, 503).report(exchange);
    AnswerEnd.failed(false, false, 404).report(exchange);
    AnswerEnd.left().report(exchange);
    assertThat(ended).containsExactly("503 upstream-failed");
    assertThat(exchange.status()).isEqualTo(503);
  }
}
