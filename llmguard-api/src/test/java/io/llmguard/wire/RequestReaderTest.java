package io.llmguard.wire;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Recording;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestReaderTest {
  private static final RequestReader READER = RequestReader.create();

  static BodyReading read(Operation operation, String body) {
    return READER.read(operation, body.getBytes(StandardCharsets.UTF_8));
  }

  static CheckedBody checked(Operation operation, String body) {
    BodyReading reading = read(operation, body);
    assertThat(reading).as(body).isInstanceOf(CheckedBody.class);
    return (CheckedBody) reading;
  }

  static MalformedBody malformed(Operation operation, String body) {
    BodyReading reading = read(operation, body);
    assertThat(reading).as(body).isInstanceOf(MalformedBody.class);
    return (MalformedBody) reading;
  }

  private static MalformedBody malformed(byte[] body) {
    BodyReading reading = READER.read(Operation.OLLAMA_CHAT, body);
    assertThat(reading).isInstanceOf(MalformedBody.class);
    return (MalformedBody) reading;
  }

  // ---- what different parsers read differently

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"model\":\"a\",\"model\":\"b\"} | duplicate-key | $.model",
        "{\"model\":\"a\",\"mod\\u0065l\":\"b\"} | duplicate-key | $.model",
        "{\"model\":\"a\",\"MODEL\":\"b\"} | ambiguous-key | $.model",
        "{\"MODEL\":\"b\",\"model\":\"a\"} | ambiguous-key | $.model",
        "{\"Model\":\"a\"} | ambiguous-key | $.model",
        "{\"model\":\"a\",\"\u212aeep_alive\":1} | ambiguous-key | $.keep_alive",
        "{\"model\":\"a\",\"\\u212aeep_alive\":1} | ambiguous-key | $.keep_alive",
        "{\"model\":\"a\",\"me\u017fsages\":[]} | ambiguous-key | $.messages",
        "{\"model\":\"a\",\"x_y\":1,\"X_Y\":2} | duplicate-key | $",
        "{\"model\":\"a\",\"x_k\":1,\"x_\u212a\":2} | duplicate-key | $",
        "{\"model\":\"a\",\"options\":{\"Num_Predict\":1}} | ambiguous-key | $.options.num_predict",
        "{\"model\":\"a\",\"options\":{\"seed\":1,\"seed\":2}} | duplicate-key | $.options.seed",
        "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"Content\":\"x\"}]} "
            + "| ambiguous-key | $.messages[0].content",
        "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"TEXT\":\"x\"}]}]} "
            + "| ambiguous-key | $.messages[0].content[0].text",
        "{\"model\":\"a\",\"tools\":[{\"type\":\"function\",\"Type\":\"x\"}]} "
            + "| ambiguous-key | $.tools[0].type",
        "{\"model\":\"a\",\"format\":{\"a\":1,\"a\":2}} | duplicate-key | $.format",
        "{\"model\":\"a\",\"x\":{\"y\":[{\"a\":1,\"a\":2}]}} | duplicate-key | $.*",
      })
  void keysThatTwoParsersReadDifferentlyAreRefused(String body, String reason, String path) {
    MalformedBody malformed = malformed(Operation.OLLAMA_CHAT, body);
    assertThat(malformed.reason()).isEqualTo(reason);
    assertThat(malformed.path()).isEqualTo(path);
    assertThat(malformed.offset()).isBetween(1L, (long) body.length() + 4);
    assertThat(malformed.refusal().status()).isEqualTo(400);
    assertThat(malformed.refusal().detail()).contains(path);
  }

  @Test
  void freeFormAreasMayHoldNamesInAnyCase() {
    checked(
        Operation.OPENAI_CHAT,
        """
        {"model":"a","metadata":{"Model":"x","model":"y"},"logit_bias":{"K":1,"\u212a":2},
         "response_format":{"type":"json_schema","json_schema":{"schema":{"A":{},"a":{}}}},
         "tools":[{"type":"function","function":{"name":"f","parameters":{"X":1,"x":2}}}],
         "messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{}","A":1,"a":2}}]}]}
        """);
  }

  @Test
  void theFoldingIsThatOfGosParser() {
    // every character of the basic plane against the rule: same upper or lower case as an ASCII
    // letter, under Unicode's simple folding
    for (char known : "abcdefghijklmnopqrstuvwxyz_0".toCharArray()) {
      for (int c = 0; c <= 0xffff; c++) {
        boolean alike =
            Character.toUpperCase(known) == Character.toUpperCase((char) c)
                || known == Character.toLowerCase((char) c);
        // the dotless and the dotted i fold to themselves only
        alike &= c != 0x130 && c != 0x131;
        assertThat(FieldNames.fold(String.valueOf((char) c)).equals(String.valueOf(known)))
            .as("U+%04X and %s", c, known)
            .isEqualTo(alike);
      }
    }
  }

  @Test
  void everyKnownFieldInAnotherCaseIsRefused() {
    for (Recording recording : Recorded.requests()) {
      Operation operation = Objects.requireNonNull(Recorded.operation(recording));
      Recorded.json(recording.bodyText())
          .fieldNames()
          .forEachRemaining(
              name -> {
                String other = name.substring(0, 1).toUpperCase(java.util.Locale.ROOT);
                String body =
                    recording
                        .bodyText()
                        .replaceFirst(
                            "\"" + name + "\":", "\"" + other + name.substring(1) + "\":");
                assertThat(malformed(operation, body).reason()).isEqualTo("ambiguous-key");
              });
    }
  }

  // ---- what is no JSON

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "[]",
        "\"model\"",
        "null",
        "{",
        "{\"model\":",
        "{\"model\":\"a\"",
        "{\"model\":\"a\"}}",
        "{\"model\":\"a\"}{\"model\":\"b\"}",
        "{\"model\":\"a\"} x",
        "{\"model\":\"a\",}",
        "{'model':'a'}",
        "{model:\"a\"}",
        "{\"model\":\"a\"/**/}",
        "{\"model\":\"a\",\"x\":NaN}",
        "{\"model\":\"a\",\"x\":Infinity}",
        "{\"model\":\"a\",\"x\":-Infinity}",
        "{\"model\":\"a\",\"x\":01}",
        "{\"model\":\"a\",\"x\":.5}",
        "{\"model\":\"a\",\"x\":5.}",
        "{\"model\":\"a\",\"x\":+5}",
        "{\"model\":\"a\",\"x\":0x10}",
        "{\"model\":\"a\",\"keep_alive\":2+}",
        "{\"model\":\"a\",\"keep_alive\":2.5.6}",
        "{\"model\":\"a\",\"stream\":truely}",
        "{\"model\":\"a\nb\"}",
        "{\"model\":\"a\\x\"}",
        "{\"model\":\"a\\u12\"}",
        "{\"model\":\"a\" \"b\":1}",
        "{\"model\":\"a\",\"x\":[1,]}",
        "{\"model\":\"a\",\"x\":tru}",
        "{\"model\":\"a\",\"x\":[}",
        "{\"model\":\"a\",\"format\":{\"\\ud800\":1}}",
        "{\"model\":\"a\",\"format\":{\"x\\udc00y\":1}}",
        "{\"model\":\"a\",\"\\udc00\\ud800\":1}",
      })
  void whatIsNotOneJsonObjectIsRefused(String body) {
    assertThat(malformed(Operation.OLLAMA_CHAT, body).reason()).isEqualTo("invalid-json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE"})
  void otherEncodingsThanUtf8AreRefused(String charset) {
    byte[] body = "{\"model\":\"a\"}".getBytes(Charset.forName(charset));
    assertThat(malformed(body).reason()).isIn("invalid-utf8", "invalid-json");
  }

  @Test
  void aByteOrderMarkIsRefused() {
    assertThat(malformed(Operation.OLLAMA_CHAT, "\ufeff{\"model\":\"a\"}").reason())
        .isEqualTo("invalid-utf8");
  }

  static Stream<byte[]> invalidUtf8() {
    return Stream.of(
        new byte[] {(byte) 0x80},
        new byte[] {(byte) 0xc0, (byte) 0x80},
        new byte[] {(byte) 0xc1, (byte) 0xbf},
        new byte[] {(byte) 0xe0, (byte) 0x9f, (byte) 0xbf},
        new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
        new byte[] {(byte) 0xf0, (byte) 0x8f, (byte) 0xbf, (byte) 0xbf},
        new byte[] {(byte) 0xf4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
        new byte[] {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
        new byte[] {(byte) 0xff},
        new byte[] {(byte) 0xe2, (byte) 0x82});
  }

  @ParameterizedTest
  @MethodSource("invalidUtf8")
  void invalidUtf8IsRefusedWhereItStands(byte[] sequence) {
    for (int before : new int[] {1, 2, 7, 8, 9, 30}) {
      byte[] head =
          ("{\"model\":\"a\",\"x\":\"" + "y".repeat(before)).getBytes(StandardCharsets.UTF_8);
      byte[] body = concat(head, sequence, "\"}".getBytes(StandardCharsets.UTF_8));
      MalformedBody malformed = malformed(body);
      assertThat(malformed.reason()).isEqualTo("invalid-utf8");
      assertThat(malformed.offset()).isEqualTo(head.length);
    }
  }

  @Test
  void everyCodePointIsTakenInUtf8() {
    StringBuilder all = new StringBuilder();
    for (int c = 0x20; c <= Character.MAX_CODE_POINT; c++) {
      if (c != '"' && c != '\\' && (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)) {
        all.appendCodePoint(c);
      }
    }
    CheckedBody body =
        checked(Operation.OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":\"" + all + "\"}");
    assertThat(body.call().prompt()).isEqualTo(PromptHasher.sha256().digest(all.toString()));
  }

  @Test
  void deepNestingIsRefusedAtTheLimit() {
    assertThat(read(Operation.OLLAMA_CHAT, nested(63))).isInstanceOf(CheckedBody.class);
    assertThat(malformed(Operation.OLLAMA_CHAT, nested(64)).reason()).isEqualTo("too-deep");
    assertThat(malformed(Operation.OLLAMA_CHAT, nested(1_000_000)).reason()).isEqualTo("too-deep");
    String open = "{\"model\":\"a\",\"x\":" + "{\"y\":".repeat(100_000);
    assertThat(malformed(Operation.OLLAMA_CHAT, open).reason()).isEqualTo("too-deep");
  }

  private static String nested(int arrays) {
    return "{\"model\":\"a\",\"x\":" + "[".repeat(arrays) + "]".repeat(arrays) + "}";
  }

  @Test
  void longNumbersAndNamesAreRefused() {
    String number = "{\"model\":\"a\",\"x\":" + "1".repeat(200) + "}";
    assertThat(malformed(Operation.OLLAMA_CHAT, number).reason()).isEqualTo("invalid-json");
    String name = "{\"model\":\"a\",\"" + "x".repeat(2_000) + "\":1}";
    assertThat(malformed(Operation.OLLAMA_CHAT, name).reason()).isEqualTo("invalid-json");
  }

  @Test
  void manyKeysThatHashAlikeAreNoTrouble() {
    StringBuilder body = new StringBuilder("{\"model\":\"a\"");
    for (int i = 0; i < 4_096; i++) {
      body.append(",\"");
      for (int bit = 0; bit < 12; bit++) {
        body.append((i >> bit & 1) == 0 ? "Aa" : "BB");
      }
      body.append("\":1");
    }
    BodyReading reading = read(Operation.OLLAMA_CHAT, body.append('}').toString());
    assertThat(reading).isNotNull();
  }

  // ---- fields of the wrong type

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OLLAMA_CHAT | {} | model-missing",
        "OLLAMA_CHAT | {\"model\":\"\"} | model-missing",
        "OLLAMA_CHAT | {\"model\":null} | model-missing",
        "OLLAMA_CHAT | {\"model\":1} | model-missing",
        "OLLAMA_CHAT | {\"model\":[\"a\"]} | model-missing",
        "OLLAMA_CHAT | {\"name\":\"\"} | model-missing",
        "OPENAI_CHAT | {\"messages\":[]} | model-missing",
        "OPENAI_EMBEDDINGS | {\"input\":\"x\"} | model-missing",
        "ANTHROPIC_MESSAGES | {\"messages\":[]} | model-missing",
        "OLLAMA_PROGRESS | {} | model-missing",
        "OLLAMA_SHOW | {} | model-missing",
        "OLLAMA_SHOW | {\"model\":\"a\",\"name\":\"b\"} | invalid-field",
        "OLLAMA_MANAGE | {\"model\":\"a\",\"name\":\"b\"} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\\u0000\"} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\\ud800\"} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"stream\":\"false\"} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"stream\":0} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":[]} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_predict\":\"5\"}} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_ctx\":[5]}} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"keep_alive\":{}} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"messages\":{}} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"messages\":[\"x\"]} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"messages\":[{\"content\":5}]} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"messages\":[{\"content\":[5]}]} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"messages\":[{\"role\":5}]} | invalid-field",
        "OLLAMA_CHAT | {\"model\":\"a\",\"tools\":{}} | invalid-field",
        "OLLAMA_GENERATE | {\"model\":\"a\",\"prompt\":[\"x\"]} | invalid-field",
        "OPENAI_CHAT | {\"model\":\"a\",\"max_tokens\":\"5\"} | invalid-field",
        "OPENAI_CHAT | {\"model\":\"a\",\"n\":true} | invalid-field",
        "OPENAI_CHAT | {\"model\":\"a\",\"stream_options\":true} | invalid-field",
        "OPENAI_CHAT | {\"model\":\"a\",\"user\":5} | invalid-field",
      })
  void fieldsThatPolicyReadsHaveTheirType(Operation operation, String body, String reason) {
    assertThat(malformed(operation, body).reason()).isEqualTo(reason);
  }

  @Test
  void whatIsRefusedIsNeverQuoted() {
    for (String body :
        List.of(
            "{\"model\":\"a\",\"hunter2\":1,\"hunter2\":2}",
            "{\"model\":\"a\",\"format\":{\"hunter2\":1,\"hunter2\":2}}",
            "{\"model\":\"a\",\"prompt\":hunter2}",
            "{\"model\":\"a\",\"prompt\":\"hunter2",
            "{\"model\":\"a\",\"stream\":\"hunter2\"}",
            "{\"model\":\"a\"} hunter2")) {
      MalformedBody malformed = malformed(Operation.OLLAMA_GENERATE, body);
      assertThat(malformed.toString()).doesNotContain("hunter2");
      assertThat(malformed.refusal().toString()).doesNotContain("hunter2");
    }
    CheckedBody body =
        checked(Operation.OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":\"hunter2\"}");
    assertThat(body.toString()).doesNotContain("hunter2");
    assertThat(body.call().toString()).doesNotContain("hunter2");
  }

  // ---- what a body asks for

  @Test
  void nullIsAsGoodAsAbsent() {
    Call call =
        checked(
                Operation.OPENAI_CHAT,
                "{\"model\":\"a\",\"stream\":null,\"stream_options\":null,\"max_tokens\":null,"
                    + "\"n\":null,\"user\":null,\"messages\":null,\"tools\":null}")
            .call();
    assertThat(call.stream()).isFalse();
    assertThat(call.maxOutputTokens()).isNull();
    assertThat(call.details().choices()).isEqualTo(1);
    assertThat(call.details().loadOnly()).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OLLAMA_GENERATE | \"options\":{\"num_predict\":7} | 7",
        "OLLAMA_GENERATE | \"options\":{\"num_predict\":-1} | ",
        "OLLAMA_GENERATE | \"options\":{\"num_predict\":0} | ",
        "OLLAMA_GENERATE | \"options\":{\"num_predict\":1e2} | 100",
        "OLLAMA_GENERATE | \"options\":{\"num_predict\":1e99} | ",
        "OLLAMA_GENERATE | \"num_predict\":7 | ",
        "OPENAI_CHAT | \"max_tokens\":7 | 7",
        "OPENAI_CHAT | \"max_completion_tokens\":7 | 7",
        "OPENAI_CHAT | \"max_tokens\":7,\"max_completion_tokens\":9 | 9",
        "OPENAI_CHAT | \"max_tokens\":7,\"n_predict\":-1 | ",
        "OPENAI_RESPONSES | \"max_output_tokens\":7 | 7",
        "ANTHROPIC_MESSAGES | \"max_tokens\":7 | 7",
        "OPENAI_CHAT | \"n\":1 | ",
      })
  void theCallsOwnOutputLimitIsRead(Operation operation, String fields, Long limit) {
    assertThat(checked(operation, "{\"model\":\"a\"," + fields + "}").call().maxOutputTokens())
        .isEqualTo(limit);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "data:image/png;base64,AAAA | false | false",
        "http://10.0.0.1/x.png | false | true",
        "HTTPS://example.org/x.png | false | true",
        "\\u0068ttp://example.org/x.png | false | true",
        "file:///etc/passwd | true | false",
        "/etc/passwd | true | false",
        "..\\/x | true | false",
      })
  void imagesOfTheServersDiskOrOfOtherHostsAreSeen(String url, boolean local, boolean remote) {
    for (String part :
        List.of(
            "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + url + "\"}}",
            "{\"image_url\":{\"detail\":\"low\",\"url\":\"" + url + "\"},\"type\":\"image_url\"}",
            "{\"type\":\"input_image\",\"image_url\":\"" + url + "\"}",
            "{\"type\":\"video_url\",\"video_url\":{\"url\":\"" + url + "\"}}",
            "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"" + url + "\"}}",
            "{\"type\":\"tool_result\",\"content\":[{\"type\":\"image\",\"source\":"
                + "{\"type\":\"url\",\"url\":\""
                + url
                + "\"}}]}")) {
      String message = "[{\"role\":\"user\",\"content\":[" + part + "]}]";
      for (Operation operation : List.of(Operation.OPENAI_CHAT, Operation.ANTHROPIC_MESSAGES)) {
        CallDetails details =
            checked(operation, "{\"model\":\"a\",\"messages\":" + message + "}").call().details();
        assertThat(details.localMedia()).as(part).isEqualTo(local);
        assertThat(details.remoteMedia()).as(part).isEqualTo(remote);
      }
      CallDetails details =
          checked(Operation.OPENAI_RESPONSES, "{\"model\":\"a\",\"input\":" + message + "}")
              .call()
              .details();
      assertThat(details.localMedia()).isEqualTo(local);
      assertThat(details.remoteMedia()).isEqualTo(remote);
    }
  }

  @Test
  void imagesThatAToolPutOutAreSeenToo() {
    for (String output :
        List.of(
            "[{\"type\":\"input_image\",\"image_url\":\"http://10.0.0.1/\"}]",
            "{\"type\":\"computer_screenshot\",\"image_url\":\"http://10.0.0.1/\"}")) {
      String body = "{\"model\":\"a\",\"input\":[{\"type\":\"x\",\"output\":" + output + "}]}";
      assertThat(checked(Operation.OPENAI_RESPONSES, body).call().details().remoteMedia()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"tools\":[{\"type\":\"function\"}] | false",
        "\"tools\":[{\"name\":\"web_search\",\"input_schema\":{}}] | false",
        "\"tools\":[{\"type\":\"custom\"},{\"type\":\"bash_20250124\"}] | false",
        "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}] | true",
        "\"tools\":[{\"type\":\"function\"},{\"type\":\"web_search\"}] | true",
        "\"tools\":[{\"type\":\"Web_Search\"}] | true",
        "\"tools\":[{\"type\":\"mcp\"}] | true",
        "\"tools\":[{\"type\":\"code_interpreter\"}] | true",
        "\"tools\":[{\"type\":\"of_tomorrow\"}] | true",
      })
  void toolsThatTheServerRunsAreSeen(String tools, boolean server) {
    for (Operation operation :
        List.of(Operation.OPENAI_RESPONSES, Operation.ANTHROPIC_MESSAGES, Operation.OPENAI_CHAT)) {
      CallDetails details = checked(operation, "{\"model\":\"a\"," + tools + "}").call().details();
      assertThat(details.serverTools()).isEqualTo(server);
    }
  }

  @Test
  void webSearchOptionsAndServersOfToolsAreServerTools() {
    assertThat(
            checked(Operation.OPENAI_CHAT, "{\"model\":\"a\",\"web_search_options\":{}}")
                .call()
                .details()
                .serverTools())
        .isTrue();
    assertThat(
            checked(Operation.ANTHROPIC_MESSAGES, "{\"model\":\"a\",\"mcp_servers\":[]}")
                .call()
                .details()
                .serverTools())
        .isTrue();
  }

  @Test
  void everyModelThatAManagementCallNamesIsListed() {
    Call copy = checked(Operation.OLLAMA_MANAGE, "{\"source\":\"a\",\"destination\":\"b\"}").call();
    assertThat(copy.model()).isEqualTo("a");
    assertThat(copy.details().models()).containsExactly("a", "b");
    Call create =
        checked(Operation.OLLAMA_PROGRESS, "{\"model\":\"mine\",\"from\":\"base\"}").call();
    assertThat(create.model()).isEqualTo("mine");
    assertThat(create.stream()).isTrue();
    assertThat(create.details().models()).containsExactly("mine", "base");
    Call delete = checked(Operation.OLLAMA_MANAGE, "{\"name\":\"a\",\"model\":\"a\"}").call();
    assertThat(delete.details().models()).containsExactly("a");
  }

  @Test
  void theRestIsReadToo() {
    Call call =
        checked(
                Operation.OPENAI_CHAT,
                "{\"model\":\"a\",\"n\":2,\"best_of\":5,\"user\":\"u\",\"stream\":true,"
                    + "\"stream_options\":{\"include_usage\":true}}")
            .call();
    assertThat(call.details().choices()).isEqualTo(5);
    assertThat(call.details().user()).isEqualTo("u");
    assertThat(call.details().includeUsage()).isTrue();
    Call generate =
        checked(
                Operation.OLLAMA_GENERATE,
                "{\"model\":\"a\",\"prompt\":\"x\",\"options\":{\"num_ctx\":4096}}")
            .call();
    assertThat(generate.details().contextTokens()).isEqualTo(4096);
    assertThat(generate.details().loadOnly()).isFalse();
    assertThat(checked(Operation.OLLAMA_GENERATE, "{\"model\":\"a\"}").call().details().loadOnly())
        .isTrue();
  }

  @Test
  void tokensOfRecordedPromptsAreWithinTheBound() {
    for (Recording recording : Recorded.metered()) {
      Operation operation = Objects.requireNonNull(Recorded.operation(recording));
      CallDetails details = checked(operation, recording.bodyText()).call().details();
      Usage usage = Objects.requireNonNull(Recorded.usage(recording));
      assertThat(usage.inputTokens()).isLessThanOrEqualTo(details.promptTokensAtMost());
      assertThat(details.promptTokens()).isLessThanOrEqualTo(details.promptTokensAtMost());
    }
  }

  // ---- against another parser

  @Test
  void whatPassesAfterRandomDamageIsWhatAnotherParserReadsToo() throws Exception {
    ObjectMapper other = new ObjectMapper();
    Random random = new Random(20_260_101);
    int passed = 0;
    for (Recording recording : Recorded.requests()) {
      Operation operation = Objects.requireNonNull(Recorded.operation(recording));
      for (int round = 0; round < 2_000; round++) {
        byte[] body = recording.body();
        for (int i = random.nextInt(3); i >= 0; i--) {
          int at = random.nextInt(body.length);
          body[at] =
              random.nextBoolean() ? (byte) random.nextInt(256) : body[random.nextInt(body.length)];
        }
        if (READER.read(operation, body) instanceof CheckedBody checked) {
          passed++;
          var tree = other.readTree(body);
          String named = tree.path(tree.has("source") ? "source" : "model").asText(null);
          named = named == null ? tree.path("name").asText(null) : named;
          assertThat(checked.call().model()).isEqualTo(named);
        }
      }
    }
    assertThat(passed).isGreaterThan(10_000);
  }

  private static byte[] concat(byte[]... parts) {
    java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  // ---- spellings of a model's name

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gpt-oss:120b-cloud ",
        " gpt-oss",
        "kimi-k2: cloud",
        "a\\tb",
        "a\u00a0",
        "a\u3000b",
        "a\u2028",
        "a\u0085",
        "a\u200b",
        "\ufeffa",
        "a\udb40\udc01"
      })
  void aModelsNameHasNothingInvisibleInIt(String name) {
    for (String field : new String[] {"model", "name", "source", "destination", "from"}) {
      MalformedBody malformed =
          malformed(Operation.OLLAMA_MANAGE, "{\"" + field + "\":\"" + name + "\"}");
      assertThat(malformed.reason()).isEqualTo("invalid-field");
      assertThat(malformed.path()).isEqualTo("$." + field);
    }
  }

  // ---- fields of other operations

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OPENAI_EMBEDDINGS | messages | image_url",
        "OPENAI_EMBEDDINGS | prompt | file_url",
        "OPENAI_COMPLETIONS | messages | audio_url",
        "OPENAI_CHAT | input | video_url",
        "OPENAI_RESPONSES | messages | image_url",
        "OPENAI_RESPONSES | prompt | image_url",
        "OLLAMA_EMBED | messages | IMAGE_URL",
        "OLLAMA_GENERATE | messages | image_url"
      })
  void aPromptFieldOfAnotherOperationMakesTheServerFetchNothingUnseen(
      Operation operation, String field, String kind) {
    String format =
        "{\"model\":\"m\",\"%s\":[{\"role\":\"user\",\"content\":[{\"%s\":%s}]}],\"stream\":false}";
    String remote = "\" http://10.0.0.1/a\"";
    for (String url : new String[] {remote, "{\"url\":" + remote + "}", "[" + remote + "]"}) {
      Call call = checked(operation, format.formatted(field, kind, url)).call();
      assertThat(call.details().remoteMedia()).isTrue();
      assertThat(call.details().localMedia()).isFalse();
      assertThat(call.stream()).as("what stands behind is read as ever").isFalse();
    }
    Call local = checked(operation, format.formatted(field, kind, "\"file:///a\"")).call();
    assertThat(local.details().localMedia()).isTrue();
    Call data = checked(operation, format.formatted(field, kind, "\"data:,a\"")).call();
    assertThat(data.details().localMedia() || data.details().remoteMedia()).isFalse();
  }

  // ---- how many fields there may be

  @Test
  void theFieldsOfABodyAndOfItsOptionsAreCounted() {
    String most =
        IntStream.range(0, 256).mapToObj(i -> "\"o" + i + "\":1").collect(joining(",", "{", "}"));
    String more = most.replace("}", ",\"o256\":1}");
    checked(Operation.OLLAMA_CHAT, "{\"model\":\"m\",\"options\":" + most + "}");
    MalformedBody options =
        malformed(Operation.OLLAMA_CHAT, "{\"model\":\"m\",\"options\":" + more + "}");
    assertThat(options.reason()).isEqualTo("invalid-field");
    assertThat(options.path()).isEqualTo("$.options");
    assertThat(malformed(Operation.OLLAMA_CHAT, most.replace("}", ",\"model\":\"m\"}")).reason())
        .isEqualTo("invalid-field");
  }
}
