package io.llmguard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.RefusalRenderer.Rendered;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RefusalRendererTest {
  private static final Refusal REFUSAL =
      Refusal.of(401, "no-credential", "send a \"key\"").with("WWW-Authenticate", "Bearer");

  private static String body(String path) {
    return StandardCharsets.UTF_8.decode(RefusalRenderer.render(REFUSAL, path).body()).toString();
  }

  @Test
  void eachApiSeesItsOwnErrorObject() {
    assertThat(body("/api/chat")).isEqualTo("{\"error\":\"send a \\\"key\\\"\"}");
    assertThat(body("/v1/chat/completions"))
        .isEqualTo(
            "{\"error\":{\"message\":\"send a \\\"key\\\"\",\"type\":\"authentication_error\","
                + "\"param\":null,\"code\":\"no_credential\"}}");
    assertThat(body("/v1/messages"))
        .isEqualTo(
            "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\","
                + "\"message\":\"send a \\\"key\\\"\"}}");
    assertThat(body("/somewhere"))
        .isEqualTo(
            "{\"type\":\"https://llmguard.io/problems/no-credential\",\"title\":\"No credential\","
                + "\"status\":401,\"detail\":\"send a \\\"key\\\"\"}");
  }

  @Test
  void aSpentBudgetHasATypeOfItsOwnForClientsOfLiteLlm() {
    Refusal spent = Refusal.of(429, "budget-exceeded", "used up");
    assertThat(
            StandardCharsets.UTF_8
                .decode(RefusalRenderer.render(spent, "/v1/chat/completions").body())
                .toString())
        .contains("\"type\":\"budget_exceeded\"", "\"code\":\"budget_exceeded\"");
    Refusal often = Refusal.of(429, "rate-limit", "too often");
    assertThat(
            StandardCharsets.UTF_8
                .decode(RefusalRenderer.render(often, "/v1/chat/completions").body())
                .toString())
        .contains("\"type\":\"rate_limit_exceeded\"");
  }

  @Test
  void fieldsAndContentTypeGoAlong() {
    Rendered rendered = RefusalRenderer.render(REFUSAL, "/elsewhere");
    assertThat(rendered.status()).isEqualTo(401);
    assertThat(rendered.headers().first("Content-Type")).isEqualTo("application/problem+json");
    assertThat(rendered.headers().first("WWW-Authenticate")).isEqualTo("Bearer");
    assertThat(rendered.headers().first("Cache-Control")).isEqualTo("no-store");
  }

  @Test
  void aHeaderValueCannotSplitTheAnswer() {
    assertThatThrownBy(() -> REFUSAL.with("X-A", "a\r\nSet-Cookie: b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("Set-Cookie");
  }
}
