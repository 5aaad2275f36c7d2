package io.llmguard.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.ollama.Credential;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.ToolCall;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.URI;
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
    assertThat(answer.usage())
        .extracting(
            OpenAiUsage::promptTokens, OpenAiUsage::completionTokens, OpenAiUsage::totalTokens)
        .containsExactly(31, 30, 61);
    assertThat(answer.finishReason()).isEqualTo("length");
    assertThat(answer.text()).startsWith("Tell me a fact about the sea.");
  }

  @Test
  void theUrlMayHoldTheVersionOrNot() {
    Map.of("/v1", "", "/v1/", "", "/llm/v1", "/llm", "/llm/", "/llm", "/v10", "/v10")
        .forEach(
            (path, before) -> {
              upstream.enqueue(Answer.replay(Recording.of("openai-models")));
              try (OpenAiClient other = OpenAiClient.create(upstream.uri() + path)) {
                assertThat(other.models()).isNotEmpty();
              }
              assertThat(upstream.requests().get(upstream.requests().size() - 1).target())
                  .isEqualTo(before + "/v1/models");
            });
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

  private static Answer events(String... data) {
    Answer answer = Answer.stream("text/event-stream");
    for (String event : data) {
      answer = answer.chunk("data: " + event + "\n\n");
    }
    return answer.endChunks();
  }

  private static String piece(String delta) {
    return "{\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" + delta + "}]}";
  }

  @Test
  void onlyDoneEndsAStream() {
    for (String other : List.of("[1,2]", "[DONE", "[DONE]]", "[done]")) {
      upstream.enqueue(events(piece("{\"content\":\"x\"}"), other, "[DONE]"));
      try (var stream = client.completeStream(CHAT)) {
        assertThatThrownBy(stream::result)
            .as(other)
            .isInstanceOfSatisfying(
                OllamaException.Malformed.class, e -> assertThat(e.partialText()).isEqualTo("x"));
      }
    }
  }

  @Test
  void theEndIsAnEventLikeTheOthers() {
    upstream.enqueue(events(piece("{\"content\":\"x\"}"), "[DONE]"));
    try (var stream = client.completeStream(CHAT)) {
      List<OpenAiResponse> seen = stream.stream().toList();
      assertThat(seen).extracting(OpenAiResponse::id).containsExactly("1", "1");
      assertThat(seen).extracting(OpenAiResponse::model).containsExactly("m", "m");
      assertThat(seen).extracting(OpenAiResponse::done).containsExactly(false, true);
      assertThat(seen).extracting(OpenAiResponse::text).containsExactly("x", "");
      assertThat(stream.result().done()).isTrue();
    }
  }

  @Test
  void thinkingHasTwoNames() {
    // Ollama's and vLLM's, and the one of LocalAI and llama.cpp
    for (String name : List.of("reasoning", "reasoning_content")) {
      String part = "{\"content\":\"x\",\"" + name + "\":\"hm\"}";
      upstream.enqueue(events(piece(part), piece(part), "[DONE]"));
      try (var stream = client.completeStream(CHAT)) {
        assertThat(stream.result().reasoning()).as(name).isEqualTo("hmhm");
      }
      upstream.enqueue(
          Answer.plain("application/json", "{\"choices\":[{\"message\":" + part + "}]}"));
      assertThat(client.complete(CHAT).reasoning()).as(name).isEqualTo("hm");
    }
  }

  @Test
  void unknownFieldsAreKeptAtEveryLevel() {
    String message =
        "{\"role\":\"assistant\",\"content\":\"x\",\"m\":1,\"tool_calls\":[{\"id\":\"c\",\"type\":"
            + "\"function\",\"t\":2,\"function\":{\"name\":\"f\",\"arguments\":\"{}\",\"u\":3}}]}";
    String body =
        "{\"id\":\"1\",\"object\":\"o\",\"model\":\"m\",\"r\":4,\"choices\":[{\"index\":0,\"c\":5,\"%s\":"
            + message
            + "},{\"index\":1,\"d\":6}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
            + "\"total_tokens\":3,\"w\":7}}";
    upstream.enqueue(Answer.plain("application/json", body.formatted("message")));
    OpenAiResponse whole = client.complete(CHAT);
    upstream.enqueue(events(body.formatted("delta"), "[DONE]"));
    try (var stream = client.completeStream(CHAT)) {
      OpenAiResponse streamed = stream.result();
      for (OpenAiResponse answer : List.of(whole, streamed)) {
        assertThat(answer.toolCalls())
            .containsExactly(
                new ToolCall("c", 0, "f", Map.of(), Map.of("t", 2L, "function", Map.of("u", 3L))));
        assertThat(answer.usage()).isEqualTo(new OpenAiUsage(1, 2, 3, Map.of("w", 7L)));
        assertThat(answer.toString()).doesNotContain("\"x\"");
      }
      assertThat(whole.extra()).isEqualTo(left("message"));
      assertThat(streamed.extra()).isEqualTo(left("delta"));
    }
    upstream.enqueue(
        Answer.plain(
            "application/json", "{\"data\":[{\"id\":\"m\",\"object\":\"model\",\"z\":8}]}"));
    assertThat(client.models())
        .containsExactly(new OpenAiModel("m", java.time.Instant.EPOCH, "", Map.of("z", 8L)));
  }

  private static Map<String, Object> left(String part) {
    return Map.of(
        "r",
        4L,
        "choices",
        List.of(Map.of("c", 5L, part, Map.of("m", 1L)), Map.of("index", 1L, "d", 6L)));
  }

  @Test
  void aToolCallGoesBackWithAllThatCameWithIt() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("llamacpp-chat-once")));
    ToolCall call =
        new ToolCall("c", 0, "f", Map.of("a", 1), Map.of("t", 2, "function", Map.of("u", 3)));
    client.complete(
        OpenAiRequest.chat(
            "m",
            List.of(
                new Message("assistant", "", null, List.of(), List.of(call), null, null, Map.of()),
                Message.tool(call, "r"))));
    assertThat(JSON.readTree(upstream.takeRequest().bodyText()).path("messages"))
        .isEqualTo(
            JSON.readTree(
                """
                [{"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","t":2,
                  "function":{"name":"f","arguments":"{\\"a\\":1}","u":3}}]},
                 {"role":"tool","content":"r","tool_call_id":"c"}]
                """));
  }

  @Test
  void anErrorInTheMiddleBringsTheTextSoFar() {
    for (String frame : List.of("data: ", "")) {
      upstream.enqueue(
          Answer.stream("text/event-stream")
              .chunk("data: " + piece("{\"content\":\"half\"}") + "\n\n")
              .chunk(frame + "{\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n")
              .endChunks());
      try (var stream = client.completeStream(CHAT)) {
        assertThatThrownBy(stream::result)
            .hasMessage("out of memory")
            .isInstanceOfSatisfying(
                OllamaException.ServerFailed.class,
                e -> assertThat(e.partialText()).isEqualTo("half"));
      }
    }
  }

  @Test
  void theBuilderTakesWhatTheOtherClientsTakes() throws Exception {
    for (String url : List.of("ftp://x", "localhost:8080", "http://u:p@h", "http://h?q", "")) {
      assertThatThrownBy(() -> OpenAiClient.builder(url))
          .as(url)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageNotContaining("u:p");
    }
    int dead;
    try (ServerSocket socket = new ServerSocket(0)) {
      dead = socket.getLocalPort();
    }
    try (OpenAiClient rich =
        OpenAiClient.builder("http://127.0.0.1:" + dead)
            .baseUrls(List.of(URI.create("http://127.0.0.1:" + dead), upstream.uri()))
            .credential(Credential.apiKey("sk-1"))
            .header("X-Team", "blue")
            .maxResponse(1024)
            .build()) {
      upstream.enqueue(Answer.replay(Recording.of("openai-models")));
      assertThat(rich.models()).hasSize(1);
      ReceivedRequest request = upstream.takeRequest();
      assertThat(request.header("X-Api-Key")).contains("sk-1");
      assertThat(request.header("X-Team")).contains("blue");
      upstream.enqueue(Answer.plain("application/json", "{\"data\":[]," + " ".repeat(2000) + "}"));
      assertThatThrownBy(rich::models).isInstanceOf(OllamaException.Malformed.class);
      assertThatThrownBy(() -> OpenAiClient.builder("http://h").header("Host", "x"))
          .isInstanceOf(IllegalArgumentException.class);
    }
    try (OpenAiClient far =
        OpenAiClient.builder("http://llama.example")
            .proxy(
                ProxySelector.of(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), upstream.port())))
            .build()) {
      upstream.enqueue(Answer.replay(Recording.of("openai-models")));
      assertThat(far.models()).hasSize(1);
      upstream.takeRequest();
      assertThat(upstream.takeRequest().target()).isEqualTo("http://llama.example/v1/models");
    }
  }
}
