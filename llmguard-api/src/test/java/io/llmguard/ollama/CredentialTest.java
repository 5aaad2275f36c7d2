package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.openai.OpenAiClient;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A secret that cannot be sent is refused where it is given, and repeated nowhere. */
@Timeout(30)
class CredentialTest {
  @ParameterizedTest
  @ValueSource(
      strings = {"sk-geheim’", "sk-geheimé", "sk-ge heim", "sk-geheim\nX: y", "sk-geheim\u007f"})
  void aSecretOutsideVisibleAsciiIsRefusedAndNotRepeated(String secret) {
    assertThatThrownBy(() -> Credential.bearer(secret))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("geheim")
        .hasNoCause();
    assertThatThrownBy(() -> Credential.apiKey(secret))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("geheim")
        .hasNoCause();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "  ", "\t\n"})
  void aBlankSecretIsRefused(String secret) {
    assertThatThrownBy(() -> Credential.bearer(secret))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("blank");
    assertThatThrownBy(() -> Credential.apiKey(secret))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("blank");
  }

  @Test
  void whiteSpaceAroundASecretIsLeftOut() {
    assertThat(Credential.bearer(" sk-1\n").value()).isEqualTo("Bearer sk-1");
    assertThat(Credential.apiKey("sk-1\r\n").value()).isEqualTo("sk-1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"geheim’", "geheim\r\nX-Other: 1", "geheimé"})
  void aHeaderOutsideVisibleAsciiIsRefusedAndNotRepeated(String value) {
    assertThatThrownBy(() -> OllamaClient.builder().header("X-Team", value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("X-Team")
        .hasMessageNotContaining("geheim");
    assertThatThrownBy(() -> OllamaClient.builder().header(value, "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("geheim");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Host", "content-length", "Transfer-Encoding", "Connection", "", "a b"})
  void aHeaderOfTheConnectionsOwnIsRefused(String name) {
    assertThatThrownBy(() -> OllamaClient.builder().header(name, "x"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anApiKeyGoesOutInItsOwnHeader() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of());
        OllamaClient client =
            OllamaClient.builder()
                .baseUrl(upstream.uri().toString())
                .credential(Credential.apiKey("sk-1"))
                .build()) {
      upstream.enqueue(Answer.replay(Recording.of("version")));
      client.version();
      var request = upstream.takeRequest();
      assertThat(request.headerValues("X-Api-Key")).containsExactly("sk-1");
      assertThat(request.header("Authorization")).isEmpty();
    }
  }

  @Test
  void whatTheCredentialsSupplierSaysIsNotRepeated() {
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of());
        OllamaClient client =
            OllamaClient.builder()
                .baseUrl(upstream.uri().toString())
                .credential(
                    () -> {
                      throw new IllegalArgumentException("no key geheim");
                    })
                .build();
        OpenAiClient other =
            OpenAiClient.builder(upstream.uri().toString())
                .credential(
                    () -> {
                      throw new IllegalStateException("no key geheim");
                    })
                .build()) {
      assertThatThrownBy(client::version)
          .isInstanceOf(OllamaException.Malformed.class)
          .hasMessage("the request cannot be made: IllegalArgumentException")
          .hasNoCause();
      assertThatThrownBy(other::models)
          .isInstanceOf(OllamaException.Malformed.class)
          .hasMessage("the request cannot be made: IllegalStateException")
          .hasNoCause();
    }
  }
}
