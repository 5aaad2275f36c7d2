package io.llmguard.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.OllamaException;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class OpenAiClientTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final OpenAiRequest CHAT =
      OpenAiRequest.chat("gemma3:270m", List.of(Message.user("Tell me a fact about the sea.")))
          .with("max_tokens", 30)
          .with("temperature", 0);

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final OpenAiClient client = OpenAiClient.create(upstream.uri().toString());

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private void sent(String recording) throws Exception {
    Recording expected = Recording.of(recording);
    var request = upstream.takeRequest();
    assertThat(request.target()).isEqualTo(expected.path());
    assertThat(JSON.readTree(request.bodyText())).isEqualTo(JSON.readTree(expected.bodyText()));
  }

  @Test
  void aChatOfLlamaCpp() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("llamacpp-chat-once")));
    OpenAiResponse answer = client.complete(CHAT);
    sent("llamacpp-chat-once");
    assertThat(answer.usage()).isEqualTo(new OpenAiUsage(31, 30));
    assertThat(answer.finishReason()).isEqualTo("length");
    assertThat(answer.text()).startsWith("Tell me a fact about the sea.");
  }

  @Test
  void streamsOfLlamaCppAndOllama() throws Exception {
    for (String name : List.of("llamacpp-chat-stream-usage", "openai-chat-stream-usage")) {
      upstream.enqueue(Answer.replay(Recording.of(name)));
      try (var stream =
          client.completeStream(CHAT.with("max_tokens", name.startsWith("l") ? 30 : 40))) {
        OpenAiResponse answer = stream.result();
        assertThat(answer.text()).startsWith("Tell me a fact about the sea.");
        assertThat(answer.finishReason()).isEqualTo("length");
        assertThat(answer.usage().completionTokens()).isEqualTo(name.startsWith("l") ? 30 : 40);
        assertThat(answer.id()).startsWith("chatcmpl-");
      }
      sent(name);
    }
  }

  @Test
  void completions() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("openai-completions")));
    OpenAiResponse answer =
        client.complete(
            OpenAiRequest.completion("gemma3:270m", "Once upon a time")
                .with("max_tokens", 20)
                .with("temperature", 0));
    sent("openai-completions");
    assertThat(answer.text()).startsWith("Once upon a time");
    upstream.enqueue(Answer.replay(Recording.of("openai-completions-stream")));
    try (var stream = client.completeStream(OpenAiRequest.completion("m", "x"))) {
      assertThat(stream.result().text()).isNotEmpty();
    }
  }

  @Test
  void embeddingsAndModels() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("llamacpp-embeddings")));
    List<float[]> vectors = client.embeddings("gemma3:270m", List.of("one", "two"));
    assertThat(vectors).hasSize(2).allSatisfy(v -> assertThat(v).hasSize(640));
    assertThat(vectors.get(0)[0]).isEqualTo((float) -0.012149312533438206);
    upstream.enqueue(Answer.replay(Recording.of("openai-models")));
    assertThat(client.models()).extracting(OpenAiModel::id).containsExactly("gemma3:270m");
  }

  @Test
  void embeddingsAndModelsAsFutures() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("llamacpp-embeddings")));
    assertThat(
            client.embeddingsAsync("gemma3:270m", List.of("one", "two")).get(10, TimeUnit.SECONDS))
        .hasSize(2);
    upstream.enqueue(Answer.replay(Recording.of("openai-models")));
    assertThat(client.modelsAsync().get(10, TimeUnit.SECONDS))
        .extracting(OpenAiModel::id)
        .containsExactly("gemma3:270m");
    upstream.takeRequest();
    upstream.takeRequest();
    upstream.enqueue(Answer.silence());
    var models = client.modelsAsync();
    ReceivedRequest asked = upstream.takeRequest();
    models.cancel(true);
    asked.cancelled().get(10, TimeUnit.SECONDS);
  }

  @Test
  void errorsAreOfTheSameFamily() {
    upstream.enqueue(Answer.replay(Recording.of("openai-error-model-missing")));
    assertThatThrownBy(() -> client.complete(CHAT))
        .isInstanceOf(OllamaException.ModelNotFound.class)
        .hasMessageContaining("model 'nope' not found");
    upstream.enqueue(Answer.replay(Recording.of("llamacpp-error-bad-json")));
    assertThatThrownBy(() -> client.complete(CHAT)).isInstanceOf(OllamaException.BadRequest.class);
  }

  @Test
  void anEndWithoutDoneIsTruncation() {
    // Ollama's /v1 swallows an error in mid-stream: the stream just ends
    Recording recording = Recording.of("openai-chat-stream-usage");
    upstream.enqueue(
        Answer.stream("text/event-stream").chunk(recording.chunks().get(0)).endChunks());
    try (var stream = client.completeStream(CHAT)) {
      assertThatThrownBy(stream::result)
          .isInstanceOfSatisfying(
              OllamaException.Truncated.class, e -> assertThat(e.partialText()).isEqualTo("Tell"));
    }
  }

  @Test
  void toolCallsComeInPieces() {
    String head = "data: {\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"delta\":{\"tool_calls\":[";
    upstream.enqueue(
        Answer.stream("text/event-stream")
            .chunk(
                head
                    + "{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n")
            .chunk(head + "{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}}]}\n\n")
            .chunk("data: [DONE]\n\n")
            .endChunks());
    try (var stream = client.completeStream(CHAT)) {
      OpenAiResponse answer = stream.result();
      assertThat(answer.toolCalls()).hasSize(1);
      assertThat(answer.toolCalls().get(0).id()).isEqualTo("c1");
      assertThat(answer.toolCalls().get(0).arguments()).isEqualTo(Map.of("a", 1L));
    }
  }
}
