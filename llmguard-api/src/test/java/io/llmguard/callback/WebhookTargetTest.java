package io.llmguard.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetWindow;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebhookTargetTest {
  private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

  /** The example of the specification's own libraries. */
  @Test
  void signsAsTheStandardSays() {
    WebhookTarget target = new WebhookTarget(URI.create("http://127.0.0.1:9"), SECRET);
    assertThat(
            target.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330L, "{\"test\": 2432232314}"))
        .isEqualTo("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  }

  @Test
  void theReceiverCanVerifyWhoSentItWhenAndThatNothingWasChanged() throws Exception {
    try (Receiver receiver = new Receiver(204, "")) {
      WebhookTarget target = new WebhookTarget(receiver.uri(), SECRET);
      List<String> reports = List.of(target.encode(Reports.ok(1)), target.encode(Reports.ok(2)));
      assertThat(target.send(reports)).isZero();
      Receiver.Received first = receiver.await();
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(
          new SecretKeySpec(
              Base64.getDecoder().decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "HmacSHA256"));
      String signed =
          first.header("webhook-id") + "." + first.header("webhook-timestamp") + "." + first.text();
      assertThat(first.header("webhook-signature"))
          .isEqualTo(
              "v1,"
                  + Base64.getEncoder()
                      .encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8))));
      assertThat(Long.parseLong(first.header("webhook-timestamp")))
          .isCloseTo(System.currentTimeMillis() / 1000, org.assertj.core.data.Offset.offset(60L));
      JsonNode body = new ObjectMapper().readTree(first.text());
      assertThat(body.get("type").asText()).isEqualTo("llm.calls");
      assertThat(body.at("/data/calls")).hasSize(2);
      assertThat(body.at("/data/calls/0/inputTokens").asInt()).isEqualTo(26);

      // sent again it has the same id, by which a receiver knows it
      target.send(reports);
      assertThat(receiver.await().header("webhook-id")).isEqualTo(first.header("webhook-id"));
    }
  }

  @Test
  void anAlertIsAMessageOfItsOwnAmongCalls() throws Exception {
    Budget budget =
        Budget.of(BudgetScope.KEY, BudgetWindow.fixed("1d"))
            .usd(new BigDecimal(5))
            .alertAt(4_000_000_000L)
            .build();
    BudgetAlert alert =
        new BudgetAlert(Instant.parse("2026-01-01T10:00:00Z"), budget, "key_1", 4_020_000_000L);
    try (Receiver receiver = new Receiver(204, "")) {
      WebhookTarget target = new WebhookTarget(receiver.uri(), SECRET);
      List<String> lines =
          List.of(
              target.encode(Reports.ok(1)), target.encode(alert), target.encode(alert.anonymous()));
      assertThat(target.send(lines)).isZero();
      Receiver.Received first = receiver.await();
      JsonNode body = new ObjectMapper().readTree(first.text());
      assertThat(body.get("type").asText()).isEqualTo("llm.budget-alert");
      assertThat(body.get("data"))
          .isEqualTo(
              new ObjectMapper()
                  .readTree(
                      "{\"ts\":\"2026-01-01T10:00:00Z\",\"scope\":\"key\",\"subject\":\"key_1\","
                          + "\"window\":\"1d@Z\",\"unit\":\"usd\",\"spent\":4.02,\"alertAt\":4,"
                          + "\"budget\":5}"));
      assertThat(
              new ObjectMapper()
                  .readTree(receiver.await().text())
                  .at("/data/subject")
                  .isMissingNode())
          .isTrue();
      JsonNode calls = new ObjectMapper().readTree(receiver.await().text());
      assertThat(calls.get("type").asText()).isEqualTo("llm.calls");
      assertThat(calls.at("/data/calls")).hasSize(1);

      target.send(lines);
      assertThat(receiver.await().header("webhook-id")).isEqualTo(first.header("webhook-id"));
      receiver.next(410, "");
      assertThat(target.send(lines)).isEqualTo(1);
    }
  }

  @Test
  void anythingButSuccessIsTriedAgainButGoneIsGone() throws Exception {
    try (Receiver receiver = new Receiver(204, "")) {
      WebhookTarget target = new WebhookTarget(receiver.uri(), SECRET);
      List<String> reports = List.of(target.encode(Reports.ok(1)));
      for (int status : new int[] {302, 400, 404, 500}) {
        receiver.next(status, "");
        assertThatThrownBy(() -> target.send(reports)).hasMessage("answered " + status);
      }
      receiver.next(410, "");
      assertThat(target.send(reports)).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "whsec_", "whsec_short", "plain-secret", "whsec_!!!!"})
  void aSecretThatIsNoneIsRefusedWithoutBeingRepeated(String secret) {
    assertThatThrownBy(() -> new WebhookTarget(URI.create("http://127.0.0.1:9"), secret))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("whsec_ and")
        .satisfies(
            e -> {
              if (secret.length() > 8) {
                assertThat(e.getMessage()).doesNotContain(secret);
              }
            });
  }
}
