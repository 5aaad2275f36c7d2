package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.openai.OpenAiClient;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Demand;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class OllamaClientTest {
  private static final ChatRequest REQUEST = ChatRequest.of("m", "hi");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final RetryPolicy QUICK =
      new RetryPolicy(3, Duration.ofMillis(5), Duration.ofSeconds(2));

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private OllamaClient client = builder().build();

  private OllamaClient.Builder builder() {
    return OllamaClient.builder().baseUrl(upstream.uri().toString()).retry(QUICK);
  }

  private void use(OllamaClient.Builder builder) {
    client.close();
    client = builder.build();
  }

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private static Answer answer(String message) {
    return Answer.plain(
        "application/json",
        "{\"model\":\"m\",\"message\":" + message + ",\"done\":true,\"done_reason\":\"stop\"}");
  }

  private static Answer says(String content) {
    return answer("{\"role\":\"assistant\",\"content\":\"" + content + "\"}");
  }

  private static Answer limited(String retryAfter) {
    return Answer.bytes(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: "
            + retryAfter
            + "\r\nContent-Length: 22\r\n\r\n{\"error\":\"slow down!!\"}");
  }

  @Test
  void everyRequestFieldGoesOut() throws Exception {
    upstream.enqueue(says("ok"));
    ToolCall call = new ToolCall("c1", 0, "weather", Map.of("city", "Oslo"));
    Message asked =
        new Message("assistant", "", "hm", List.of(), List.of(call), null, null, Map.of());
    client.chat(
        ChatRequest.builder(
                "m",
                List.of(
                    Message.user("hi", List.of(Image.of(new byte[] {1, 2, 3}))),
                    asked,
                    Message.tool(call, "cold")))
            .format(Format.json())
            .think(Think.high())
            .keepAlive(KeepAlive.forever())
            .truncate(false)
            .shift(true)
            .logprobs(true)
            .topLogprobs(3)
            .options(Options.builder().numCtx(4096).stop("a", "b").set("new_one", 1).build())
            .extra(Map.of("future", true))
            .build());
    assertThat(JSON.readTree(upstream.takeRequest().bodyText()))
        .isEqualTo(
            JSON.readTree(
                """
                {"model":"m","messages":[
                  {"role":"user","content":"hi","images":["AQID"]},
                  {"role":"assistant","content":"","thinking":"hm","tool_calls":[
                    {"id":"c1","function":{"index":0,"name":"weather","arguments":{"city":"Oslo"}}}]},
                  {"role":"tool","content":"cold","tool_name":"weather","tool_call_id":"c1"}],
                 "stream":false,"format":"json","keep_alive":-1,
                 "options":{"num_ctx":4096,"stop":["a","b"],"new_one":1},"think":"high",
                 "truncate":false,"shift":true,"logprobs":true,"top_logprobs":3,"future":true}
                """));
  }

  @Test
  void unknownFieldsAreKeptAndArgumentsKeepTheirOrder() {
    upstream.enqueue(
        Answer.plain(
            "application/json",
            """
            {"model":"m","message":{"role":"assistant","content":"","mood":"good","tool_calls":[
              {"id":"c9","function":{"index":1,"name":"f","arguments":{"z":1,"a":[null,2.5],"m":{"x":true}}}}]},
             "done":true,"weather":{"now":["sun"]},"total_duration":5}\
            """));
    ChatResponse answer = client.chat(REQUEST);
    assertThat(answer.extra()).isEqualTo(Map.of("weather", Map.of("now", List.of("sun"))));
    assertThat(answer.message().extra()).isEqualTo(Map.of("mood", "good"));
    ToolCall call = answer.message().toolCalls().get(0);
    assertThat(call.id()).isEqualTo("c9");
    assertThat(call.arguments().keySet()).containsExactly("z", "a", "m");
  }

  @Test
  void embeddingsAreVectors() {
    upstream.enqueue(
        Answer.plain(
            "application/json",
            "{\"model\":\"m\",\"embeddings\":[[0.5,-1],[2,3.25]],\"prompt_eval_count\":4}"));
    EmbedResponse answer = client.embed(EmbedRequest.of("m", "one", "two"));
    assertThat(answer.embeddings().get(0)).containsExactly(0.5f, -1f);
    assertThat(answer.embeddings().get(1)).containsExactly(2f, 3.25f);
    assertThat(answer.promptEvalCount()).isEqualTo(4);
  }

  @Test
  void pullReportsTypedEventsUpToSuccess() {
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .chunk("{\"status\":\"pulling manifest\"}\n")
            .chunk("{\"status\":\"pulling ab\",\"digest\":\"sha256:ab\",\"total\":10}\n")
            .chunk(
                "{\"status\":\"pulling"
                    + " ab\",\"digest\":\"sha256:ab\",\"total\":10,\"completed\":5}\n")
            .chunk("{\"status\":\"success\"}\n")
            .endChunks());
    List<Progress> seen = new ArrayList<>();
    try (var pull = client.pullStream(PullRequest.of("m"))) {
      pull.forEach(seen::add);
      assertThat(pull.result()).isInstanceOf(Progress.Success.class);
    }
    assertThat(seen)
        .containsExactly(
            new Progress.Step("pulling manifest"),
            new Progress.Transfer("pulling ab", "sha256:ab", 10, 0),
            new Progress.Transfer("pulling ab", "sha256:ab", 10, 5),
            new Progress.Success("success"));
  }

  @Test
  void aPullThatEndsWithoutSuccessIsTruncated() {
    upstream.enqueue(
        Answer.stream("application/x-ndjson").chunk("{\"status\":\"verifying\"}\n").endChunks());
    assertThatThrownBy(() -> client.pull(PullRequest.of("m")))
        .isInstanceOf(OllamaException.Truncated.class);
  }

  @Test
  void aBlobIsStreamedOnceUnderItsDigest(@TempDir Path folder) throws Exception {
    byte[] content = new byte[3_000_000];
    Path file = Files.write(folder.resolve("blob"), content);
    upstream.enqueue(Answer.status(404, "text/plain", ""));
    upstream.enqueue(Answer.status(201, "text/plain", ""));
    String digest = client.createBlob(file);
    assertThat(upstream.takeRequest().method()).isEqualTo("HEAD");
    ReceivedRequest sent = upstream.takeRequest();
    assertThat(sent.target()).isEqualTo("/api/blobs/" + digest);
    assertThat("sha256:" + sent.body().sha256Hex()).isEqualTo(digest);
    upstream.enqueue(Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    assertThat(client.createBlob(file)).isEqualTo(digest);
    assertThat(upstream.requests()).hasSize(3);
  }

  @Test
  void aBlobIsSentInTheBackgroundAndCancelledThere(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("blob"), new byte[3_000_000]);
    upstream.enqueue(Answer.status(404, "text/plain", ""));
    upstream.enqueue(Answer.status(201, "text/plain", ""));
    String digest = client.createBlobAsync(file).get(10, TimeUnit.SECONDS);
    assertThat(upstream.takeRequest().method()).isEqualTo("HEAD");
    assertThat("sha256:" + upstream.takeRequest().body().sha256Hex()).isEqualTo(digest);

    upstream.enqueue(Answer.status(404, "text/plain", ""));
    assertThat(client.blobExistsAsync(digest).get(10, TimeUnit.SECONDS)).isFalse();
    upstream.enqueue(Answer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    assertThat(client.blobExistsAsync(digest).get(10, TimeUnit.SECONDS)).isTrue();
    upstream.takeRequest();
    upstream.takeRequest();

    upstream.enqueue(Answer.status(404, "text/plain", ""));
    upstream.enqueue(Answer.silence());
    CompletableFuture<String> sending = client.createBlobAsync(file);
    upstream.takeRequest();
    ReceivedRequest sent = upstream.takeRequest();
    sending.cancel(true);
    sent.cancelled().get(10, TimeUnit.SECONDS);

    assertThatThrownBy(
            () -> client.createBlobAsync(folder.resolve("none")).get(10, TimeUnit.SECONDS))
        .hasCauseInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aLimitIsWaitedOutAndTriedAgain() {
    upstream.enqueue(limited("0"));
    upstream.enqueue(says("at last"));
    assertThat(client.chat(REQUEST).text()).isEqualTo("at last");
    assertThat(upstream.requests()).hasSize(2);
  }

  @Test
  void aLimitThatLastsTooLongIsToldWithItsTime() {
    upstream.enqueue(limited("120"));
    assertThatThrownBy(() -> client.chat(REQUEST))
        .isInstanceOfSatisfying(
            OllamaException.Limited.class,
            e -> assertThat(e.retryAfter()).contains(Duration.ofMinutes(2)));
    assertThat(upstream.requests()).hasSize(1);
  }

  @Test
  void aLostConnectionIsTriedAgainOnlyForWhatChangesNothing() {
    upstream.enqueue(Answer.closing());
    upstream.enqueue(says("ok"));
    assertThat(client.chat(REQUEST).text()).isEqualTo("ok");
    upstream.enqueue(Answer.closing());
    assertThatThrownBy(() -> client.copy("a", "b")).isInstanceOf(OllamaException.Truncated.class);
    assertThat(upstream.requests()).hasSize(3);
  }

  @Test
  void aStreamThatHasBegunIsNeverTriedAgain() {
    upstream.enqueue(
        Answer.stream("application/x-ndjson")
            .chunk("{\"message\":{\"content\":\"x\"},\"done\":false}\n")
            .thenReset());
    try (var stream = client.chatStream(REQUEST)) {
      assertThatThrownBy(stream::result).isInstanceOf(OllamaException.Truncated.class);
    }
    assertThat(upstream.requests()).hasSize(1);
  }

  @Test
  void aServerFailureIsNotTriedAgain() {
    upstream.enqueue(Answer.status(500, "application/json", "{\"error\":\"no memory\"}"));
    assertThatThrownBy(() -> client.chat(REQUEST))
        .isInstanceOf(OllamaException.ServerFailed.class)
        .hasMessage("no memory (status 500)");
    assertThat(upstream.requests()).hasSize(1);
  }

  @Test
  void statusesHaveTheirTypes() {
    use(builder().retry(RetryPolicy.NONE));
    upstream.enqueue(
        Answer.status(
            401,
            "application/json",
            "{\"error\":\"unauthorized\",\"signin_url\":\"https://ollama.com/connect?x=1\"}"));
    assertThatThrownBy(() -> client.chat(REQUEST))
        .isInstanceOfSatisfying(
            OllamaException.Unauthorised.class,
            e -> assertThat(e.signInUrl()).contains(URI.create("https://ollama.com/connect?x=1")));
    upstream.enqueue(Answer.status(403, "application/json", "{\"error\":\"no\"}"));
    assertThatThrownBy(() -> client.chat(REQUEST)).isInstanceOf(OllamaException.Forbidden.class);
    upstream.enqueue(
        Answer.status(503, "application/json", "{\"error\":\"server busy, please try again.\"}"));
    assertThatThrownBy(() -> client.chat(REQUEST)).isInstanceOf(OllamaException.Busy.class);
    upstream.enqueue(Answer.replay(Recording.of("error-route")));
    assertThatThrownBy(() -> client.chat(REQUEST)).isInstanceOf(OllamaException.BadRequest.class);
    upstream.enqueue(Answer.replay(Recording.of("error-bad-json")));
    assertThatThrownBy(() -> client.chat(REQUEST))
        .isInstanceOf(OllamaException.BadRequest.class)
        .hasMessageContaining("unexpected EOF");
    upstream.enqueue(Answer.status(502, "text/html", "<html>bad gateway</html>"));
    assertThatThrownBy(() -> client.chat(REQUEST))
        .isInstanceOf(OllamaException.ServerFailed.class)
        .hasMessage("no reason given (status 502)");
  }

  @Test
  void theNextServerIsAskedWhereOneCannotBeReached() throws Exception {
    int dead;
    try (ServerSocket socket = new ServerSocket(0)) {
      dead = socket.getLocalPort();
    }
    use(
        OllamaClient.builder()
            .baseUrls(List.of(URI.create("http://127.0.0.1:" + dead), upstream.uri())));
    upstream.enqueue(says("one"));
    upstream.enqueue(says("two"));
    assertThat(client.chat(REQUEST).text()).isEqualTo("one");
    assertThat(client.chat(REQUEST).text()).isEqualTo("two");
  }

  @Test
  void theCredentialIsAskedForEachCallAndShownNowhere() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    use(
        builder()
            .credential(() -> Credential.bearer("sk-geheim-" + asked.incrementAndGet()))
            .header("X-Team", "blue"));
    upstream.enqueue(says("a"));
    upstream.enqueue(Answer.status(401, "application/json", "{\"error\":\"wrong key\"}"));
    client.chat(REQUEST);
    assertThatThrownBy(() -> client.chat(REQUEST))
        .isInstanceOf(OllamaException.Unauthorised.class)
        .hasMessageNotContaining("geheim");
    assertThat(upstream.takeRequest().header("Authorization")).contains("Bearer sk-geheim-1");
    ReceivedRequest second = upstream.takeRequest();
    assertThat(second.header("Authorization")).contains("Bearer sk-geheim-2");
    assertThat(second.header("X-Team")).contains("blue");
    assertThat(Credential.bearer("geheim").toString() + Credential.apiKey("geheim"))
        .doesNotContain("geheim");
  }

  @Test
  void aRedirectDoesNotCarryTheCredentialAway() throws Exception {
    try (ReplayUpstream thief = ReplayUpstream.start(List.of())) {
      use(builder().credential(Credential.apiKey("geheim")));
      upstream.enqueue(
          Answer.bytes(
              "HTTP/1.1 307 Moved\r\nLocation: "
                  + thief.uri()
                  + "/api/chat\r\nContent-Length: 0\r\n\r\n"));
      assertThatThrownBy(() -> client.chat(REQUEST)).isInstanceOf(OllamaException.class);
      assertThat(thief.requests()).isEmpty();
    }
  }

  @Test
  void promptsAreInNoTextForm() {
    ChatRequest chat = ChatRequest.of("m", "geheim");
    assertThat(
            List.of(
                    chat,
                    chat.messages(),
                    GenerateRequest.of("m", "geheim"),
                    EmbedRequest.of("m", "geheim"),
                    EmbeddingsRequest.builder("m", "geheim").build(),
                    new ToolCall("c", 0, "f", Map.of("x", "geheim")))
                .toString())
        .doesNotContain("geheim");
  }

  @Test
  void aPublisherGivesWhatIsAskedForAndNoMore() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("chat-stream")));
    List<ChatResponse> seen = new ArrayList<>();
    CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    CompletableFuture<Void> three = new CompletableFuture<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    client
        .chatPublisher(REQUEST)
        .subscribe(
            new Flow.Subscriber<>() {
              @Override
              public void onSubscribe(Flow.Subscription given) {
                subscription.complete(given);
              }

              @Override
              public void onNext(ChatResponse item) {
                seen.add(item);
                if (seen.size() == 3) {
                  three.complete(null);
                }
              }

              @Override
              public void onError(Throwable failure) {
                end.completeExceptionally(failure);
              }

              @Override
              public void onComplete() {
                end.complete(null);
              }
            });
    assertThat(seen).isEmpty();
    subscription.get().request(3);
    three.get(10, TimeUnit.SECONDS);
    assertThat(end).isNotDone();
    assertThat(seen).hasSize(3);
    subscription.get().request(Long.MAX_VALUE);
    end.get(10, TimeUnit.SECONDS);
    assertThat(seen.get(seen.size() - 1).done()).isTrue();
  }

  /** Demand that is not there stays with the server: its writes stand still. */
  @Test
  void demandReachesDownToTheSocket() throws Exception {
    Demand.assertReachesDownToTheSocket(upstream, client.chatPublisher(REQUEST));
  }

  static Stream<Arguments> thinking() {
    return Stream.of(
        Arguments.of(Think.on(), "true"),
        Arguments.of(Think.off(), "false"),
        Arguments.of(Think.low(), "\"low\""),
        Arguments.of(Think.medium(), "\"medium\""),
        Arguments.of(Think.high(), "\"high\""),
        Arguments.of(Think.max(), "\"max\""),
        Arguments.of(Think.level("deep"), "\"deep\""));
  }

  @ParameterizedTest
  @MethodSource("thinking")
  void everyLevelOfThinkingGoesOut(Think think, String json) throws Exception {
    upstream.enqueue(says("ok"));
    client.chat(ChatRequest.builder("m", List.of(Message.user("hi"))).think(think).build());
    upstream.enqueue(Answer.plain("application/json", "{\"response\":\"ok\",\"done\":true}"));
    client.generate(GenerateRequest.builder("m").prompt("hi").think(think).build());
    for (int i = 0; i < 2; i++) {
      assertThat(JSON.readTree(upstream.takeRequest().bodyText()).path("think"))
          .isEqualTo(JSON.readTree(json));
    }
  }

  @Test
  void aViewHasOtherLimitsAndTheSameConnections() throws Exception {
    upstream.enqueue(says("one"));
    assertThat(client.chat(REQUEST).text()).isEqualTo("one");
    OllamaClient hasty =
        client.withTimeouts(Timeouts.DEFAULT.withFirstToken(Duration.ofMillis(100)));
    upstream.enqueue(says("two"));
    assertThat(hasty.chat(REQUEST).text()).isEqualTo("two");
    assertThat(upstream.takeRequest().connection()).isEqualTo(upstream.takeRequest().connection());
    upstream.enqueue(Answer.silence());
    assertThatThrownBy(() -> hasty.chat(REQUEST))
        .isInstanceOfSatisfying(
            OllamaException.TimedOut.class,
            e -> assertThat(e.limit()).isEqualTo(OllamaException.TimedOut.Limit.FIRST_TOKEN));
    hasty.close();
    upstream.enqueue(says("three"));
    assertThat(client.chat(REQUEST).text()).isEqualTo("three");
  }

  enum Size {
    SMALL,
    LARGE
  }

  record Part(String name, int count) {}

  @Description("what is ordered")
  record Order(Size size, List<Part> parts, Optional<String> note, double price) {}

  @Test
  void aRecordBecomesASchemaAndAnInstance() throws Exception {
    upstream.enqueue(
        says(
            "{\\\"size\\\":\\\"LARGE\\\",\\\"parts\\\":[{\\\"name\\\":\\\"x\\\",\\\"count\\\":2}],\\\"price\\\":9.5}"));
    Order order = client.chat(REQUEST, Order.class);
    assertThat(order)
        .isEqualTo(new Order(Size.LARGE, List.of(new Part("x", 2)), Optional.empty(), 9.5));
    assertThat(JSON.readTree(upstream.takeRequest().bodyText()).path("format"))
        .isEqualTo(
            JSON.readTree(
                """
                {"type":"object","description":"what is ordered","properties":{
                  "size":{"type":"string","enum":["SMALL","LARGE"]},
                  "parts":{"type":"array","items":{"type":"object","properties":{
                    "name":{"type":"string"},"count":{"type":"integer"}},"required":["name","count"]}},
                  "note":{"type":"string"},"price":{"type":"number"}},
                 "required":["size","parts","price"]}
                """));
  }

  @Test
  void anAnswerThatDoesNotFitSaysWhere() {
    upstream.enqueue(
        says(
            "{\\\"size\\\":\\\"LARGE\\\",\\\"parts\\\":[{\\\"name\\\":\\\"x\\\",\\\"count\\\":2.5}],\\\"price\\\":1}"));
    assertThatThrownBy(() -> client.chat(REQUEST, Order.class))
        .isInstanceOfSatisfying(
            StructuredOutputException.class,
            e -> assertThat(e.pointer()).isEqualTo("/parts/0/count"))
        .hasMessageContaining("a whole number that fits int");
    upstream.enqueue(says("sorry, no"));
    assertThatThrownBy(() -> client.chat(REQUEST, Order.class))
        .isInstanceOf(StructuredOutputException.class)
        .hasMessageContaining("not JSON");
  }

  record Price(double amount) {}

  record Exact(java.math.BigDecimal amount) {}

  record Small(float amount) {}

  @Test
  void aNumberBeyondEveryTypeDoesNotFit() {
    for (String number : List.of("1e999", "-1e999", "1" + "0".repeat(400))) {
      upstream.enqueue(says("{\\\"amount\\\":" + number + "}"));
      assertThatThrownBy(() -> client.chat(REQUEST, Price.class))
          .as(number)
          .isInstanceOfSatisfying(
              StructuredOutputException.class, e -> assertThat(e.pointer()).isEqualTo("/amount"));
    }
    upstream.enqueue(says("{\\\"amount\\\":1e999}"));
    assertThatThrownBy(() -> client.chat(REQUEST, Exact.class))
        .isInstanceOf(StructuredOutputException.class);
    upstream.enqueue(says("{\\\"amount\\\":1e300}"));
    assertThatThrownBy(() -> client.chat(REQUEST, Small.class))
        .isInstanceOf(StructuredOutputException.class);
  }

  @Test
  void aRecordIsAnsweredInTheBackgroundToo() throws Exception {
    upstream.enqueue(says("{\\\"amount\\\":9.5}"));
    assertThat(client.chatAsync(REQUEST, Price.class).get(10, TimeUnit.SECONDS))
        .isEqualTo(new Price(9.5));
    assertThat(JSON.readTree(upstream.takeRequest().bodyText()).path("format").path("type"))
        .isEqualTo(JSON.readTree("\"object\""));
    upstream.enqueue(says("no"));
    assertThatThrownBy(() -> client.chatAsync(REQUEST, Price.class).get(10, TimeUnit.SECONDS))
        .hasCauseInstanceOf(StructuredOutputException.class);
    upstream.enqueue(
        Answer.plain("application/json", "{\"response\":\"{\\\"amount\\\":1}\",\"done\":true}"));
    assertThat(
            client
                .generateAsync(GenerateRequest.of("m", "hi"), Price.class)
                .get(10, TimeUnit.SECONDS))
        .isEqualTo(new Price(1));
    upstream.takeRequest();
    upstream.takeRequest();
    upstream.enqueue(Answer.silence());
    CompletableFuture<Price> waiting = client.chatAsync(REQUEST, Price.class);
    ReceivedRequest asked = upstream.takeRequest();
    waiting.cancel(true);
    asked.cancelled().get(10, TimeUnit.SECONDS);
  }

  record Nested(Map<String, String> map) {}

  @Test
  void nestingWithoutAnEndDoesNotFit() {
    upstream.enqueue(says("{\\\"map\\\":" + "[".repeat(5000)));
    assertThatThrownBy(() -> client.chat(REQUEST, Nested.class))
        .isInstanceOf(StructuredOutputException.class)
        .hasMessageContaining("JSON beyond the bounds");
  }

  /** A tool as a method. */
  public static final class Desk {
    /** Says how it is. */
    @Description("the weather of a city")
    public String weather(@Description("which") String city) {
      if (city.equals("Atlantis")) {
        throw new IllegalStateException("geheim");
      }
      return "sunny in " + city;
    }
  }

  private static String asks(String city) {
    return "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"1\",\"function\":"
        + "{\"name\":\"weather\",\"arguments\":{\"city\":\""
        + city
        + "\"}}}]}";
  }

  @Test
  void theLoopRunsToolsUntilTheModelAnswers() throws Exception {
    upstream.enqueue(answer(asks("Oslo")));
    upstream.enqueue(says("sun"));
    ChatResponse answer = Toolbox.of(new Desk()).chat(client, REQUEST, 3);
    assertThat(answer.text()).isEqualTo("sun");
    assertThat(JSON.readTree(upstream.takeRequest().bodyText()).path("tools"))
        .isEqualTo(
            JSON.readTree(
                """
                [{"type":"function","function":{"name":"weather","description":"the weather of a city",
                  "parameters":{"type":"object","required":["city"],"properties":{
                    "city":{"type":"string","description":"which"}}}}}]\
                """));
    assertThat(JSON.readTree(upstream.takeRequest().bodyText()).path("messages").path(2))
        .isEqualTo(
            JSON.readTree(
                """
                {"role":"tool","content":"sunny in Oslo","tool_name":"weather","tool_call_id":"1"}\
                """));
  }

  @Test
  void theLoopIsBounded() {
    for (int i = 0; i < 3; i++) {
      upstream.enqueue(answer(asks("Oslo")));
    }
    assertThatThrownBy(() -> Toolbox.of(new Desk()).chat(client, REQUEST, 2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("2 rounds");
    assertThat(upstream.requests()).hasSize(3);
  }

  @Test
  void whatGoesWrongInAToolIsToldToTheModelWithoutItsSecrets() {
    Toolbox box = Toolbox.of(new Desk());
    assertThat(box.run(new ToolCall("1", 0, "weather", Map.of("city", "Atlantis"))).content())
        .isEqualTo("error: the tool failed: IllegalStateException");
    assertThat(box.run(new ToolCall("1", 0, "weather", Map.of("city", 7L))).content())
        .contains("/city");
    assertThat(box.run(new ToolCall("1", 0, "getClass", Map.of())).content())
        .isEqualTo("error: there is no such tool");
  }

  @Test
  void aConversationRemembersWithinItsBudget() throws Exception {
    Conversation talk =
        new Conversation(
            client, ChatRequest.builder("m", List.of(Message.system("be brief"))).build(), 60);
    for (int i = 0; i < 5; i++) {
      upstream.enqueue(says("answer number " + i));
      talk.say("question number " + i + " ".repeat(20));
    }
    assertThat(talk.messages().get(0)).isEqualTo(Message.system("be brief"));
    assertThat(talk.messages().stream().mapToInt(ChatMemory::estimate).sum())
        .isLessThanOrEqualTo(60);
    assertThat(talk.messages().get(talk.messages().size() - 1).content())
        .isEqualTo("answer number 4");
    assertThat(talk.messages()).noneMatch(m -> m.content().contains("number 0"));
  }

  @Test
  void anObserverSeesBeginningFirstTokenAndEnd() throws Exception {
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    use(
        builder()
            .observer(
                call ->
                    new CallObserver.Observed() {
                      @Override
                      public Map<String, String> headers() {
                        return Map.of("traceparent", "00-1-2-01");
                      }

                      @Override
                      public void firstToken() {
                        seen.add(call.operation() + " " + call.model() + " first");
                      }

                      @Override
                      public void ended(CallObserver.CallEnd end) {
                        seen.add(
                            end.finishReason()
                                + " "
                                + end.inputTokens()
                                + " "
                                + end.outputTokens());
                      }
                    }));
    upstream.enqueue(Answer.replay(Recording.of("chat-stream")));
    try (var stream = client.chatStream(REQUEST)) {
      stream.result();
    }
    assertThat(seen).hasSize(2).first().isEqualTo("chat m first");
    assertThat(seen.get(1)).endsWith(" 60");
    assertThat(upstream.takeRequest().header("traceparent")).contains("00-1-2-01");
  }

  @Test
  void baseUrlsThatAreNoneAreNamed() {
    Map.of(
            "ftp://x", "http or https: ftp://x",
            "localhost:11434", "http or https: localhost:11434",
            "http://my_ollama:11434/", "no host in http://my_ollama:11434/",
            "http://", "no URL: Expected authority at index 7")
        .forEach(
            (url, why) ->
                assertThatThrownBy(() -> OllamaClient.builder().baseUrl(url))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(why));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://me:geheim@host",
        "http://me:geheim@my_host",
        "http://me:gehe im@geheim",
        "me:geheim@host",
        "http://host/?key=geheim",
        "http://host/#geheim",
        "ftp://host/?key=geheim"
      })
  void whatABaseUrlMustNotHoldIsNotRepeated(String url) {
    assertThatThrownBy(() -> OllamaClient.builder().baseUrl(url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("geheim")
        .hasNoCause();
    assertThatThrownBy(() -> OpenAiClient.builder(url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("geheim")
        .hasNoCause();
  }
}
