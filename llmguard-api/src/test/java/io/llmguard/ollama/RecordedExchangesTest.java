package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.DecimalNode;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each recorded exchange: the request as it was sent, the answer as its type. */
class RecordedExchangesTest {
  private static final String MODEL = "gemma3:270m";
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  private ReplayUpstream upstream;
  private OllamaClient client;

  private void serve(String recording) {
    upstream = ReplayUpstream.start(List.of());
    upstream.enqueue(Answer.replay(Recording.of(recording)));
    client = OllamaClient.builder().baseUrl(upstream.uri().toString()).build();
  }

  private void sent(String recording) throws Exception {
    ReceivedRequest request = upstream.takeRequest();
    Recording expected = Recording.of(recording);
    assertThat(request.method()).isEqualTo(expected.method());
    assertThat(request.target()).isEqualTo(expected.path());
    if (expected.body().length == 0) {
      assertThat(request.bodyText()).isEmpty();
    } else {
      assertThat(plain(JSON.readTree(request.bodyText())))
          .isEqualTo(plain(JSON.readTree(expected.bodyText())));
    }
  }

  /** Numbers compare by value: 0 and 0.0 are the same JSON number. */
  private static Object plain(JsonNode node) {
    if (node.isObject()) {
      java.util.Map<String, Object> map = new java.util.TreeMap<>();
      node.properties().forEach(e -> map.put(e.getKey(), plain(e.getValue())));
      return map;
    }
    if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      node.forEach(e -> list.add(plain(e)));
      return list;
    }
    return node.isNumber()
        ? DecimalNode.valueOf(node.decimalValue().stripTrailingZeros()).toString()
        : node;
  }

  @BeforeEach
  void nothingYet() {
    upstream = null;
  }

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private static Options options(int predict) {
    return Options.builder().numPredict(predict).temperature(0).build();
  }

  @Test
  void chatOnce() throws Exception {
    serve("chat-once");
    ChatResponse answer =
        client.chat(
            ChatRequest.builder(MODEL, List.of(Message.user("Tell me a fact about the sea.")))
                .options(options(40))
                .build());
    sent("chat-once");
    assertThat(answer.done()).isTrue();
    assertThat(answer.doneReason()).isEqualTo("length");
    assertThat(answer.text()).startsWith("Tell me a fact about the sea.").endsWith("\n");
    assertThat(answer.createdAt()).isEqualTo(Instant.parse("2026-11-23T02:27:23.342422767Z"));
    assertThat(answer.metrics())
        .isEqualTo(
            new Metrics(
                Duration.ofNanos(3137160248L),
                Duration.ofNanos(141022412),
                17,
                Duration.ofNanos(501904086),
                40,
                Duration.ofNanos(2443749393L)));
    assertThat(answer.extra()).isEmpty();
  }

  @Test
  void chatStream() throws Exception {
    serve("chat-stream");
    ChatRequest request =
        ChatRequest.builder(
                MODEL,
                List.of(
                    Message.system("You are brief."),
                    Message.user("Tell me a fact about the sea.")))
            .options(Options.builder().numPredict(60).seed(7).temperature(0).build())
            .build();
    StringBuilder text = new StringBuilder();
    int chunks = 0;
    try (EventStream<ChatResponse, ChatResponse> stream = client.chatStream(request)) {
      for (ChatResponse chunk : stream) {
        text.append(chunk.text());
        chunks++;
      }
      assertThat(stream.result().text()).isEqualTo(text.toString());
      assertThat(stream.result().metrics().evalCount()).isEqualTo(60);
    }
    sent("chat-stream");
    List<String> lines = Recording.of("chat-stream").responseText().lines().toList();
    StringBuilder expected = new StringBuilder();
    for (String line : lines) {
      expected.append(JSON.readTree(line).path("message").path("content").asText());
    }
    assertThat(chunks).isEqualTo(lines.size());
    assertThat(text).hasToString(expected.toString());
  }

  @Test
  void chatUnicode() throws Exception {
    serve("chat-unicode");
    ChatRequest request =
        ChatRequest.builder(
                MODEL, List.of(Message.user("Écris en français: où est la gare? 日本語で 🚉")))
            .options(options(30))
            .build();
    try (var stream = client.chatStream(request)) {
      assertThat(stream.result().text()).startsWith("Écris en français: où est la gare?");
    }
    sent("chat-unicode");
  }

  @Test
  void generateOnce() throws Exception {
    serve("generate-once");
    GenerateResponse answer =
        client.generate(
            GenerateRequest.builder(MODEL)
                .prompt("Why is the sky blue?")
                .options(Options.builder().numPredict(40).seed(7).temperature(0).build())
                .build());
    sent("generate-once");
    assertThat(answer.metrics().evalCount()).isEqualTo(40);
    assertThat(answer.context()).startsWith(105, 2364, 107).endsWith(506, 7217);
    assertThat(answer.text()).startsWith("Why is the sky blue?");
  }

  @Test
  void generateStream() throws Exception {
    serve("generate-stream");
    GenerateRequest request =
        GenerateRequest.builder(MODEL)
            .prompt("Why is the sky blue?")
            .options(Options.builder().numPredict(40).seed(7).temperature(0).build())
            .build();
    try (var stream = client.generateStream(request)) {
      GenerateResponse whole = stream.result();
      assertThat(whole.text()).startsWith("Why is the sky blue?");
      assertThat(whole.metrics().evalCount()).isEqualTo(40);
      assertThat(whole.context()).isNotEmpty();
    }
    sent("generate-stream");
  }

  /** What the recorded schema asks for. */
  record Colour(String colour) {}

  @Test
  void generateJson() throws Exception {
    serve("generate-json");
    Colour answer =
        client.generate(
            GenerateRequest.builder(MODEL)
                .prompt("Name one colour as JSON")
                .options(options(30))
                .build(),
            Colour.class);
    sent("generate-json");
    assertThat(answer).isEqualTo(new Colour("one-colour"));
  }

  @Test
  void generateLoad() throws Exception {
    serve("generate-load");
    GenerateResponse answer = client.generate(GenerateRequest.load(MODEL));
    // the recording left "stream" out; an answer of one line comes the same way whole
    assertThat(JSON.readTree(upstream.takeRequest().bodyText()))
        .isEqualTo(JSON.readTree("{\"model\":\"gemma3:270m\",\"stream\":false}"));
    assertThat(answer.doneReason()).isEqualTo("load");
    assertThat(answer.metrics()).isEqualTo(Metrics.NONE);
  }

  @Test
  void generateLoadAsStream() throws Exception {
    serve("generate-load");
    try (var stream = client.generateStream(GenerateRequest.load(MODEL))) {
      assertThat(stream.result().doneReason()).isEqualTo("load");
    }
    sent("generate-load");
  }

  @Test
  void generateUnload() throws Exception {
    serve("generate-unload");
    try (var stream = client.generateStream(GenerateRequest.unload(MODEL))) {
      assertThat(stream.result().doneReason()).isEqualTo("unload");
    }
    sent("generate-unload");
  }

  @Test
  void generateLogprobs() throws Exception {
    serve("generate-logprobs");
    GenerateResponse answer =
        client.generate(
            GenerateRequest.builder(MODEL)
                .prompt("One two three")
                .logprobs(true)
                .topLogprobs(2)
                .options(options(3))
                .build());
    sent("generate-logprobs");
    assertThat(answer.logprobs()).hasSize(3);
    Logprob second = answer.logprobs().get(1);
    assertThat(second.token()).isEqualTo(" two");
    assertThat(second.logprob()).isEqualTo(-0.7947953343391418);
    assertThat(second.bytes()).containsExactly(32, 116, 119, 111);
    assertThat(second.topLogprobs()).extracting(Logprob::token).containsExactly(" two", " one");
  }

  @Test
  void thinkUnsupported() throws Exception {
    serve("chat-think-unsupported");
    ChatRequest request =
        ChatRequest.builder(MODEL, List.of(Message.user("hi"))).think(Think.on()).build();
    assertThatThrownBy(() -> client.chat(request))
        .isInstanceOfSatisfying(
            OllamaException.CapabilityMissing.class,
            e -> {
              assertThat(e.capability()).isEqualTo("thinking");
              assertThat(e.status()).isEqualTo(400);
            });
    sent("chat-think-unsupported");
  }

  /** The recorded tool's arguments. */
  record Weather(java.util.Optional<String> city) {}

  @Test
  void toolsUnsupported() throws Exception {
    serve("chat-tools-unsupported");
    JsonSchema parameters =
        JsonSchema.parse("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}");
    ChatRequest request =
        ChatRequest.builder(MODEL, List.of(Message.user("weather?")))
            .tools(List.of(new Tool("weather", "the weather", parameters)))
            .build();
    assertThatThrownBy(() -> client.chat(request))
        .isInstanceOfSatisfying(
            OllamaException.CapabilityMissing.class,
            e -> assertThat(e.capability()).isEqualTo("tools"));
    sent("chat-tools-unsupported");
  }

  @Test
  void embed() throws Exception {
    serve("embed");
    assertThatThrownBy(() -> client.embed(EmbedRequest.of(MODEL, "one", "two")))
        .isInstanceOfSatisfying(
            OllamaException.CapabilityMissing.class,
            e -> assertThat(e.capability()).isEqualTo("embeddings"));
    sent("embed");
  }

  @Test
  void embeddingsLegacy() throws Exception {
    serve("embeddings-legacy");
    assertThatThrownBy(() -> client.embeddings(EmbeddingsRequest.builder(MODEL, "one").build()))
        .isInstanceOf(OllamaException.CapabilityMissing.class);
    sent("embeddings-legacy");
  }

  @Test
  void tags() throws Exception {
    serve("tags");
    List<LocalModel> models = client.list().models();
    sent("tags");
    assertThat(models).hasSize(1);
    LocalModel model = models.get(0);
    assertThat(model.name()).isEqualTo(MODEL);
    assertThat(model.size()).isEqualTo(253113688);
    assertThat(model.modifiedAt()).isEqualTo(Instant.parse("2026-11-23T02:26:33.0928359Z"));
    assertThat(model.details().quantizationLevel()).isEqualTo("Q4_K_M");
    assertThat(model.extra()).isEmpty();
  }

  @Test
  void ps() throws Exception {
    serve("ps");
    RunningModel model = client.running().models().get(0);
    sent("ps");
    assertThat(model.contextLength()).isEqualTo(2048);
    assertThat(model.expiresAt()).isEqualTo(Instant.parse("2026-11-23T02:31:37.991835846Z"));
    assertThat(model.extra()).isEmpty();
  }

  @Test
  void show() throws Exception {
    serve("show");
    ShowResponse model = client.show(ShowRequest.of(MODEL));
    sent("show");
    assertThat(model.capabilities()).contains("completion");
    assertThat(model.modelInfo())
        .containsEntry("gemma3.context_length", 32768L)
        .containsEntry("general.tags", null);
    assertThat(model.tensors()).isNotEmpty().allSatisfy(t -> assertThat(t.shape()).isNotEmpty());
    assertThat(model.extra()).isEmpty();
  }

  @Test
  void version() throws Exception {
    serve("version");
    assertThat(client.version()).isEqualTo("0.0.0");
    sent("version");
  }

  @Test
  void copy() throws Exception {
    serve("copy");
    client.copy(MODEL, "copy-of-gemma");
    sent("copy");
  }

  @Test
  void delete() throws Exception {
    serve("delete");
    client.delete("copy-of-gemma");
    sent("delete");
  }

  @Test
  void deleteMissing() throws Exception {
    serve("delete-missing");
    Recording recorded = Recording.of("delete-missing");
    String model = JSON.readTree(recorded.bodyText()).path("model").asText();
    assertThatThrownBy(() -> client.delete(model))
        .isInstanceOf(OllamaException.ModelNotFound.class)
        .hasMessageContaining("not found");
    sent("delete-missing");
  }

  @Test
  void modelMissing() throws Exception {
    serve("error-model-missing");
    try (var stream = client.chatStream(ChatRequest.of("nope", "hi"))) {
      assertThatThrownBy(stream::result)
          .isInstanceOf(OllamaException.ModelNotFound.class)
          .hasMessageContaining("model 'nope' not found");
    }
    sent("error-model-missing");
  }

  @Test
  void pullUnreachable() throws Exception {
    serve("pull-unreachable");
    List<Progress> seen = new ArrayList<>();
    PullRequest request =
        PullRequest.builder("127.0.0.1:9/library/none:latest").insecure(true).build();
    try (var stream = client.pullStream(request)) {
      assertThatThrownBy(() -> stream.forEach(seen::add))
          .isInstanceOf(OllamaException.ServerFailed.class)
          .hasMessageContaining("connection refused");
    }
    assertThat(seen).containsExactly(new Progress.Step("pulling manifest"));
    sent("pull-unreachable");
  }
}
