package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * Against a real Ollama, where the environment names one; with the model of {@code
 * LLMGUARD_REAL_OLLAMA_MODEL}, else the first that it has, and behind a guard with the key of
 * {@code LLMGUARD_REAL_OLLAMA_KEY}.
 */
@Tag("real")
@Timeout(300)
@EnabledIfEnvironmentVariable(
    named = "LLMGUARD_REAL_OLLAMA",
    matches = "https?://.+",
    disabledReason = "LLMGUARD_REAL_OLLAMA names no server")
class RealOllamaTest {
  private static final Options SHORT =
      Options.builder().numPredict(20).temperature(0).seed(7).build();

  private final OllamaClient client = client();

  private static OllamaClient client() {
    OllamaClient.Builder builder =
        OllamaClient.builder().baseUrl(System.getenv("LLMGUARD_REAL_OLLAMA"));
    String key = System.getenv("LLMGUARD_REAL_OLLAMA_KEY");
    return (key == null ? builder : builder.credential(Credential.bearer(key))).build();
  }

  @AfterEach
  void close() {
    client.close();
  }

  private String model() {
    String named = System.getenv("LLMGUARD_REAL_OLLAMA_MODEL");
    return named == null ? client.list().models().get(0).name() : named;
  }

  private ChatRequest chat(Options options) {
    return ChatRequest.builder(model(), List.of(Message.user("Tell me a fact about the sea.")))
        .options(options)
        .build();
  }

  @Test
  void theServerSaysWhatItIs() {
    assertThat(client.greeting()).isNotEmpty();
    assertThat(client.version()).matches("\\d+\\..+");
    assertThat(client.list().models()).extracting(LocalModel::name).contains(model());
    ShowResponse shown = client.show(ShowRequest.of(model()));
    assertThat(shown.capabilities()).contains("completion");
    assertThat(shown.details().family()).isNotEmpty();
  }

  @Test
  void aStreamAndAnAnswerAreTheSameText() {
    ChatResponse whole = client.chat(chat(SHORT));
    assertThat(whole.text()).isNotEmpty();
    assertThat(whole.metrics().evalCount()).isBetween(1, 20);
    try (var stream = client.chatStream(chat(SHORT))) {
      assertThat(stream.result().text()).isEqualTo(whole.text());
    }
    assertThat(client.running().models()).extracting(RunningModel::name).contains(model());
    GenerateRequest request =
        GenerateRequest.builder(model()).prompt("Why is the sky blue?").options(SHORT).build();
    GenerateResponse generated = client.generate(request);
    try (var stream = client.generateStream(request)) {
      assertThat(stream.result().text()).isNotEmpty().isEqualTo(generated.text());
    }
  }

  record Colour(String colour) {}

  @Test
  void anAnswerHasTheFormOfItsRecord() {
    ChatRequest request =
        ChatRequest.builder(model(), List.of(Message.user("Name one colour as JSON.")))
            .options(Options.builder().numPredict(60).temperature(0).build())
            .build();
    assertThat(client.chat(request, Colour.class).colour()).isNotEmpty();
  }

  @Test
  void aStreamThatIsLeftDoesNotHoldTheServerUp() {
    for (int i = 0; i < 5; i++) {
      try (var stream = client.chatStream(chat(Options.builder().numPredict(100_000).build()))) {
        assertThat(stream.iterator().hasNext()).isTrue();
      }
    }
    assertThat(client.chatAsync(chat(SHORT))).succeedsWithin(Duration.ofMinutes(2));
  }

  @Test
  void failuresAreTyped() {
    assertThatThrownBy(() -> client.chat(ChatRequest.of("no-such-model-here", "hi")))
        .isInstanceOf(OllamaException.ModelNotFound.class);
    assertThatThrownBy(() -> client.show(ShowRequest.of("no-such-model-here")))
        .isInstanceOf(OllamaException.ModelNotFound.class);
    assertThatThrownBy(() -> client.delete("no-such-model-here"))
        .isInstanceOf(OllamaException.ModelNotFound.class);
    assertThat(client.blobExists("sha256:" + "0".repeat(64))).isFalse();
  }
}
