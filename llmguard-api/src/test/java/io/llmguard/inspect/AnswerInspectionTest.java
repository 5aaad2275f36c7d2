package io.llmguard.inspect;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Refusal;
import io.llmguard.inspect.InspectionListener.Action;
import io.llmguard.inspect.InspectionListener.Content;
import io.llmguard.inspect.internal.AnswerInspection;
import io.llmguard.inspect.internal.Findings;
import io.llmguard.inspect.internal.Inspecting;
import io.llmguard.testkit.Recording;
import io.llmguard.wire.AnswerText;
import io.llmguard.wire.Framing;
import io.llmguard.wire.Operation;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AnswerInspectionTest {
  private static final Set<SensitiveKind> KINDS = EnumSet.copyOf(SensitiveKind.secrets());
  private static final String CARD = "4111 1111 1111 1111";

  static {
    KINDS.addAll(SensitiveKind.personalData());
  }

  private final List<String> heard = new ArrayList<>();

  /** What came of an answer. */
  private record Result(String text, Refusal refusal) {}

  private AnswerInspection inspection(
      Operation operation, Framing framing, ResponseInspector inspector, boolean shadow) {
    InspectionListener listener =
        (name, kind, content, action) -> heard.add(kind + " " + content + " " + action);
    return new AnswerInspection(
        operation,
        framing,
        List.of(new Inspecting(inspector.name(), inspector.open(null), shadow)),
        new Findings(listener, Content.RESPONSE),
        (name, kind) -> Refusal.of(403, "content-" + name + "-" + kind, "no"),
        bytes -> {});
  }

  private static Result run(AnswerInspection inspection, byte[] answer, int... cuts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int from = 0;
    for (int i = 0; i <= cuts.length; i++) {
      int to = i < cuts.length ? cuts[i] : answer.length;
      write(out, inspection.apply(ByteBuffer.wrap(answer, from, to - from)));
      from = to;
    }
    write(out, inspection.end());
    return new Result(out.toString(UTF_8), inspection.refusal());
  }

  private static void write(ByteArrayOutputStream out, ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    out.writeBytes(copy);
  }

  private static SensitiveData data(Reaction reaction) {
    return SensitiveData.of("test", KINDS, reaction);
  }

  private Result redacted(Operation operation, Framing framing, String answer, int... cuts) {
    return run(
        inspection(operation, framing, data(Reaction.REDACT), false), answer.getBytes(UTF_8), cuts);
  }

  private static String said(Stream dialect, String answer) {
    AnswerText text = AnswerText.of(dialect.operation, dialect.framing, 1 << 20);
    text.accept(ByteBuffer.wrap(answer.getBytes(UTF_8)));
    return text.text();
  }

  // ---- what nothing is found in

  @ParameterizedTest
  @CsvSource({
    "chat-once,OLLAMA_CHAT,DOCUMENT",
    "chat-stream,OLLAMA_CHAT,LINES",
    "chat-unicode,OLLAMA_CHAT,LINES",
    "generate-stream,OLLAMA_GENERATE,LINES",
    "openai-chat-once,OPENAI_CHAT,DOCUMENT",
    "openai-chat-stream-usage,OPENAI_CHAT,EVENTS",
    "openai-completions-stream,OPENAI_COMPLETIONS,EVENTS",
    "openai-responses-once,OPENAI_RESPONSES,DOCUMENT",
    "openai-responses-stream,OPENAI_RESPONSES,EVENTS",
    "anthropic-messages-once,ANTHROPIC_MESSAGES,DOCUMENT",
    "anthropic-messages-stream,ANTHROPIC_MESSAGES,EVENTS",
    "llamacpp-chat-stream,OPENAI_CHAT,EVENTS"
  })
  void aRecordedAnswerPassesByteForByteWhereverItIsSplit(
      String name, Operation operation, Framing framing) {
    String answer = new String(Recording.of(name).responseBody(), UTF_8);
    byte[] bytes = answer.getBytes(UTF_8);
    assertThat(redacted(operation, framing, answer).text()).isEqualTo(answer);
    Random random = new Random(7);
    for (int i = 0; i < 25; i++) {
      int[] cuts = random.ints(1 + i % 20, 0, bytes.length + 1).sorted().toArray();
      assertThat(redacted(operation, framing, answer, cuts).text()).isEqualTo(answer);
    }
    int[] every = new int[bytes.length];
    for (int i = 0; i < every.length; i++) {
      every[i] = i;
    }
    assertThat(redacted(operation, framing, answer, every).text()).isEqualTo(answer);
    assertThat(heard).isEmpty();
  }

  // ---- streams

  @ParameterizedTest
  @EnumSource(Stream.class)
  void aSecretIsTakenOutWhereverTokensAndBytesAreSplit(Stream dialect) {
    String text = "My card is " + CARD + ", \"alice@example.com\" writes.";
    String expected = "My card is [payment-card], \"[email]\" writes.";
    for (int cut = 0; cut <= text.length(); cut++) {
      String answer = dialect.of(List.of(text.substring(0, cut), text.substring(cut)));
      Result result = redacted(dialect.operation, dialect.framing, answer);
      assertThat(said(dialect, result.text())).isEqualTo(expected);
      assertThat(result.text()).doesNotContain("4111", "1111", "alice", "example");
    }
    List<String> characters = text.chars().mapToObj(Character::toString).toList();
    String answer = dialect.of(characters);
    byte[] bytes = answer.getBytes(UTF_8);
    for (int cut = 0; cut <= bytes.length; cut += 13) {
      Result result = redacted(dialect.operation, dialect.framing, answer, cut);
      assertThat(said(dialect, result.text())).isEqualTo(expected);
      assertThat(result.text().lines().count()).isEqualTo(answer.lines().count());
    }
  }

  @ParameterizedTest
  @EnumSource(Stream.class)
  void aStreamSaysTheSameAsItsWholeTextRedactedHoweverItIsSplit(Stream dialect) {
    Random random = new Random(dialect.path.hashCode());
    List<SensitiveTexts.Sample> samples = SensitiveTexts.all();
    for (int round = 0; round < 120; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(4); i >= 0; i--) {
        text.append(" words and 1234 more ".substring(random.nextInt(5)));
        text.append(samples.get(random.nextInt(samples.size())).text());
      }
      List<String> pieces = new ArrayList<>();
      for (int at = 0; at < text.length(); ) {
        int end = Math.min(text.length(), at + random.nextInt(7));
        // no half of a character would get through UTF-8
        end -= end > at && Character.isHighSurrogate(text.charAt(end - 1)) ? 1 : 0;
        pieces.add(text.substring(at, end));
        at = end;
      }
      String answer = dialect.of(pieces);
      int length = answer.getBytes(UTF_8).length;
      int[] cuts = random.ints(random.nextInt(30), 0, length + 1).sorted().toArray();
      Result result = redacted(dialect.operation, dialect.framing, answer, cuts);
      assertThat(result.refusal()).isNull();
      assertThat(said(dialect, result.text()))
          .isEqualTo(data(Reaction.REDACT).redact(text.toString()));
    }
  }

  @ParameterizedTest
  @EnumSource(Stream.class)
  void escapesHideNothing(Stream dialect) {
    String answer =
        dialect.event("\"\\u0061lice\\u0040\"")
            + dialect.event("\"ex\\u0061mple.com!\"")
            + dialect.end("\"\\u0061lice\\u0040ex\\u0061mple.com!\"");
    Result result = redacted(dialect.operation, dialect.framing, answer);
    assertThat(said(dialect, result.text())).isEqualTo("[email]!");
    assertThat(result.text()).doesNotContain("lice", "u0061", "ample.com");
  }

  @ParameterizedTest
  @EnumSource(Stream.class)
  void aRefusedStreamHasNothingOfTheSecret(Stream dialect) {
    String text = "The card is " + CARD + ", and that was all.";
    List<String> characters = text.chars().mapToObj(Character::toString).toList();
    Result result =
        run(
            inspection(dialect.operation, dialect.framing, data(Reaction.REFUSE), false),
            dialect.of(characters).getBytes(UTF_8));
    assertThat(result.refusal()).isNotNull();
    assertThat(result.refusal().reason()).isEqualTo("content-test-payment-card");
    assertThat(said(dialect, result.text())).isEqualTo("The card is ");
    assertThat(result.text()).endsWith(dialect.framing == Framing.LINES ? "\n" : "\n\n");
    assertThat(heard).containsExactly("payment-card RESPONSE " + Action.REFUSED);
  }

  @ParameterizedTest
  @EnumSource(Stream.class)
  void inShadowModeEveryEventPassesAtOnceAndByteForByte(Stream dialect) {
    String answer = dialect.of(List.of("The card is ", CARD, ", bye"));
    AnswerInspection inspection =
        inspection(dialect.operation, dialect.framing, data(Reaction.REDACT), true);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] first = dialect.event("\"4111 1111 \"").getBytes(UTF_8);
    write(out, inspection.apply(ByteBuffer.wrap(first)));
    assertThat(out.toByteArray()).isEqualTo(first);
    Result result =
        run(
            inspection(dialect.operation, dialect.framing, data(Reaction.REDACT), true),
            answer.getBytes(UTF_8));
    assertThat(result).isEqualTo(new Result(answer, null));
    assertThat(heard).contains("payment-card RESPONSE " + Action.SHADOWED);
    assertThat(heard).doesNotContain("payment-card RESPONSE " + Action.REDACTED);
  }

  @ParameterizedTest
  @EnumSource(Stream.class)
  void wordsGoOnAsSoonAsTheyAreWhole(Stream dialect) {
    AnswerInspection inspection =
        inspection(dialect.operation, dialect.framing, data(Reaction.REDACT), false);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (String piece : new String[] {"The ", "sea ", "is ", "sal", "ty "}) {
      write(
          out,
          inspection.apply(ByteBuffer.wrap(dialect.event(Stream.json(piece)).getBytes(UTF_8))));
    }
    assertThat(said(dialect, out.toString(UTF_8))).isEqualTo("The sea is salty ");
  }

  // ---- more than one text

  @Test
  void whatThinkingHoldsBackGoesOnWhenTalkingBegins() {
    String thinking =
        "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"4111"
            + " 11\"},\"done\":false}\n";
    String talking =
        "{\"message\":{\"role\":\"assistant\",\"content\":\"hello you\"},\"done\":false}\n";
    AnswerInspection inspection =
        inspection(Operation.OLLAMA_CHAT, Framing.LINES, data(Reaction.REDACT), false);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    write(out, inspection.apply(ByteBuffer.wrap(thinking.getBytes(UTF_8))));
    assertThat(out.size()).isZero();
    write(out, inspection.apply(ByteBuffer.wrap(talking.getBytes(UTF_8))));
    assertThat(out.toString(UTF_8)).isEqualTo(thinking);
  }

  @Test
  void choicesAreTextsOfTheirOwn() {
    String event = "data: {\"choices\":[{\"index\":%d,\"delta\":{\"content\":\"%s\"}}]}\n\n";
    String answer =
        event.formatted(0, "4111 1111 ")
            + event.formatted(1, "alice@exam")
            + event.formatted(0, "1111 1111 ")
            + event.formatted(1, "ple.com ")
            + "data: [DONE]\n\n";
    String expected =
        event.formatted(0, "[payment-card]")
            + event.formatted(1, "[email]")
            + event.formatted(0, " ")
            + event.formatted(1, " ")
            + "data: [DONE]\n\n";
    assertThat(redacted(Operation.OPENAI_CHAT, Framing.EVENTS, answer).text()).isEqualTo(expected);
  }

  @Test
  void argumentsOfToolsAreInspected() {
    String event =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
            + "{\"arguments\":\"%s\"}}]}}]}\n\n";
    String answer = event.formatted("{\\\"to\\\":\\\"alice@") + event.formatted("example.com\\\"}");
    assertThat(redacted(Operation.OPENAI_CHAT, Framing.EVENTS, answer).text())
        .isEqualTo(event.formatted("{\\\"to\\\":\\\"[email]") + event.formatted("\\\"}"));
    String whole =
        "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":"
            + "{\"id\":\"alice@example.com\",\"n\":1}}}]},\"done\":true}\n";
    assertThat(redacted(Operation.OLLAMA_CHAT, Framing.LINES, whole).text())
        .isEqualTo(whole.replace("alice@example.com", "[email]"));
  }

  @Test
  void tokensInAnotherFormGoToo() {
    String line =
        """
        {"response":"alice@example.com","logprobs":[{"token":"alice"}],"done":false}
        {"response":"","done":true,"context":[1,2]}
        """;
    assertThat(redacted(Operation.OLLAMA_GENERATE, Framing.LINES, line).text())
        .isEqualTo(
            """
            {"response":"[email]","logprobs":[],"done":false}
            {"response":"","done":true,"context":[]}
            """);
    String event =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a \"},\"logprobs\":"
            + "{\"content\":[{\"token\":\"a\"}]}}]}\n\n";
    assertThat(redacted(Operation.OPENAI_CHAT, Framing.EVENTS, event).text())
        .isEqualTo(event.replaceAll("\\{\"content\":\\[.*?]}", "null"));
  }

  // ---- documents and what is none

  @Test
  void aWholeAnswerIsHeldUntilItIsWholeAndThenJudged() {
    String answer = "{\"choices\":[{\"message\":{\"content\":\"it is alice@example.com\"}}]}";
    AnswerInspection inspection =
        inspection(Operation.OPENAI_CHAT, Framing.DOCUMENT, data(Reaction.REDACT), false);
    byte[] bytes = answer.getBytes(UTF_8);
    assertThat(inspection.apply(ByteBuffer.wrap(bytes)).hasRemaining()).isFalse();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    write(out, inspection.end());
    assertThat(out.toString(UTF_8)).isEqualTo(answer.replace("alice@example.com", "[email]"));
    Result refused =
        run(
            inspection(Operation.OPENAI_CHAT, Framing.DOCUMENT, data(Reaction.REFUSE), false),
            bytes);
    assertThat(refused.text()).isEmpty();
    assertThat(refused.refusal().reason()).isEqualTo("content-test-email");
  }

  @Test
  void whatIsNoJsonIsInspectedAsTextAndWhatIsNoTextDoesNotPass() {
    assertThat(
            redacted(Operation.OPENAI_TRANSCRIPTIONS, Framing.DOCUMENT, "00:01 alice@example.com")
                .text())
        .isEqualTo("00:01 [email]");
    assertThat(
            redacted(Operation.OPENAI_CHAT, Framing.EVENTS, "<p>alice@example.com</p>\n\n").text())
        .isEqualTo("<p>[email]</p>\n\n");
    assertThat(
            redacted(Operation.OLLAMA_CHAT, Framing.LINES, "{\"a\":\"alice@example.com\"\n").text())
        .isEqualTo("{\"a\":\"[email]\"\n");
    Result binary =
        run(
            inspection(Operation.OPENAI_CHAT, Framing.DOCUMENT, data(Reaction.REDACT), false),
            new byte[] {(byte) 0x1f, (byte) 0x8b, 8, 0, (byte) 0xff});
    assertThat(binary.text()).isEmpty();
    assertThat(binary.refusal().reason()).isEqualTo("content-test-unreadable");
  }

  @Test
  void dataOverSeveralLinesAndEveryLineEndAreTaken() {
    for (String end : new String[] {"\n", "\r\n", "\r"}) {
      String answer =
          """
          : ping

          id: 7
          event: x
          data: {"choices":[{"index":0,
          data: "delta":{"content":"alice@example.com "}}]}
          retry: 3

          data: [DONE]

          """;
      for (int cut = 0; cut < answer.length(); cut++) {
        String result =
            redacted(Operation.OPENAI_CHAT, Framing.EVENTS, answer.replace("\n", end), cut).text();
        assertThat(result)
            .doesNotContain("alice")
            .startsWith(": ping" + end + end + "id: 7" + end + "event: x" + end + "data: {")
            .endsWith("[email] \"}}]}" + end + "retry: 3" + end + end + "data: [DONE]" + end + end);
      }
    }
  }

  @Test
  void randomDamageNeverThrowsAndNeverDependsOnTheSplit() {
    Random random = new Random(17);
    List<Stream> dialects = List.copyOf(EnumSet.allOf(Stream.class));
    for (int round = 0; round < 400; round++) {
      Stream dialect = dialects.get(round % dialects.size());
      byte[] body = dialect.of(List.of("a ", "alice@exa", "mple.com", " b")).getBytes(UTF_8);
      for (int i = random.nextInt(4); i >= 0; i--) {
        body[random.nextInt(body.length)] = (byte) random.nextInt(256);
      }
      int[] cuts = random.ints(5, 0, body.length + 1).sorted().toArray();
      Result whole =
          run(inspection(dialect.operation, dialect.framing, data(Reaction.REDACT), false), body);
      Result pieces =
          run(
              inspection(dialect.operation, dialect.framing, data(Reaction.REDACT), false),
              body,
              cuts);
      assertThat(pieces).isEqualTo(whole);
    }
  }

  // ---- sizes, and inspectors of users

  @ParameterizedTest
  @EnumSource(Stream.class)
  void aStreamThatIsTooLongIsRefusedInItsMiddle(Stream dialect) {
    SizeCeilings size = SizeCeilings.builder().answerCharacters(10).build();
    Result result =
        run(
            inspection(dialect.operation, dialect.framing, size, false),
            dialect.of(List.of("12345", "67890", "x", "y")).getBytes(UTF_8));
    assertThat(said(dialect, result.text())).isEqualTo("1234567890");
    assertThat(result.refusal().reason()).isEqualTo("content-size-answer-characters");
    Result within =
        run(
            inspection(dialect.operation, dialect.framing, size, false),
            dialect.of(List.of("12345", "67890")).getBytes(UTF_8));
    assertThat(within.refusal()).isNull();
    SizeCeilings tokens = SizeCeilings.builder().answerTokens(2).build();
    assertThat(
            run(
                    inspection(dialect.operation, dialect.framing, tokens, false),
                    dialect.of(List.of("12345", "67890", "12")).getBytes(UTF_8))
                .refusal()
                .reason())
        .isEqualTo("content-size-answer-tokens");
  }

  private static ResponseInspector custom(ResponseInspector.Text text) {
    return new ResponseInspector() {
      @Override
      public String name() {
        return "custom";
      }

      @Override
      public Answer open(io.llmguard.wire.Call call) {
        return repeats -> text;
      }
    };
  }

  @Test
  void aTextThatAnInspectorNeverDecidesAboutIsRefusedInTheEnd() {
    Stream dialect = Stream.OLLAMA_CHAT;
    ResponseInspector undecided =
        custom(
            (text, last) -> new ResponseInspector.Ruling(last ? text.length() : 0, Verdict.ALLOW));
    Result shortOne =
        run(
            inspection(dialect.operation, dialect.framing, undecided, false),
            dialect.of(List.of("a", "b")).getBytes(UTF_8));
    assertThat(said(dialect, shortOne.text())).isEqualTo("ab");
    Result longOne =
        run(
            inspection(dialect.operation, dialect.framing, undecided, false),
            dialect.of(List.of("a".repeat(70_000), "b")).getBytes(UTF_8));
    assertThat(longOne.refusal().reason()).isEqualTo("content-custom-undecided");
    assertThat(longOne.text()).isEmpty();
  }

  @Test
  void anInspectorThatFailsOrLiesLetsNothingThrough() {
    Stream dialect = Stream.OLLAMA_CHAT;
    ResponseInspector lies =
        custom((text, last) -> new ResponseInspector.Ruling(text.length() + 1, Verdict.ALLOW));
    org.assertj.core.api.Assertions.assertThatThrownBy(
            () ->
                run(
                    inspection(dialect.operation, dialect.framing, lies, false),
                    dialect.of(List.of("a")).getBytes(UTF_8)))
        .isInstanceOf(IllegalStateException.class);
    String answer = dialect.of(List.of("a", "b"));
    assertThat(
            run(inspection(dialect.operation, dialect.framing, lies, true), answer.getBytes(UTF_8))
                .text())
        .isEqualTo(answer);
  }
}
