package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.openai.OpenAiClient;
import io.llmguard.openai.OpenAiModel;
import io.llmguard.openai.OpenAiRequest;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every recording there is: its request made of the typed records, its answer as the type or the
 * failure that it is. A recording that no method of a client can answer fails the test.
 */
@Timeout(30)
class EveryRecordingTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Of APIs that the gateway passes on, and these clients do not speak. */
  private static final Set<String> OTHER_APIS = Set.of("/v1/messages", "/v1/responses");

  /** No client sends these; their answers are read as what an ordinary call got. */
  private static final Set<String> UNSENDABLE =
      Set.of(
          "error-bad-json",
          "error-empty-body",
          "error-method",
          "error-route",
          "openai-error-bad-json",
          "llamacpp-error-bad-json");

  private static final Map<String, Class<? extends OllamaException>> FAILURES =
      Map.ofEntries(
          Map.entry("chat-think-unsupported", OllamaException.CapabilityMissing.class),
          Map.entry("chat-tools-unsupported", OllamaException.CapabilityMissing.class),
          Map.entry("delete-missing", OllamaException.ModelNotFound.class),
          Map.entry("embed", OllamaException.CapabilityMissing.class),
          Map.entry("embeddings-legacy", OllamaException.CapabilityMissing.class),
          Map.entry("error-bad-json", OllamaException.BadRequest.class),
          Map.entry("error-empty-body", OllamaException.BadRequest.class),
          Map.entry("error-method", OllamaException.BadRequest.class),
          Map.entry("error-model-missing", OllamaException.ModelNotFound.class),
          Map.entry("error-route", OllamaException.BadRequest.class),
          Map.entry("llamacpp-error-bad-json", OllamaException.BadRequest.class),
          Map.entry("openai-embeddings", OllamaException.CapabilityMissing.class),
          Map.entry("openai-error-bad-json", OllamaException.BadRequest.class),
          Map.entry("openai-error-model-missing", OllamaException.ModelNotFound.class),
          Map.entry("pull-unreachable", OllamaException.ServerFailed.class));

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final OllamaClient client = OllamaClient.create(upstream.uri().toString());
  private final OpenAiClient other = OpenAiClient.create(upstream.uri().toString());

  @AfterEach
  void close() {
    client.close();
    other.close();
    upstream.close();
  }

  static List<Recording> recordings() {
    return Recording.all().stream().filter(r -> !OTHER_APIS.contains(r.path())).toList();
  }

  @Test
  void allButOtherApisAreTried() {
    Set<String> left = new TreeSet<>();
    Recording.all().forEach(recording -> left.add(recording.name()));
    recordings().forEach(recording -> left.remove(recording.name()));
    assertThat(left)
        .containsExactly(
            "anthropic-error-model-missing",
            "anthropic-messages-once",
            "anthropic-messages-stream",
            "openai-responses-once",
            "openai-responses-stream");
    assertThat(recordings()).extracting(Recording::name).containsAll(FAILURES.keySet());
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void aRecordedAnswerIsItsType(Recording recording) throws Exception {
    upstream.enqueue(Answer.replay(recording));
    boolean sendable = !UNSENDABLE.contains(recording.name());
    String path = sendable ? recording.path() : (recording.name().contains("-error") ? "/v1" : "");
    Fields request = new Fields(sendable ? recording.bodyText() : "");
    Class<? extends OllamaException> failure = FAILURES.get(recording.name());
    if (failure == null) {
      assertWhole(recording, call(path, request));
    } else {
      Throwable thrown = catchThrowable(() -> call(path, request));
      assertThat(thrown).isInstanceOf(failure).hasMessageMatching("(?s).{5,}");
    }
    ReceivedRequest sent = upstream.takeRequest();
    if (sendable) {
      assertThat(request.left()).as("fields without a place in the typed request").isEmpty();
      assertThat(sent.method()).isEqualTo(recording.method());
      assertThat(sent.target()).isEqualTo(recording.path());
      assertThat(plain(tree(sent.bodyText()))).isEqualTo(plain(tree(recording.bodyText())));
    }
  }

  private static void assertWhole(Recording recording, Object answer) throws Exception {
    String body = recording.responseText();
    if (answer instanceof ChatResponse chat) {
      assertThat(chat.done()).isTrue();
      assertThat(chat.text()).isEqualTo(joined(body, "message", "content"));
      assertThat(chat.extra()).isEmpty();
    } else if (answer instanceof GenerateResponse generated) {
      assertThat(generated.done()).isTrue();
      assertThat(generated.text()).isEqualTo(joined(body, "response", ""));
      assertThat(generated.extra()).isEmpty();
    } else if (answer instanceof OpenAiResponse answered) {
      assertThat(answered.done()).isTrue();
      assertThat(answered.text()).isNotEmpty();
      assertThat(answered.finishReason()).isEqualTo("length");
      assertThat(answered.id()).isNotEmpty();
    } else if (answer instanceof ServerStatus status) {
      assertThat(status).isEqualTo(new ServerStatus(false, "none", Map.of()));
    } else if (answer instanceof ListResponse list) {
      assertThat(list.models()).isNotEmpty();
      assertThat(list.extra()).isEmpty();
    } else if (answer instanceof RunningResponse running) {
      assertThat(running.models()).isNotEmpty();
      assertThat(running.extra()).isEmpty();
    } else if (answer instanceof List<?> list) {
      assertThat(list).isNotEmpty();
      assertThat(list.get(0)).isInstanceOfAny(OpenAiModel.class, float[].class);
    } else if (answer instanceof String text) {
      assertThat(body).contains(text);
      assertThat(text).isNotEmpty();
    } else {
      assertThat(answer).isInstanceOfAny(ShowResponse.class, Boolean.class);
    }
  }

  private static String joined(String body, String field, String inside) throws Exception {
    StringBuilder text = new StringBuilder();
    for (String line : body.lines().toList()) {
      JsonNode node = JSON.readTree(line).path(field);
      text.append((inside.isEmpty() ? node : node.path(inside)).asText());
    }
    return text.toString();
  }

  private Object call(String path, Fields in) {
    return switch (path) {
      case "" -> client.chat(ChatRequest.of("m", "hi"));
      case "/v1" -> other.complete(OpenAiRequest.completion("m", "hi"));
      case "/" -> client.greeting();
      case "/api/chat" -> chat(in);
      case "/api/generate" -> generate(in);
      case "/api/embed" -> client.embed(EmbedRequest.of(in.text("model"), in.texts("input")));
      case "/api/embeddings" ->
          client.embeddings(EmbeddingsRequest.builder(in.text("model"), in.text("prompt")).build());
      case "/api/tags" -> client.list();
      case "/api/ps" -> client.running();
      case "/api/version" -> client.version();
      case "/api/status" -> client.status();
      case "/api/show" -> client.show(ShowRequest.of(in.text("model")));
      case "/api/copy" -> {
        client.copy(in.text("source"), in.text("destination"));
        yield true;
      }
      case "/api/delete" -> {
        client.delete(in.text("model"));
        yield true;
      }
      case "/api/pull" ->
          client.pull(PullRequest.builder(in.text("model")).insecure(in.flag("insecure")).build());
      case "/v1/chat/completions", "/v1/completions" -> complete(in);
      case "/v1/embeddings" -> other.embeddings(in.text("model"), List.of(in.texts("input")));
      case "/v1/models" -> other.models();
      default -> throw new AssertionError("no method for " + path);
    };
  }

  private ChatResponse chat(Fields in) {
    ChatRequest.Builder request = ChatRequest.builder(in.text("model"), in.messages());
    if (in.has("options")) {
      request.options(in.options());
    }
    if (in.has("think")) {
      request.think(in.flag("think") ? Think.on() : Think.off());
    }
    if (in.has("tools")) {
      JsonNode tool = in.take("tools").path(0).path("function");
      request.tools(
          List.of(
              new Tool(
                  tool.path("name").asText(),
                  tool.path("description").asText(),
                  JsonSchema.parse(tool.path("parameters").toString()))));
    }
    if (in.streams(true)) {
      try (var stream = client.chatStream(request.build())) {
        return stream.result();
      }
    }
    return client.chat(request.build());
  }

  private GenerateResponse generate(Fields in) {
    GenerateRequest.Builder request = GenerateRequest.builder(in.text("model"));
    if (in.has("prompt")) {
      request.prompt(in.text("prompt"));
    }
    if (in.has("options")) {
      request.options(in.options());
    }
    if (in.has("format")) {
      request.format(Format.schema(JsonSchema.parse(in.take("format").toString())));
    }
    if (in.has("logprobs")) {
      request.logprobs(in.flag("logprobs")).topLogprobs(in.take("top_logprobs").asInt());
    }
    if (in.has("keep_alive")) {
      assertThat(in.take("keep_alive").asInt()).isZero();
      request.keepAlive(KeepAlive.unload());
    }
    if (in.streams(true)) {
      try (var stream = client.generateStream(request.build())) {
        return stream.result();
      }
    }
    return client.generate(request.build());
  }

  private OpenAiResponse complete(Fields in) {
    OpenAiRequest request =
        in.has("prompt")
            ? OpenAiRequest.completion(in.text("model"), in.text("prompt"))
            : OpenAiRequest.chat(in.text("model"), in.messages());
    for (String name : List.of("max_tokens", "max_completion_tokens", "temperature")) {
      if (in.has(name)) {
        request = request.with(name, in.take(name).asInt());
      }
    }
    if (!in.streams(false)) {
      return other.complete(request);
    }
    if (in.has("stream_options")) {
      in.take("stream_options");
    } else {
      request = request.with("stream_options", null);
    }
    try (var stream = other.completeStream(request)) {
      return stream.result();
    }
  }

  private static JsonNode tree(String text) throws Exception {
    return text.isBlank() ? JSON.createObjectNode() : JSON.readTree(text);
  }

  /** Numbers compare by value: 0 and 0.0 are the same JSON number. */
  private static Object plain(JsonNode node) {
    if (node.isObject()) {
      Map<String, Object> map = new TreeMap<>();
      node.properties().forEach(e -> map.put(e.getKey(), plain(e.getValue())));
      return map;
    }
    if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      node.forEach(e -> list.add(plain(e)));
      return list;
    }
    return node.isNumber() ? new BigDecimal(node.asText()).stripTrailingZeros() : node;
  }

  /** A recorded request's fields, each taken once. */
  private static final class Fields {
    private final com.fasterxml.jackson.databind.node.ObjectNode left;

    Fields(String body) throws Exception {
      left = (com.fasterxml.jackson.databind.node.ObjectNode) tree(body);
    }

    List<String> left() {
      List<String> names = new ArrayList<>();
      left.fieldNames().forEachRemaining(names::add);
      return names;
    }

    boolean has(String name) {
      return left.has(name);
    }

    JsonNode take(String name) {
      assertThat(left.has(name)).as(name).isTrue();
      return left.remove(name);
    }

    String text(String name) {
      return take(name).asText();
    }

    boolean flag(String name) {
      return take(name).asBoolean();
    }

    String[] texts(String name) {
      List<String> texts = new ArrayList<>();
      take(name).forEach(text -> texts.add(text.asText()));
      return texts.toArray(new String[0]);
    }

    boolean streams(boolean byDefault) {
      return has("stream") ? flag("stream") : byDefault;
    }

    List<Message> messages() {
      List<Message> messages = new ArrayList<>();
      for (JsonNode message : take("messages")) {
        String content = message.path("content").asText();
        messages.add(
            message.path("role").asText().equals("system")
                ? Message.system(content)
                : Message.user(content));
      }
      return messages;
    }

    Options options() {
      Options.Builder options = Options.builder();
      JsonNode given = take("options");
      for (Iterator<String> names = given.fieldNames(); names.hasNext(); ) {
        String name = names.next();
        int value = given.path(name).asInt();
        switch (name) {
          case "num_predict" -> options.numPredict(value);
          case "seed" -> options.seed(value);
          case "temperature" -> options.temperature(value);
          default -> throw new AssertionError("no option " + name);
        }
      }
      return options.build();
    }
  }
}
