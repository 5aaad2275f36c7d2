package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.ReplayUpstream;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the model is told of its tools, and what the tools are told by the model. */
@Timeout(30)
class ToolboxTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final UUID ID = UUID.fromString("00000000-0000-0001-0000-000000000002");

  enum Size {
    SMALL,
    LARGE;

    @Override
    public String toString() {
      return "another text";
    }
  }

  record None() {}

  record Inner(String name, Optional<Integer> count) {}

  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Everything(
      LocalDate date,
      Instant at,
      UUID id,
      Size size,
      char letter,
      List<Inner> list,
      Set<Size> set,
      Inner[] array,
      int[] numbers,
      Map<String, List<Inner>> map,
      Optional<LocalDate> maybe,
      Optional<String> not,
      BigDecimal price) {}

  private static final Everything EVERYTHING =
      new Everything(
          LocalDate.of(2026, 2, 3),
          Instant.EPOCH,
          ID,
          Size.LARGE,
          'x',
          List.of(new Inner("a", Optional.of(1)), new Inner("b", Optional.empty())),
          Set.of(Size.SMALL),
          new Inner[] {new Inner("c", Optional.of(2))},
          new int[] {1, 2},
          Map.of("k", List.of(new Inner("d", Optional.empty()))),
          Optional.of(LocalDate.of(2026, 2, 4)),
          Optional.empty(),
          new BigDecimal("1.50"));

  static Stream<Arguments> results() {
    return Stream.of(
        Arguments.of(
            List.of(new Inner("a", Optional.of(1)), new Inner("b", Optional.empty())),
            "[{\"name\":\"a\",\"count\":1},{\"name\":\"b\",\"count\":null}]"),
        Arguments.of(
            EVERYTHING,
            """
            {"date":"2026-02-03","at":"1970-01-01T00:00:00Z",
             "id":"00000000-0000-0001-0000-000000000002","size":"LARGE","letter":"x",
             "list":[{"name":"a","count":1},{"name":"b","count":null}],"set":["SMALL"],
             "array":[{"name":"c","count":2}],"numbers":[1,2],
             "map":{"k":[{"name":"d","count":null}]},"maybe":"2026-02-04","not":null,"price":1.50}
            """),
        Arguments.of(new LocalDate[] {LocalDate.of(2026, 1, 2)}, "[\"2026-01-02\"]"),
        Arguments.of(new double[][] {{0.5}, {}}, "[[0.5],[]]"),
        Arguments.of(Map.of(Size.SMALL, Optional.of(ID)), "{\"SMALL\":\"" + ID + "\"}"),
        Arguments.of(Optional.of(List.of(Path.of("a/b"))), "[\"a/b\"]"),
        Arguments.of(Arrays.asList(1, null), "[1,null]"),
        Arguments.of(Optional.empty(), "null"),
        Arguments.of(7, "7"));
  }

  @ParameterizedTest
  @MethodSource("results")
  void whatAToolAnswersIsToldAsJson(Object result, String expected) throws Exception {
    Toolbox box = Toolbox.empty().with("t", "", None.class, none -> result);
    String told = box.run(new ToolCall("1", 0, "t", Map.of())).content();
    assertThat(JSON.readTree(told)).isEqualTo(JSON.readTree(expected));
  }

  static Stream<Arguments> texts() {
    return Stream.of(
        Arguments.of("as \"it\" is", "as \"it\" is"),
        Arguments.of(Optional.of("x"), "x"),
        Arguments.of(LocalDate.of(2026, 1, 2), "2026-01-02"),
        Arguments.of(Size.LARGE, "LARGE"));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void aTextIsToldAsItIs(Object result, String expected) {
    Toolbox box = Toolbox.empty().with("t", "", None.class, none -> result);
    assertThat(box.run(new ToolCall("1", 0, "t", Map.of())).content()).isEqualTo(expected);
  }

  @Test
  void anAnswerThatHoldsItselfIsNoFailureOfTheTool() {
    List<Object> endless = new ArrayList<>();
    endless.add(endless);
    Toolbox box = Toolbox.empty().with("t", "", None.class, none -> endless);
    assertThat(box.run(new ToolCall("1", 0, "t", Map.of())).content())
        .isEqualTo("error: the tool ran, but what it answered cannot be told");
  }

  /** Tools with parameters that may be left out. */
  public static final class Desk {
    /** Looks something up. */
    @Description("looks up")
    public String find(String what, Optional<Integer> most, Optional<List<Size>> sizes) {
      return what + " " + most + " " + sizes.map(List::size);
    }

    /** Says nothing. */
    @Description("notes")
    public void note(String what) {
      assertThat(what).isNotEmpty();
    }
  }

  @Test
  void anOptionalParameterMayBeLeftOut() throws Exception {
    Toolbox box = Toolbox.of(new Desk());
    assertThat(box.run(new ToolCall("1", 0, "find", Map.of("what", "x"))).content())
        .isEqualTo("x Optional.empty Optional.empty");
    Map<String, @Nullable Object> some = new LinkedHashMap<>();
    some.put("what", "x");
    some.put("most", 3L);
    some.put("sizes", List.of("SMALL", "LARGE"));
    assertThat(box.run(new ToolCall("1", 0, "find", some)).content())
        .isEqualTo("x Optional[3] Optional[2]");
    some.put("sizes", null);
    some.put("most", "many");
    assertThat(box.run(new ToolCall("1", 0, "find", some)).content())
        .startsWith("error: the arguments do not fit")
        .contains("/most");
    assertThat(box.run(new ToolCall("1", 0, "find", Map.of())).content()).contains("/what");
    assertThat(box.run(new ToolCall("1", 0, "note", Map.of("what", "x"))).content())
        .isEqualTo("done");
    Tool find = box.tools().stream().filter(t -> t.name().equals("find")).findFirst().orElseThrow();
    assertThat(JSON.readTree(find.parameters().toString()).path("required"))
        .isEqualTo(JSON.readTree("[\"what\"]"));
  }

  record Trip(@Description("where to") String city, Optional<LocalDate> day, int people) {}

  @Test
  void aToolOfARecordTakesTheRecord() throws Exception {
    List<Trip> booked = new ArrayList<>();
    Toolbox box = Toolbox.empty().with("book", "books a trip", Trip.class, booked::add);
    Tool tool = box.tools().get(0);
    assertThat(tool).isEqualTo(Tool.of("book", "books a trip", Trip.class));
    assertThat(JSON.valueToTree(tool.json()).toString())
        .isEqualTo(
            JSON.readTree(
                    """
                    {"type":"function","function":{"name":"book","description":"books a trip",
                      "parameters":{"type":"object","properties":{
                        "city":{"type":"string","description":"where to"},
                        "day":{"type":"string","format":"date"},
                        "people":{"type":"integer"}},"required":["city","people"]}}}
                    """)
                .toString());
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
    arguments.put("city", "Oslo");
    arguments.put("people", 2L);
    arguments.put("day", "2026-05-06");
    assertThat(box.run(new ToolCall("1", 0, "book", arguments)).content()).isEqualTo("true");
    arguments.remove("day");
    box.run(new ToolCall("1", 0, "book", arguments));
    assertThat(booked)
        .containsExactly(
            new Trip("Oslo", Optional.of(LocalDate.of(2026, 5, 6)), 2),
            new Trip("Oslo", Optional.empty(), 2));
    arguments.put("people", 2.5);
    assertThat(box.run(new ToolCall("1", 0, "book", arguments)).content()).contains("/people");
    assertThat(booked).hasSize(2);
    assertThatThrownBy(() -> box.with("book", "", None.class, none -> 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("book");
  }

  private static Answer asks() {
    return Answer.plain(
        "application/json",
        "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"7\","
            + "\"function\":{\"name\":\"t\",\"arguments\":{}}}]},\"done\":true}");
  }

  @Test
  void theLoopRunsInTheBackgroundToo() throws Exception {
    Toolbox box = Toolbox.empty().with("t", "", None.class, none -> 42);
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of());
        OllamaClient client = OllamaClient.create(upstream.uri().toString())) {
      List<Runnable> tasks = new ArrayList<>();
      CompletableFuture<Void> handedOver = new CompletableFuture<>();
      upstream.enqueue(asks());
      upstream.enqueue(
          Answer.plain(
              "application/json",
              "{\"message\":{\"role\":\"assistant\",\"content\":\"so\"},\"done\":true}"));
      CompletableFuture<ChatResponse> answer =
          box.chatAsync(
              client,
              ChatRequest.of("m", "hi"),
              2,
              task -> {
                tasks.add(task);
                handedOver.complete(null);
              });
      handedOver.get(10, TimeUnit.SECONDS);
      assertThat(answer).isNotDone();
      tasks.get(0).run();
      assertThat(answer.get(10, TimeUnit.SECONDS).text()).isEqualTo("so");
      upstream.takeRequest();
      JsonNode told = JSON.readTree(upstream.takeRequest().bodyText()).path("messages").path(2);
      assertThat(told.path("content").asText()).isEqualTo("42");
      assertThat(told.path("tool_call_id").asText()).isEqualTo("7");

      upstream.enqueue(asks());
      upstream.enqueue(asks());
      assertThatThrownBy(
              () ->
                  box.chatAsync(client, ChatRequest.of("m", "hi"), 1, Runnable::run)
                      .get(10, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasRootCauseInstanceOf(IllegalStateException.class)
          .hasMessageContaining("1 rounds");
      upstream.takeRequest();
      upstream.takeRequest();

      upstream.enqueue(Answer.silence());
      CompletableFuture<ChatResponse> waiting =
          box.chatAsync(client, ChatRequest.of("m", "hi"), 1, Runnable::run);
      ReceivedRequest asked = upstream.takeRequest();
      waiting.cancel(true);
      asked.cancelled().get(10, TimeUnit.SECONDS);
    }
  }
}
