package io.llmguard.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.HeaderMap;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.audit.AuditContent;
import io.llmguard.audit.RecordedContent;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.Proxy;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.Call;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.PromptHasher;
import io.llmguard.wire.RequestReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InspectionStageTest {
  private static final Set<SensitiveKind> KINDS = EnumSet.copyOf(SensitiveKind.secrets());
  private static final String SECRET = "alice@example.com";

  static {
    KINDS.addAll(SensitiveKind.personalData());
  }

  private final List<String> heard = new ArrayList<>();
  private final InspectionListener listener =
      (name, kind, content, action) -> heard.add(name + " " + kind + " " + content + " " + action);

  private static SensitiveData data(Reaction reaction) {
    return SensitiveData.of("data", KINDS, reaction);
  }

  private InspectionStage.Builder stage() {
    return InspectionStage.builder().listener(listener);
  }

  private static Decision decide(InspectionStage.Builder stage, String path, String body) {
    Guard guard =
        Guard.builder()
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .stage(new BodyStage(RequestReader.create(), 1 << 24))
            .stage(
                new CeilingStage(Ceilings.builder().maxOutputTokens(50).remoteMedia(true).build()))
            .stage(stage.build())
            .build();
    return guard.admit(TestRequest.post(path, body).bearer("x")).toCompletableFuture().join();
  }

  private static Exchange admitted(InspectionStage.Builder stage, String path, String body) {
    Decision decision = decide(stage, path, body);
    assertThat(decision).isInstanceOf(Decision.Admit.class);
    return ((Decision.Admit) decision).exchange();
  }

  private static Refusal refused(InspectionStage.Builder stage, String path, String body) {
    Decision decision = decide(stage, path, body);
    assertThat(decision).isInstanceOf(Decision.Refuse.class);
    return ((Decision.Refuse) decision).refusal();
  }

  private static String body(Exchange exchange) {
    assertThat(exchange.body()).isInstanceOf(RequestBody.InMemory.class);
    return StandardCharsets.UTF_8
        .decode(((RequestBody.InMemory) exchange.body()).content())
        .toString();
  }

  private String forwarded(String path, String body) {
    return body(admitted(stage().prompts(data(Reaction.REDACT)), path, body));
  }

  // ---- where prompts stand

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/api/generate | {\"model\":\"m\",\"prompt\":\"S\"}",
        "/api/generate | {\"model\":\"m\",\"prompt\":\"a\",\"system\":\"S\"}",
        "/api/generate | {\"model\":\"m\",\"prompt\":\"a\",\"suffix\":\"S\"}",
        "/api/generate | {\"model\":\"m\",\"prompt\":\"a\",\"template\":\"S\"}",
        "/api/chat | {\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"S\"}]}",
        "/api/chat |"
            + " {\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"S\",\"tool_name\":\"f\"}]}",
        "/api/chat | {\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"thinking\":\"S\"}]}",
        "/api/chat |"
            + " {\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"id\":\"S\"}}}]}]}",
        "/api/chat |"
            + " {\"model\":\"m\",\"messages\":[],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"S\"}}]}",
        "/api/chat |"
            + " {\"model\":\"m\",\"messages\":[],\"format\":{\"properties\":{\"id\":{\"description\":\"S\"}}}}",
        "/api/embed | {\"model\":\"m\",\"input\":[\"a\",\"S\"]}",
        "/api/embeddings | {\"model\":\"m\",\"prompt\":\"S\"}",
        "/v1/chat/completions |"
            + " {\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"}]}",
        "/v1/chat/completions |"
            + " {\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"S\"}]}]}",
        "/v1/chat/completions |"
            + " {\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"S\"}}]}]}",
        "/v1/completions | {\"model\":\"m\",\"prompt\":\"S\"}",
        "/v1/completions | {\"model\":\"m\",\"prompt\":[\"a\",\"S\"]}",
        "/v1/embeddings | {\"model\":\"m\",\"input\":\"S\"}",
        "/v1/responses | {\"model\":\"m\",\"input\":\"S\"}",
        "/v1/responses | {\"model\":\"m\",\"input\":\"a\",\"instructions\":\"S\"}",
        "/v1/responses |"
            + " {\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"S\"}]}]}",
        "/v1/responses |"
            + " {\"model\":\"m\",\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"S\"}]}",
        "/v1/messages | {\"model\":\"m\",\"max_tokens\":9,\"system\":\"S\",\"messages\":[]}",
        "/v1/messages |"
            + " {\"model\":\"m\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"S\"}],\"messages\":[]}",
        "/v1/messages |"
            + " {\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\",\"text\":\"S\"}]}]}]}",
        "/v1/messages |"
            + " {\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"role\":\"S\"}}]}]}",
        "/v1/messages |"
            + " {\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"S\"}}]}]}",
        "/v1/chat/completions | {\"model\":\"m\",\"messages\":[],\"of_tomorrow\":{\"x\":[\"S\"]}}",
      })
  void everyTextOfEveryDialectIsInspected(String path, String shape) throws Exception {
    String body = shape.replace("\"S\"", "\"hi " + SECRET + " \\u00e9\\n\"");
    Exchange exchange = admitted(stage().prompts(data(Reaction.REDACT)), path, body);
    JsonNode expected = new ObjectMapper().readTree(body.replace(SECRET, "[email]"));
    JsonNode sent = new ObjectMapper().readTree(body(exchange));
    expected
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (!name.equals("max_tokens") && !name.equals("options")) {
                assertThat(sent.get(name)).isEqualTo(expected.get(name));
              }
            });
    assertThat(heard).containsExactly("data email PROMPT REDACTED");
    Refusal refusal = refused(stage().prompts(data(Reaction.REFUSE)), path, body);
    assertThat(refusal.status()).isEqualTo(400);
    assertThat(refusal.reason()).isEqualTo("content-data-email");
    assertThat(refusal.toString()).doesNotContain("alice");
  }

  @Test
  void whatNothingIsFoundInIsLeftAsItIs() {
    String odd =
        " {\"options\":{ \"num_predict\":50},\"messages\" : [ {\"content\":\"\\u0068i\"}] ,"
            + "\t\"model\":\"m\"}\n";
    assertThat(forwarded("/api/chat", odd)).isEqualTo(odd);
    assertThat(heard).isEmpty();
  }

  @Test
  void onlyTheTextsThatSaySomethingAreChanged() {
    String body =
        " {\"options\":{\"num_predict\":50}, \"model\":\"m\",\n"
            + "\"messages\":[{\"content\":\"\\u0061lice@example.com\",\"role\":\"user\"},"
            + " {\"content\":\"\\u0068i\"}]}";
    assertThat(forwarded("/api/chat", body))
        .isEqualTo(body.replace("\\u0061lice@example.com", "[email]"));
  }

  // ---- attackers

  @Test
  void aSecretThatIsSplitOverTheTextsOfOneMessageIsFound() {
    String body =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"I"
            + " am alice@\"},"
            + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},{\"type\":\"text\",\"text\":\"exam\"},{\"type\":\"text\",\"text\":\"ple.com,"
            + " bob@example.com\"}]}],\"max_tokens\":9}";
    assertThat(forwarded("/v1/chat/completions", body))
        .isEqualTo(
            body.replace("I am alice@", "I am [email]")
                .replace("\"exam\"", "\"\"")
                .replace("ple.com, bob@example.com", ", [email]"));
    assertThat(heard).containsExactly("data email PROMPT REDACTED", "data email PROMPT REDACTED");
  }

  @Test
  void aWholeSecretThatAnotherTextFollowsIsFoundToo() {
    String body =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"219-09-9998\"},{\"type\":\"text\",\"text\":\"7"
            + " and more\"}]}]}";
    assertThat(forwarded("/v1/chat/completions", body))
        .isEqualTo(body.replace("219-09-9998", "[us-ssn]"));
  }

  @Test
  void digitsOfOtherScriptsAndInvisibleCharactersHideNothing() {
    String body =
        "{\"model\":\"m\",\"prompt\":\"４１１１ １１１１ １１１１ １１１１, ٤١١١١١١١١١١١١١١١,"
            + " 41\\u200b11111111111\\u2060111,"
            + " \\ud835\\udfd2\\ud835\\udfcf11111111111111\",\"options\":{\"num_predict\":5}}";
    assertThat(forwarded("/api/generate", body))
        .isEqualTo(
            "{\"model\":\"m\",\"prompt\":\"[payment-card], [payment-card], [payment-card],"
                + " [payment-card]\",\"options\":{\"num_predict\":5}}");
  }

  @Test
  void imagesAreNotReadAsText() {
    // these letters of base64 would be a key of AWS
    String image = "AKIAIOSFODNN7EXAMPLE/AKIAIOSFODNN7EXAMPLE/x==";
    String chat =
        "{\"model\":\"m\",\"options\":{\"num_predict\":5},\"messages\":[{\"content\":\"a\",\"images\":[\""
            + image
            + "\"]}]}";
    assertThat(forwarded("/api/chat", chat)).isEqualTo(chat);
    String url =
        "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,"
            + image
            + "\"}}]}]}";
    assertThat(forwarded("/v1/chat/completions", url)).isEqualTo(url);
    assertThat(heard).isEmpty();
    String text = chat.replace("\"a\"", "\"" + image + "\"");
    assertThat(forwarded("/api/chat", text)).contains("[aws-key]/[aws-key]/x==");
  }

  @Test
  void aTextInAPlaceForMediaIsRead() {
    String chat =
        "{\"model\":\"m\",\"options\":{\"num_predict\":5},\"messages\":[{\"content\":\"a\",\"images\":[\"my"
            + " key: AKIAIOSFODNN7EXAMPLE\"]}]}";
    assertThat(forwarded("/api/chat", chat)).contains("my key: [aws-key]");
  }

  // ---- what the rest of the guard sees

  @Test
  void theHashIsTheClientsAndWhatIsForwardedIsWhatWasChecked() {
    String body = "{\"model\":\"m\",\"prompt\":\"to " + SECRET + "\"}";
    Exchange exchange = admitted(stage().prompts(data(Reaction.REDACT)), "/api/generate", body);
    assertThat(exchange.call()).isNotNull();
    assertThat(exchange.call().prompt()).isEqualTo(PromptHasher.sha256().digest("to " + SECRET));
    assertThat(exchange.call().maxOutputTokens()).isEqualTo(50);
    assertThat(body(exchange)).contains("\"num_predict\":50").contains("to [email]");
    assertThat(exchange.get(BodyStage.CHECKED)).isNotNull();
    assertThat(exchange.get(BodyStage.CHECKED).prompt(100)).isEqualTo("to [email]");
    assertThat(new RecordedContent(100).contentOf(exchange, Outcome.COMPLETED))
        .isEqualTo(new AuditContent("to [email]", null));
    // who changes the body later changes the redacted one
    String renamed =
        new String(
            exchange.get(CeilingStage.EDITS).set("model", "other").apply(), StandardCharsets.UTF_8);
    assertThat(renamed).contains("\"model\":\"other\"", "to [email]", "\"num_predict\":50");
    // longer than before: a bound of tokens must not be too low
    String text = "{\"model\":\"m\",\"prompt\":\"" + "a@b.de ".repeat(100) + "\"}";
    Exchange longer =
        admitted(
            stage()
                .prompts(
                    SensitiveData.of("data", EnumSet.of(SensitiveKind.EMAIL), Reaction.REDACT)),
            "/api/generate",
            text);
    assertThat(longer.call().details().promptTokensAtMost())
        .isGreaterThanOrEqualTo("[email] ".length() * 100L);
  }

  @Test
  void aRefusedPromptIsKeptNowhere() {
    List<@Nullable AuditContent> contents = new ArrayList<>();
    RecordedContent content = new RecordedContent(1000);
    io.llmguard.Stage observer =
        new io.llmguard.Stage() {
          @Override
          public String name() {
            return "observer";
          }

          @Override
          public java.util.concurrent.CompletionStage<Decision> decide(Exchange exchange) {
            return exchange.admit();
          }

          @Override
          public void settle(Exchange exchange, Outcome outcome) {
            contents.add(content.contentOf(exchange, outcome));
            assertThat(outcome.word()).isEqualTo("refused:content-data-email");
          }
        };
    Guard guard =
        Guard.builder()
            .stage(observer)
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .stage(new BodyStage(RequestReader.create(), 1000))
            .stage(stage().prompts(data(Reaction.REFUSE)).build())
            .build();
    String body = "{\"model\":\"m\",\"prompt\":\"" + SECRET + "\"}";
    var unused = guard.admit(TestRequest.post("/api/generate", body)).toCompletableFuture().join();
    assertThat(contents).hasSize(1);
    assertThat(String.valueOf(contents.get(0))).doesNotContain("17 chars");
    assertThat(contents.get(0) == null || contents.get(0).prompt() == null).isTrue();
  }

  // ---- modes, order, failures

  @Test
  void inShadowModeEveryFindingCountsAndNothingElseHappens() {
    String body =
        "{\"model\":\"m\",\"prompt\":\""
            + SECRET
            + " +49 30 901820\",\"options\":{\"num_predict\":5}}";
    Exchange exchange =
        admitted(stage().prompts(data(Reaction.REDACT), true), "/api/generate", body);
    assertThat(body(exchange)).isEqualTo(body);
    assertThat(heard).containsExactly("data email PROMPT SHADOWED", "data phone PROMPT SHADOWED");
  }

  @Test
  void inspectorsAreAskedInOrderAndOverlapsAreTakenOutOnce() {
    SensitiveData credentials =
        SensitiveData.of("secrets", EnumSet.of(SensitiveKind.URL_CREDENTIALS), Reaction.REDACT);
    SensitiveData mails =
        SensitiveData.of("mails", EnumSet.of(SensitiveKind.EMAIL), Reaction.REDACT);
    String body =
        "{\"model\":\"m\",\"prompt\":\"https://bob:pass9word@host.example/x\",\"options\":{\"num_predict\":5}}";
    for (boolean first : new boolean[] {true, false}) {
      InspectionStage.Builder stage = stage();
      stage.prompts(first ? credentials : mails).prompts(first ? mails : credentials);
      assertThat(body(admitted(stage, "/api/generate", body)))
          .contains("https://[url-credentials]/x");
    }
  }

  private static PromptInspector custom(Verdict verdict, boolean blocking) {
    return new PromptInspector() {
      @Override
      public String name() {
        return "custom";
      }

      @Override
      public Verdict inspect(Prompt prompt) {
        if (verdict instanceof Verdict.Refuse refuse && refuse.kind().equals("breaks")) {
          throw new IllegalStateException(prompt.parts().get(0).text());
        }
        return verdict;
      }

      @Override
      public boolean blocking() {
        return blocking;
      }
    };
  }

  @Test
  void aCustomInspectorJudgesAndOneThatBreaksDoesNotOpen() {
    String body = "{\"model\":\"m\",\"prompt\":\"" + SECRET + "\"}";
    Refusal refusal =
        refused(
            stage().prompts(custom(new Verdict.Refuse("bad-word"), false)), "/api/generate", body);
    assertThat(refusal.reason()).isEqualTo("content-custom-bad-word");
    PromptInspector broken = custom(new Verdict.Refuse("breaks"), false);
    assertThat(refused(stage().prompts(broken), "/api/generate", body).status()).isEqualTo(500);
    assertThat(decide(stage().prompts(broken, true), "/api/generate", body))
        .isInstanceOf(Decision.Admit.class);
    Verdict outside = new Verdict.Redact(List.of(Verdict.Redaction.of(0, 500, "x")));
    assertThat(refused(stage().prompts(custom(outside, false)), "/api/generate", body).status())
        .isEqualTo(500);
    assertThat(stage().prompts(custom(Verdict.ALLOW, true)).build().blocking()).isTrue();
    assertThat(stage().prompts(custom(Verdict.ALLOW, false)).build().blocking()).isFalse();
  }

  // ---- sizes

  @ParameterizedTest
  @CsvSource({"prompt-characters", "prompt-tokens", "messages"})
  void aPromptThatIsTooLongIsRefusedBeforeItGoesAnywhere(String kind) {
    String message = "{\"role\":\"user\",\"content\":\"12345678\"}";
    String two = "{\"model\":\"m\",\"messages\":[" + message + "," + message + "]}";
    String one = "{\"model\":\"m\",\"messages\":[" + message + "]}";
    SizeCeilings.Builder builder = SizeCeilings.builder();
    SizeCeilings size =
        switch (kind) {
          case "prompt-characters" -> builder.promptCharacters(15).build();
          case "prompt-tokens" -> builder.promptTokens(4).build();
          default -> builder.messages(1).build();
        };
    assertThat(refused(stage().prompts(size), "/api/chat", two).reason())
        .isEqualTo("content-size-" + kind);
    assertThat(decide(stage().prompts(size), "/api/chat", one)).isInstanceOf(Decision.Admit.class);
    assertThat(decide(stage().prompts(size, true), "/api/chat", two))
        .isInstanceOf(Decision.Admit.class);
    assertThat(heard)
        .containsExactly("size " + kind + " PROMPT REFUSED", "size " + kind + " PROMPT SHADOWED");
  }

  @Test
  void systemPromptsAndToolsCountToo() {
    SizeCeilings size = SizeCeilings.builder().promptTokens(50).build();
    String body = "{\"model\":\"m\",\"prompt\":\"a\",\"system\":\"" + "word ".repeat(100) + "\"}";
    assertThat(refused(stage().prompts(size), "/api/generate", body).reason())
        .isEqualTo("content-size-prompt-tokens");
  }

  // ---- answers

  private static @Nullable AnswerTransform transform(Exchange exchange, HeaderMap headers) {
    var transforms = exchange.get(Proxy.CONTENT);
    return transforms == null ? null : transforms.transform(200, headers);
  }

  @Test
  void anAnswerUnderACodingDoesNotPassUnread() {
    String body = "{\"model\":\"m\",\"prompt\":\"a\"}";
    HeaderMap gzip = new HeaderMap().add("Content-Encoding", "gzip");
    Exchange held = admitted(stage().answers(data(Reaction.REDACT)), "/api/generate", body);
    AnswerTransform transform = transform(held, gzip);
    assertThat(transform).isNotNull();
    assertThat(transform.refusal()).isNotNull();
    assertThat(transform.refusal().reason()).isEqualTo("content-data-unreadable");
    assertThat(transform.refusal().status()).isEqualTo(502);
    Exchange shadow = admitted(stage().answers(data(Reaction.REDACT), true), "/api/generate", body);
    assertThat(transform(shadow, gzip)).isNull();
    assertThat(shadow.get(InspectionStage.PASSED)).isNull();
  }

  @Test
  void whatHasNoInspectorsIsLeftAlone() {
    String body = "{\"model\":\"m\",\"prompt\":\"" + SECRET + "\",\"options\":{\"num_predict\":5}}";
    Exchange exchange = admitted(stage(), "/api/generate", body);
    assertThat(exchange.get(Proxy.CONTENT)).isNull();
    assertThat(body(exchange)).isEqualTo(body);
    Exchange embedding =
        admitted(
            stage().answers(data(Reaction.REDACT)),
            "/api/embed",
            "{\"model\":\"m\",\"input\":\"a\"}");
    assertThat(embedding.get(Proxy.CONTENT)).isNull();
    Call call = exchange.call();
    assertThat(call).isNotNull();
  }
}
