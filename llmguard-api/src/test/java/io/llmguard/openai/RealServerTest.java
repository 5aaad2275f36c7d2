package io.llmguard.openai;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.ollama.Message;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Against a real OpenAI-compatible server, where the environment names one. */
@Tag("real")
@Timeout(120)
@EnabledIfEnvironmentVariable(named = "LLMGUARD_REAL_OPENAI", matches = "https?://.+")
class RealServerTest {
  private static final OpenAiRequest REQUEST =
      OpenAiRequest.chat("gemma3:270m", List.of(Message.user("Tell me a fact about the sea.")))
          .with("max_tokens", 20)
          .with("temperature", 0);

  @Test
  void aStreamAndAnAnswerAreTheSameText() {
    try (OpenAiClient client = OpenAiClient.create(System.getenv("LLMGUARD_REAL_OPENAI"));
        var stream = client.completeStream(REQUEST)) {
      OpenAiResponse streamed = stream.result();
      OpenAiResponse whole = client.complete(REQUEST);
      assertThat(streamed.text()).isNotEmpty().isEqualTo(whole.text());
      assertThat(streamed.usage().completionTokens()).isBetween(1, 20);
    }
  }

  @Test
  void theModelsAreListed() {
    try (OpenAiClient client = OpenAiClient.create(System.getenv("LLMGUARD_REAL_OPENAI"))) {
      assertThat(client.models()).isNotEmpty();
    }
  }
}
