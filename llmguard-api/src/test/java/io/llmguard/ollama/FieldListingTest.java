package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every field of Ollama's requests and responses has its place in a record, and gets there. */
@Timeout(30)
class FieldListingTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, Set<String>> LISTED = listed();

  /** Components that hold more than one field, or another one than their name says. */
  private static final Map<String, List<String>> RENAMED =
      Map.of(
          "debugRenderOnly", List.of("_debug_render_only"),
          "cloudDisabled", List.of("disabled"),
          "cloudSource", List.of("source"),
          "metrics",
              List.of(
                  "total_duration",
                  "load_duration",
                  "prompt_eval_count",
                  "prompt_eval_duration",
                  "eval_count",
                  "eval_duration"));

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final OllamaClient client = OllamaClient.create(upstream.uri().toString());

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private static Map<String, Set<String>> listed() {
    Map<String, Set<String>> listed = new TreeMap<>();
    try (InputStream in = FieldListingTest.class.getResourceAsStream("/ollama/api-fields.txt")) {
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .forEach(
              line -> {
                String[] parts = line.split(": ", 2);
                Set<String> names = new TreeSet<>(Arrays.asList(parts[1].split(" ")));
                names.removeIf(name -> name.startsWith("("));
                listed.put(parts[0], names);
              });
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return listed;
  }

  private static String snake(String component) {
    return component.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
  }

  private static Set<String> fields(Class<?> type) {
    Set<String> names = new TreeSet<>();
    for (RecordComponent component : type.getRecordComponents()) {
      names.addAll(RENAMED.getOrDefault(component.getName(), List.of(snake(component.getName()))));
    }
    names.remove("extra");
    return names;
  }

  static Stream<Class<?>> records() {
    return Stream.of(
        ChatRequest.class,
        GenerateRequest.class,
        EmbedRequest.class,
        EmbeddingsRequest.class,
        CreateRequest.class,
        ShowRequest.class,
        PullRequest.class,
        PushRequest.class,
        Message.class,
        ToolCall.class,
        Logprob.class,
        ChatResponse.class,
        GenerateResponse.class,
        DebugInfo.class,
        EmbedResponse.class,
        EmbeddingsResponse.class,
        ShowResponse.class,
        ModelDetails.class,
        Tensor.class,
        ListResponse.class,
        LocalModel.class,
        RunningResponse.class,
        RunningModel.class,
        ServerStatus.class,
        ServerVersion.class);
  }

  @ParameterizedTest
  @MethodSource("records")
  void aRecordHasThePlacesThatTheListNamesAndNoOther(Class<?> type) {
    Set<String> expected = new TreeSet<>(LISTED.get(type.getSimpleName()));
    // chosen by the method that is called, and read from extra
    expected.remove("stream");
    expected.remove("_debug_info");
    assertThat(fields(type)).isEqualTo(expected);
    assertThat(type.getRecordComponents()).extracting(RecordComponent::getName).contains("extra");
  }

  @Test
  void theListHoldsNothingThatIsNotLookedAt() {
    Set<String> looked = new TreeSet<>(List.of("Options", "Progress"));
    records().forEach(type -> looked.add(type.getSimpleName()));
    assertThat(LISTED.keySet()).isEqualTo(looked);
    assertThat(fields(Progress.Transfer.class)).isEqualTo(LISTED.get("Progress"));
  }

  @Test
  void everyOptionHasAMethodThatSetsIt() throws Exception {
    Set<String> set = new TreeSet<>();
    for (Method method : Options.Builder.class.getDeclaredMethods()) {
      Class<?>[] types = method.getParameterTypes();
      if (types.length != 1) {
        continue;
      }
      Object value =
          Map.<Class<?>, Object>of(
                  int.class, 7, double.class, 0.5, boolean.class, true, String[].class, "x")
              .get(types[0]);
      Options.Builder builder = Options.builder();
      Object argument = types[0].isArray() ? new String[] {"x"} : value;
      method.invoke(builder, new Object[] {argument});
      Object expected = types[0].isArray() ? List.of("x") : value;
      assertThat(builder.build().values()).isEqualTo(Map.of(snake(method.getName()), expected));
      set.add(snake(method.getName()));
    }
    assertThat(set).isEqualTo(LISTED.get("Options"));
  }

  // ---- requests

  private static final Options OPTIONS = Options.builder().seed(1).build();
  private static final Map<String, Object> MORE = Map.of("more", 1);
  private static final ToolCall CALL =
      new ToolCall(
          "c", 2, "f", Map.of("a", 1), Map.of("type", "function", "function", Map.of("u", 3)));
  private static final Message MESSAGE =
      new Message(
          "assistant",
          "x",
          "hm",
          List.of(Image.of(new byte[] {1, 2, 3})),
          List.of(CALL),
          "f",
          "c",
          Map.of("mood", "good"));
  private static final String MESSAGE_JSON =
      """
      {"role":"assistant","content":"x","thinking":"hm","images":["AQID"],"tool_calls":[
        {"id":"c","type":"function","function":{"index":2,"name":"f","arguments":{"a":1},"u":3}}],
       "tool_name":"f","tool_call_id":"c","mood":"good"}\
      """;

  private static Arguments request(
      Record request, BiConsumer<OllamaClient, Record> call, String json) {
    return Arguments.of(request, call, json);
  }

  static Stream<Arguments> requests() {
    Tool tool = new Tool("f", "does", new JsonSchema(Map.of("type", "object")));
    String toolJson =
        "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"does\","
            + "\"parameters\":{\"type\":\"object\"}}}";
    return Stream.of(
        request(
            ChatRequest.builder("m", List.of(MESSAGE))
                .tools(List.of(tool))
                .format(Format.json())
                .keepAlive(KeepAlive.of(Duration.ofMinutes(1)))
                .options(OPTIONS)
                .think(Think.on())
                .truncate(false)
                .shift(true)
                .logprobs(true)
                .topLogprobs(2)
                .debugRenderOnly(true)
                .extra(MORE)
                .build(),
            (client, r) -> client.chat((ChatRequest) r),
            "{\"model\":\"m\",\"messages\":["
                + MESSAGE_JSON
                + "],\"stream\":false,\"tools\":["
                + toolJson
                + "],\"format\":\"json\",\"keep_alive\":60,\"options\":{\"seed\":1},\"think\":true,"
                + "\"truncate\":false,\"shift\":true,\"logprobs\":true,\"top_logprobs\":2,"
                + "\"_debug_render_only\":true,\"more\":1}"),
        request(
            GenerateRequest.builder("m")
                .prompt("p")
                .suffix("s")
                .system("y")
                .template("t")
                .context(List.of(1, 2))
                .raw(true)
                .images(List.of(Image.of(new byte[] {1, 2, 3})))
                .format(Format.schema(new JsonSchema(Map.of("type", "object"))))
                .keepAlive(KeepAlive.forever())
                .options(OPTIONS)
                .think(Think.max())
                .truncate(true)
                .shift(false)
                .logprobs(true)
                .topLogprobs(3)
                .debugRenderOnly(true)
                .extra(MORE)
                .build(),
            (client, r) -> client.generate((GenerateRequest) r),
            """
            {"model":"m","prompt":"p","suffix":"s","system":"y","template":"t","context":[1,2],
             "stream":false,"raw":true,"images":["AQID"],"format":{"type":"object"},"keep_alive":-1,
             "options":{"seed":1},"think":"max","truncate":true,"shift":false,"logprobs":true,
             "top_logprobs":3,"_debug_render_only":true,"more":1}
            """),
        request(
            EmbedRequest.builder("m", List.of("a", "b"))
                .truncate(false)
                .dimensions(8)
                .keepAlive(KeepAlive.unload())
                .options(OPTIONS)
                .extra(MORE)
                .build(),
            (client, r) -> client.embed((EmbedRequest) r),
            """
            {"model":"m","input":["a","b"],"truncate":false,"dimensions":8,"keep_alive":0,
             "options":{"seed":1},"more":1}
            """),
        request(
            EmbeddingsRequest.builder("m", "a")
                .keepAlive(KeepAlive.of(Duration.ofMillis(1500)))
                .options(OPTIONS)
                .extra(MORE)
                .build(),
            (client, r) -> client.embeddings((EmbeddingsRequest) r),
            """
            {"model":"m","prompt":"a","keep_alive":"1500000000ns","options":{"seed":1},"more":1}
            """),
        request(
            CreateRequest.builder("m")
                .from("b")
                .files(Map.of("f.gguf", "sha256:1"))
                .draftFiles(Map.of("d.gguf", "sha256:2"))
                .adapters(Map.of("a.gguf", "sha256:3"))
                .template("t")
                .license(List.of("l"))
                .system("y")
                .parameters(OPTIONS)
                .messages(List.of(MESSAGE))
                .quantize("q4_K_M")
                .draftQuantize("q8_0")
                .remoteHost("https://h")
                .renderer("r")
                .parser("p")
                .requires("0.30.0")
                .info(Map.of("i", 1))
                .extra(MORE)
                .build(),
            (client, r) -> client.create((CreateRequest) r),
            "{\"model\":\"m\",\"from\":\"b\",\"files\":{\"f.gguf\":\"sha256:1\"},"
                + "\"draft_files\":{\"d.gguf\":\"sha256:2\"},\"adapters\":{\"a.gguf\":\"sha256:3\"},"
                + "\"template\":\"t\",\"license\":[\"l\"],\"system\":\"y\",\"parameters\":{\"seed\":1},"
                + "\"messages\":["
                + MESSAGE_JSON
                + "],\"quantize\":\"q4_K_M\",\"draft_quantize\":\"q8_0\",\"remote_host\":\"https://h\","
                + "\"renderer\":\"r\",\"parser\":\"p\",\"requires\":\"0.30.0\",\"info\":{\"i\":1},\"more\":1}"),
        request(
            ShowRequest.builder("m")
                .verbose(true)
                .system("y")
                .template("t")
                .options(OPTIONS)
                .extra(MORE)
                .build(),
            (client, r) -> client.show((ShowRequest) r),
            """
            {"model":"m","verbose":true,"system":"y","template":"t","options":{"seed":1},"more":1}
            """),
        request(
            PullRequest.builder("m").insecure(true).extra(MORE).build(),
            (client, r) -> client.pull((PullRequest) r),
            "{\"model\":\"m\",\"insecure\":true,\"more\":1}"),
        request(
            PushRequest.builder("m").insecure(true).extra(MORE).build(),
            (client, r) -> client.push((PushRequest) r),
            "{\"model\":\"m\",\"insecure\":true,\"more\":1}"));
  }

  @ParameterizedTest
  @MethodSource("requests")
  void everyFieldOfARequestGoesOut(
      Record request, BiConsumer<OllamaClient, Record> call, String json) throws Exception {
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"done\":true,\"status\":\"success\",\"embeddings\":[],\"embedding\":[],\"details\":{}}"));
    call.accept(client, request);
    JsonNode sent = JSON.readTree(upstream.takeRequest().bodyText());
    assertThat(sent).isEqualTo(JSON.readTree(json));
    Set<String> names = new TreeSet<>();
    sent.fieldNames().forEachRemaining(names::add);
    assertThat(names.remove("more")).isTrue();
    // where streaming is asked for, as it is by default, nothing says so
    names.add("stream");
    Set<String> expected = new TreeSet<>(LISTED.get(request.getClass().getSimpleName()));
    expected.add("stream");
    assertThat(names).isEqualTo(expected);
    assertFilled(request);
  }

  private static Object value(Record record, RecordComponent component) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("a component of a public record", e);
    }
  }

  private static void assertFilled(Record record) {
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      Object value = value(record, component);
      boolean empty =
          value == null
              || value.equals("")
              || value.equals(0)
              || value.equals(0L)
              || value.equals(0.0)
              || (value instanceof Collection<?> c && c.isEmpty())
              || (value instanceof Map<?, ?> m && m.isEmpty());
      assertThat(empty)
          .as("%s.%s is empty", record.getClass().getSimpleName(), component.getName())
          .isFalse();
    }
  }

  // ---- responses

  /** A JSON value for each field, by its name, and an unknown one beside them. */
  private static ObjectNode filled(String type) {
    ObjectNode object = JSON.createObjectNode();
    for (String name : LISTED.get(type)) {
      object.set(name, value(type, name));
    }
    object.put("unknown_" + type, 1);
    return object;
  }

  private static JsonNode value(String type, String name) {
    return switch (name) {
      case "message" -> message();
      case "messages" -> JSON.createArrayNode().add(messageWithImages());
      case "tool_calls" -> JSON.createArrayNode().add(toolCall());
      case "logprobs" -> JSON.createArrayNode().add(logprob());
      case "top_logprobs" -> JSON.createArrayNode().add(token());
      case "details" -> filled("ModelDetails");
      case "tensors" -> JSON.createArrayNode().add(filled("Tensor"));
      case "_debug_info" -> filled("DebugInfo");
      case "embeddings" -> JSON.createArrayNode().add(numbers());
      case "embedding", "context", "shape", "bytes" -> numbers();
      case "families", "capabilities" -> JSON.createArrayNode().add(name);
      case "model_info", "projector_info", "arguments" -> JSON.createObjectNode().put("k", 1);
      case "created_at", "modified_at", "expires_at" ->
          JSON.getNodeFactory().textNode("2026-01-02T03:04:05Z");
      case "done", "disabled" -> JSON.getNodeFactory().booleanNode(true);
      case "logprob" -> JSON.getNodeFactory().numberNode(-0.5);
      case "images" -> JSON.createArrayNode().add("AQID");
      case "status" -> JSON.getNodeFactory().textNode("pulling");
      default ->
          name.matches(".*(_duration|_count|_length|size|size_vram|total|completed|index)")
                  && !name.equals("parameter_size")
              ? JSON.getNodeFactory().numberNode(7)
              : JSON.getNodeFactory().textNode(type + " " + name);
    };
  }

  private static ArrayNode numbers() {
    return JSON.createArrayNode().add(1).add(2);
  }

  private static ObjectNode message() {
    ObjectNode message = messageWithImages();
    // answers bring none
    message.remove("images");
    return message;
  }

  private static ObjectNode messageWithImages() {
    return filled("Message");
  }

  private static ObjectNode toolCall() {
    ObjectNode function = filled("ToolCall");
    ObjectNode call = JSON.createObjectNode().put("unknown_call", 1);
    call.set("id", function.remove("id"));
    call.set("function", function);
    return call;
  }

  private static ObjectNode logprob() {
    return filled("Logprob");
  }

  private static ObjectNode token() {
    ObjectNode token = JSON.createObjectNode();
    for (String name : List.of("token", "logprob", "bytes")) {
      token.set(name, value("Logprob", name));
    }
    return token.put("unknown_Logprob", 1);
  }

  private static Map<String, Object> unknown(String type) {
    return Map.of("unknown_" + type, 1L);
  }

  /** Adds the unknown fields of a JSON value, at every level, each as often as it stands there. */
  private static void unknown(JsonNode value, List<String> names) {
    value
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (name.startsWith("unknown_")) {
                names.add(name);
              }
            });
    value.forEach(inside -> unknown(inside, names));
  }

  /** The same of what was read, and which records that went through. */
  private static void unknown(@Nullable Object value, List<String> names, Set<Class<?>> seen) {
    if (value instanceof Record record) {
      seen.add(record.getClass());
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        unknown(value(record, component), names, seen);
      }
    } else if (value instanceof Map<?, ?> map) {
      map.forEach(
          (name, inside) -> {
            if (String.valueOf(name).startsWith("unknown_")) {
              names.add(String.valueOf(name));
            }
            unknown(inside, names, seen);
          });
    } else if (value instanceof Collection<?> list) {
      list.forEach(inside -> unknown(inside, names, seen));
    }
  }

  /** The records that a type holds, itself among them. */
  private static void records(Type type, Set<Class<?>> found) {
    if (type instanceof ParameterizedType generic) {
      for (Type argument : generic.getActualTypeArguments()) {
        records(argument, found);
      }
    } else if (type instanceof Class<?> plain && plain.isRecord() && found.add(plain)) {
      for (RecordComponent component : plain.getRecordComponents()) {
        records(component.getGenericType(), found);
      }
    } else if (type instanceof Class<?> family && family.isSealed()) {
      for (Class<?> member : family.getPermittedSubclasses()) {
        records(member, found);
      }
    }
  }

  private Object answered(JsonNode json, Function<OllamaClient, Object> call) {
    upstream.enqueue(Answer.plain("application/json", json + "\n"));
    return call.apply(client);
  }

  private static JsonNode models(String envelope, String model) {
    ObjectNode models = JSON.createObjectNode().put("unknown_" + envelope, 1);
    models.putArray("models").add(filled(model)).add(filled(model));
    return models;
  }

  @Test
  void nothingNewIsLostAtAnyLevelOfAnyAnswer() {
    ObjectNode status = JSON.createObjectNode().put("unknown_top", 1);
    status.set("cloud", filled("ServerStatus"));
    ObjectNode success = JSON.createObjectNode().put("status", "success").put("unknown_end", 1);
    ObjectNode step = JSON.createObjectNode().put("status", "verifying").put("unknown_step", 1);
    Map<JsonNode, Function<OllamaClient, Object>> calls = new LinkedHashMap<>();
    calls.put(filled("ChatResponse"), c -> c.chat(ChatRequest.of("m", "x")));
    calls.put(filled("GenerateResponse"), c -> c.generate(GenerateRequest.of("m", "x")));
    calls.put(filled("EmbedResponse"), c -> c.embed(EmbedRequest.of("m", "x")));
    calls.put(
        filled("EmbeddingsResponse"),
        c -> c.embeddings(EmbeddingsRequest.builder("m", "x").build()));
    calls.put(filled("ShowResponse"), c -> c.show(ShowRequest.of("m")));
    calls.put(models("ListResponse", "LocalModel"), OllamaClient::list);
    calls.put(models("RunningResponse", "RunningModel"), OllamaClient::running);
    calls.put(filled("ServerVersion"), OllamaClient::serverVersion);
    calls.put(status, OllamaClient::status);
    calls.put(success, c -> c.pull(PullRequest.of("m")));
    calls.put(step, c -> c.pullStream(PullRequest.of("m")).iterator().next());
    calls.put(filled("Progress"), c -> c.pushStream(PushRequest.of("m")).iterator().next());

    Set<Class<?>> seen = new HashSet<>();
    calls.forEach(
        (json, call) -> {
          List<String> sent = new ArrayList<>();
          unknown(json, sent);
          List<String> kept = new ArrayList<>();
          Object answer = answered(json, call);
          unknown(answer, kept, seen);
          if (answer instanceof ChatResponse chat) {
            unknown(chat.debugInfo(), new ArrayList<>(), seen);
          }
          assertThat(sent).isNotEmpty();
          assertThat(kept).as("of %s", json).containsExactlyInAnyOrderElementsOf(sent);
        });

    Set<Class<?>> all = new HashSet<>(Set.of(DebugInfo.class));
    for (Method method : OllamaClient.class.getMethods()) {
      records(method.getGenericReturnType(), all);
    }
    assertThat(seen).isEqualTo(all);
  }

  private void answers(Object json) {
    upstream.enqueue(Answer.plain("application/json", json.toString()));
  }

  private static void assertKept(Message message) {
    assertThat(message.extra()).isEqualTo(unknown("Message"));
    assertKept(message.toolCalls());
    Map<String, Object> without = new LinkedHashMap<>();
    for (RecordComponent component : Message.class.getRecordComponents()) {
      without.put(component.getName(), value(message, component));
    }
    without.remove("images");
    assertThat(without.values()).doesNotContainNull().doesNotContain("", List.of());
  }

  private static void assertKept(List<ToolCall> calls) {
    assertThat(calls).hasSize(1);
    assertFilled(calls.get(0));
    assertThat(calls.get(0).extra())
        .isEqualTo(Map.of("unknown_call", 1L, "function", unknown("ToolCall")));
  }

  private static void assertLogprobs(List<Logprob> logprobs) {
    assertThat(logprobs).hasSize(1);
    assertFilled(logprobs.get(0));
  }

  private static void assertMetrics(Metrics metrics) {
    Duration seven = Duration.ofNanos(7);
    assertThat(metrics).isEqualTo(new Metrics(seven, seven, 7, seven, 7, seven));
  }

  private static void assertDebug(DebugInfo info) {
    assertFilled(info);
  }

  @Test
  void everyFieldOfAChatIsRead() {
    answers(filled("ChatResponse"));
    ChatResponse whole = client.chat(ChatRequest.of("m", "hi"));
    upstream.enqueue(Answer.plain("application/x-ndjson", filled("ChatResponse") + "\n"));
    List<ChatResponse> all = new ArrayList<>(List.of(whole));
    try (var stream = client.chatStream(ChatRequest.of("m", "hi"))) {
      stream.forEach(all::add);
      all.add(stream.result());
    }
    assertThat(all).hasSize(3);
    for (ChatResponse answer : all) {
      assertFilled(answer);
      assertKept(answer.message());
      assertLogprobs(answer.logprobs());
      assertMetrics(answer.metrics());
      assertDebug(answer.debugInfo());
      assertThat(answer.extra()).containsEntry("unknown_ChatResponse", 1L).hasSize(2);
    }
  }

  @Test
  void everyFieldOfAGenerationIsRead() {
    answers(filled("GenerateResponse"));
    GenerateResponse whole = client.generate(GenerateRequest.of("m", "hi"));
    upstream.enqueue(Answer.plain("application/x-ndjson", filled("GenerateResponse") + "\n"));
    List<GenerateResponse> all = new ArrayList<>(List.of(whole));
    try (var stream = client.generateStream(GenerateRequest.of("m", "hi"))) {
      stream.forEach(all::add);
      all.add(stream.result());
    }
    assertThat(all).hasSize(3);
    for (GenerateResponse answer : all) {
      assertFilled(answer);
      assertKept(answer.toolCalls());
      assertLogprobs(answer.logprobs());
      assertMetrics(answer.metrics());
      assertDebug(answer.debugInfo());
      assertThat(answer.extra()).containsEntry("unknown_GenerateResponse", 1L).hasSize(2);
    }
  }

  @Test
  void everyFieldOfTheOtherAnswersIsRead() {
    answers(filled("EmbedResponse"));
    EmbedResponse embed = client.embed(EmbedRequest.of("m", "x"));
    assertFilled(embed);

    answers(filled("EmbeddingsResponse"));
    EmbeddingsResponse embeddings = client.embeddings(EmbeddingsRequest.builder("m", "x").build());
    assertFilled(embeddings);

    answers(filled("ShowResponse"));
    ShowResponse show = client.show(ShowRequest.of("m"));
    assertFilled(show);
    assertFilled(show.details());
    assertFilled(show.tensors().get(0));
    assertKept(show.messages().get(0));
    assertThat(show.messages().get(0).images()).containsExactly(Image.of(new byte[] {1, 2, 3}));

    answers("{\"models\":[" + filled("LocalModel") + "]}");
    LocalModel local = client.list().models().get(0);
    assertFilled(local);

    answers("{\"models\":[" + filled("RunningModel") + "]}");
    RunningModel running = client.running().models().get(0);
    assertFilled(running);

    answers(filled("ServerVersion"));
    assertThat(client.serverVersion())
        .isEqualTo(new ServerVersion("ServerVersion version", unknown("ServerVersion")));
    answers(filled("ServerVersion"));
    assertThat(client.version()).isEqualTo("ServerVersion version");

    answers("{\"cloud\":" + filled("ServerStatus") + ",\"unknown_top\":1}");
    ServerStatus status = client.status();
    assertFilled(status);
    assertThat(status.extra())
        .isEqualTo(Map.of("unknown_top", 1L, "cloud", unknown("ServerStatus")));
  }

  @Test
  void everyFieldOfAStepIsRead() {
    upstream.enqueue(
        Answer.plain(
            "application/x-ndjson",
            filled("Progress")
                + "\n{\"status\":\"verifying\",\"unknown_Progress\":1}\n"
                + "{\"status\":\"success\",\"unknown_Progress\":1}\n"));
    List<Progress> seen = new ArrayList<>();
    try (var stream = client.pullStream(PullRequest.of("m"))) {
      stream.forEach(seen::add);
      assertThat(stream.result()).isEqualTo(seen.get(2));
    }
    assertThat(seen)
        .containsExactly(
            new Progress.Transfer("pulling", "Progress digest", 7, 7, unknown("Progress")),
            new Progress.Step("verifying", unknown("Progress")),
            new Progress.Success("success", unknown("Progress")));
  }
}
