package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptTest {
  private static PromptDigest promptOf(Operation operation, String fields) {
    return RequestReaderTest.checked(operation, "{\"model\":\"a\"," + fields + "}").call().prompt();
  }

  private static PromptDigest digest(String prompt) {
    return PromptHasher.sha256().digest(prompt);
  }

  @Test
  void ofGenerateItIsThePromptAlone() throws Exception {
    String fields =
        "\"system\":\"be brief\",\"prompt\":\"Why?\",\"suffix\":\"x\",\"images\":[\"AAAA\"]";
    PromptDigest prompt = promptOf(Operation.OLLAMA_GENERATE, fields);
    assertThat(prompt).isEqualTo(new PromptDigest(RecordedRequestsTest.sha256("Why?"), 4));
  }

  @Test
  void withoutAPromptItIsTheEmptyString() {
    assertThat(promptOf(Operation.OLLAMA_GENERATE, "\"keep_alive\":0"))
        .isEqualTo(
            new PromptDigest(
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0));
  }

  @Test
  void aChatIsItsRolesAndTextsInWhateverOrderTheFieldsCome() {
    PromptDigest prompt =
        promptOf(
            Operation.OLLAMA_CHAT,
            "\"messages\":[{\"role\":\"system\",\"content\":\"x\"},"
                + "{\"content\":\"y\",\"role\":\"user\"},{\"role\":\"assistant\"}]");
    assertThat(prompt).isEqualTo(digest("system: x\nuser: y\nassistant: "));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"system\":\"s\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]",
        "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"system\":\"s\"",
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],"
            + "\"system\":[{\"type\":\"text\",\"text\":\"s\"}]",
      })
  void anthropicsSystemIsTheFirstMessage(String fields) {
    assertThat(promptOf(Operation.ANTHROPIC_MESSAGES, fields))
        .isEqualTo(digest("system: s\nuser: x"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"instructions\":\"s\",\"input\":\"x\"",
        "\"input\":\"x\",\"instructions\":\"s\"",
        "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"}]}],"
            + "\"instructions\":\"s\"",
      })
  void theInstructionsOfResponsesAreTheFirstMessage(String fields) {
    assertThat(promptOf(Operation.OPENAI_RESPONSES, fields))
        .isEqualTo(digest("system: s\nuser: x"));
  }

  @Test
  void textPartsAreJoinedByNewlines() {
    PromptDigest prompt =
        promptOf(
            Operation.OPENAI_CHAT,
            "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},"
                + "{\"type\":\"text\",\"text\":\"y\"}]}]");
    assertThat(prompt).isEqualTo(digest("user: x\ny"));
  }

  @Test
  void itemsOfAResponsesInputCountAsFarAsTheyHoldText() {
    PromptDigest prompt =
        promptOf(
            Operation.OPENAI_RESPONSES,
            "\"input\":[{\"type\":\"function_call\",\"arguments\":\"{}\"},"
                + "{\"type\":\"function_call_output\",\"output\":\"42\"},"
                + "{\"role\":\"user\",\"content\":\"x\"},{\"type\":\"reasoning\"}]");
    assertThat(prompt).isEqualTo(digest(": 42\nuser: x"));
  }

  @Test
  void anImageCountsByItsOwnDigest() throws Exception {
    String image = "sha256:" + RecordedRequestsTest.sha256("data:image/png;base64,AAAA");
    PromptDigest prompt =
        promptOf(
            Operation.OPENAI_CHAT,
            "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
                + "{\"url\":\"data:image/png;base64,AAAA\"}},{\"type\":\"text\",\"text\":\"y\"}]}]");
    assertThat(prompt).isEqualTo(digest("user: " + image + "\ny"));
    PromptDigest ollama =
        promptOf(
            Operation.OLLAMA_CHAT,
            "\"messages\":[{\"role\":\"user\",\"content\":\"y\",\"images\":[\"AAAA\"]}]");
    assertThat(ollama).isEqualTo(digest("user: y\nsha256:" + RecordedRequestsTest.sha256("AAAA")));
  }

  @Test
  void inputsAreJoinedByNewlines() {
    assertThat(promptOf(Operation.OLLAMA_EMBED, "\"input\":[\"one\",\"two\"]"))
        .isEqualTo(digest("one\ntwo"));
    assertThat(promptOf(Operation.OPENAI_EMBEDDINGS, "\"input\":\"one\"")).isEqualTo(digest("one"));
    assertThat(promptOf(Operation.OPENAI_COMPLETIONS, "\"prompt\":[\"a\",\"b\"]"))
        .isEqualTo(digest("a\nb"));
    assertThat(promptOf(Operation.OPENAI_COMPLETIONS, "\"prompt\":[[1,2],[3]]"))
        .isEqualTo(digest("[1,2]\n[3]"));
  }

  @Test
  void fieldsOfOtherOperationsAreNoPrompt() {
    assertThat(
            promptOf(
                Operation.OLLAMA_GENERATE,
                "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"input\":\"y\""))
        .isEqualTo(digest(""));
    assertThat(promptOf(Operation.OLLAMA_CHAT, "\"prompt\":\"x\",\"messages\":[]"))
        .isEqualTo(digest(""));
  }

  @ParameterizedTest
  @CsvSource({
    "\\ud83d\\ude89, 2, f09f9a89",
    "\\ud83d, 1, efbfbd",
    "\\ude89, 1, efbfbd",
    "\\ude89\\ud83d, 2, efbfbdefbfbd",
    "\\ud83dx, 2, efbfbd78",
    "\\ud83d\\n, 2, efbfbd0a",
    "\\ud83d\\ud83d\\ude89, 3, efbfbdf09f9a89",
    "\\u0000\\u007f\\u0080\\u07ff\\u0800\\uffff, 6, 007fc280dfbfe0a080efbfbf",
    "\\\"\\\\\\/\\b\\f\\n\\r\\t, 8, 225c2f080c0a0d09"
  })
  void escapesAreReadAndLoneSurrogatesCountAsNodeCountsThem(
      String escaped, int length, String utf8) {
    byte[] bytes = java.util.HexFormat.of().parseHex(utf8);
    PromptHasher.Digest expected = PromptHasher.sha256().start();
    expected.update(bytes, 0, bytes.length);
    assertThat(promptOf(Operation.OLLAMA_GENERATE, "\"prompt\":\"" + escaped + "\""))
        .isEqualTo(new PromptDigest(expected.hex(), length));
  }

  @Test
  void randomTextsAreDigestedAsAnotherReaderDoes() throws Exception {
    var json = new com.fasterxml.jackson.databind.ObjectMapper();
    Random random = new Random(99);
    for (int round = 0; round < 500; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(3_000); i > 0; i--) {
        int c = random.nextInt(4) == 0 ? random.nextInt(0x110000) : random.nextInt(0x80);
        if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
          text.appendCodePoint(c);
        }
      }
      String prompt = text.toString();
      String body = json.writeValueAsString(java.util.Map.of("model", "a", "prompt", prompt));
      assertThat(RequestReaderTest.checked(Operation.OLLAMA_GENERATE, body).call().prompt())
          .isEqualTo(new PromptDigest(RecordedRequestsTest.sha256(prompt), prompt.length()));
    }
  }

  @Test
  void underASecretTheDigestIsTheHmac() {
    // RFC 4231, test case 2
    PromptHasher hasher = PromptHasher.hmacSha256("Jefe".getBytes(StandardCharsets.US_ASCII));
    BodyReading reading =
        RequestReader.create(hasher)
            .read(
                Operation.OLLAMA_GENERATE,
                "{\"model\":\"a\",\"prompt\":\"what do ya want for nothing?\"}"
                    .getBytes(StandardCharsets.UTF_8));
    assertThat(((CheckedBody) reading).call().prompt())
        .isEqualTo(
            new PromptDigest(
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 28));
    assertThatThrownBy(() -> PromptHasher.hmacSha256(new byte[0]))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
