package io.llmguard.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.ollama.Message;
import io.llmguard.ollama.OllamaException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Against a real OpenAI-compatible server, where the environment names one. */
@Tag("real")
@Timeout(120)
@EnabledIfEnvironmentVariable(
    named = "LLMGUARD_REAL_OPENAI",
    matches = "https?://.+",
    disabledReason = "LLMGUARD_REAL_OPENAI names no server")
class RealServerTest {
  private static final OpenAiRequest REQUEST =
      OpenAiRequest.chat("gemma3:270m", List.of(Message.user("Tell me a fact about the sea.")))
          .with("max_tokens", 20)
          .with("temperature", 0);

  private final OpenAiClient client = OpenAiClient.create(System.getenv("LLMGUARD_REAL_OPENAI"));

  @AfterEach
  void close() {
    client.close();
  }

  @Test
  void aStreamAndAnAnswerAreTheSameText() {
    try (var stream = client.completeStream(REQUEST)) {
      OpenAiResponse streamed = stream.result();
      OpenAiResponse whole = client.complete(REQUEST);
      assertThat(streamed.text()).isNotEmpty().isEqualTo(whole.text());
      assertThat(streamed.usage().completionTokens()).isBetween(1, 20);
      assertThat(whole.usage().completionTokens()).isBetween(1, 20);
    }
  }

  @Test
  void aPromptIsCompletedToo() {
    OpenAiRequest request =
        OpenAiRequest.completion("gemma3:270m", "Once upon a time")
            .with("max_tokens", 10)
            .with("temperature", 0);
    OpenAiResponse whole = client.complete(request);
    assertThat(whole.text()).isNotEmpty();
    assertThat(whole.finishReason()).isEqualTo("length");
    try (var stream = client.completeStream(request)) {
      assertThat(stream.result().text()).isEqualTo(whole.text());
    }
  }

  @Test
  void theModelsAreListed() {
    assertThat(client.models()).isNotEmpty().allSatisfy(m -> assertThat(m.id()).isNotEmpty());
  }

  @Test
  @EnabledIfEnvironmentVariable(
      named = "LLMGUARD_REAL_OPENAI_EMBEDDINGS",
      matches = "https?://.+",
      disabledReason = "LLMGUARD_REAL_OPENAI_EMBEDDINGS names no server")
  void textsBecomeVectors() {
    try (OpenAiClient embedding =
        OpenAiClient.create(System.getenv("LLMGUARD_REAL_OPENAI_EMBEDDINGS"))) {
      List<float[]> vectors = embedding.embeddings("gemma3:270m", List.of("one", "two"));
      assertThat(vectors).hasSize(2);
      assertThat(vectors.get(0)).hasSameSizeAs(vectors.get(1)).isNotEqualTo(vectors.get(1));
    }
  }

  @Test
  void aStreamThatIsLeftDoesNotHoldTheServerUp() {
    OpenAiRequest endless = REQUEST.with("max_tokens", 100_000).with("ignore_eos", true);
    for (int i = 0; i < 5; i++) {
      try (var stream = client.completeStream(endless)) {
        assertThat(stream.iterator().hasNext()).isTrue();
      }
    }
    // had they gone on, the slots would be taken
    assertThat(client.completeAsync(REQUEST)).succeedsWithin(Duration.ofMinutes(1));
  }

  @Test
  void aRefusalIsTyped() {
    assertThatThrownBy(() -> client.complete(REQUEST.with("temperature", "hot")))
        .isInstanceOf(OllamaException.class)
        .hasMessageMatching("(?s).{5,}")
        .isNotInstanceOfAny(
            OllamaException.Malformed.class,
            OllamaException.Truncated.class,
            OllamaException.TimedOut.class);
  }
}
