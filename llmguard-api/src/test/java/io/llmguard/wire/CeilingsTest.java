package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Refusal;
import io.llmguard.testkit.Recording;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CeilingsTest {
  private static Ceilings ceilings(Consumer<Ceilings.Builder> choices) {
    Ceilings.Builder builder = Ceilings.builder();
    choices.accept(builder);
    return builder.build();
  }

  private static Ceilings.Result.Within within(
      Ceilings ceilings, Operation operation, String body) {
    Ceilings.Result result = ceilings.apply(RequestReaderTest.checked(operation, body));
    assertThat(result).as(body).isInstanceOf(Ceilings.Result.Within.class);
    return (Ceilings.Result.Within) result;
  }

  private static String forwarded(Ceilings ceilings, Operation operation, String body) {
    return StandardCharsets.UTF_8.decode(within(ceilings, operation, body).body()).toString();
  }

  private static Refusal refused(Ceilings ceilings, Operation operation, String body) {
    Ceilings.Result result = ceilings.apply(RequestReaderTest.checked(operation, body));
    assertThat(result).as(body).isInstanceOf(Ceilings.Result.Above.class);
    return ((Ceilings.Result.Above) result).refusal();
  }

  @Test
  void withoutCeilingsRecordedCallsGoOnInTheVeryArray() {
    for (Recording recording : Recorded.requests()) {
      if (recording.name().equals("openai-chat-max-completion-tokens")) {
        continue;
      }
      CheckedBody body =
          RequestReaderTest.checked(
              Objects.requireNonNull(Recorded.operation(recording)), recording.bodyText());
      Ceilings.Result result = Ceilings.DEFAULT.apply(body);
      assertThat(result).isInstanceOf(Ceilings.Result.Within.class);
      Ceilings.Result.Within within = (Ceilings.Result.Within) result;
      assertThat(within.body().array()).isSameAs(body.bytes());
      assertThat(within.call()).isSameAs(body.call());
    }
  }

  @Test
  void maxCompletionTokensWhichOllamaIgnoresIsSentAsMaxTokensToo() {
    String body = Recording.of("openai-chat-max-completion-tokens").bodyText();
    assertThat(forwarded(Ceilings.DEFAULT, Operation.OPENAI_CHAT, body))
        .isEqualTo("{\"max_tokens\":5," + body.substring(1));
    Ceilings asItComes = ceilings(c -> c.sameOutputLimit(false));
    assertThat(forwarded(asItComes, Operation.OPENAI_CHAT, body)).isEqualTo(body);
    // the client's own choice of both stays
    String both = "{\"model\":\"a\",\"max_tokens\":7,\"max_completion_tokens\":5}";
    assertThat(forwarded(Ceilings.DEFAULT, Operation.OPENAI_CHAT, both)).isEqualTo(both);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // num_predict absent, -1 or 0 has no end
        "OLLAMA_CHAT | {\"model\":\"a\"} | {\"options\":{\"num_predict\":100},\"model\":\"a\"}",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_predict\":-1}} "
            + "| {\"model\":\"a\",\"options\":{\"num_predict\":100}}",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_predict\":0}} "
            + "| {\"model\":\"a\",\"options\":{\"num_predict\":100}}",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_predict\":null}} "
            + "| {\"model\":\"a\",\"options\":{\"num_predict\":100}}",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_predict\":1e30}} "
            + "| {\"model\":\"a\",\"options\":{\"num_predict\":100}}",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_predict\":99}} "
            + "| {\"model\":\"a\",\"options\":{\"num_predict\":99}}",
        "OLLAMA_GENERATE | {\"model\":\"a\",\"options\":null} "
            + "| {\"model\":\"a\",\"options\":{\"num_predict\":100}}",
        "OPENAI_CHAT | {\"model\":\"a\"} | {\"max_tokens\":100,\"model\":\"a\"}",
        "OPENAI_CHAT | {\"model\":\"a\",\"max_tokens\":101} | {\"model\":\"a\",\"max_tokens\":100}",
        "OPENAI_CHAT | {\"model\":\"a\",\"max_completion_tokens\":5} "
            + "| {\"max_tokens\":5,\"model\":\"a\",\"max_completion_tokens\":5}",
        "OPENAI_CHAT | {\"model\":\"a\",\"max_completion_tokens\":500} "
            + "| {\"max_tokens\":100,\"model\":\"a\",\"max_completion_tokens\":100}",
        "OPENAI_CHAT | {\"model\":\"a\",\"max_tokens\":9,\"max_completion_tokens\":500} "
            + "| {\"model\":\"a\",\"max_tokens\":9,\"max_completion_tokens\":100}",
        // llama.cpp lets n_predict win over max_tokens
        "OPENAI_CHAT | {\"model\":\"a\",\"max_tokens\":9,\"n_predict\":-1} "
            + "| {\"model\":\"a\",\"max_tokens\":9,\"n_predict\":100}",
        "OPENAI_COMPLETIONS | {\"model\":\"a\"} | {\"max_tokens\":100,\"model\":\"a\"}",
        "OPENAI_RESPONSES | {\"model\":\"a\"} | {\"max_output_tokens\":100,\"model\":\"a\"}",
        "OPENAI_RESPONSES | {\"model\":\"a\",\"max_output_tokens\":900} "
            + "| {\"model\":\"a\",\"max_output_tokens\":100}",
        "ANTHROPIC_MESSAGES | {\"model\":\"a\",\"max_tokens\":900} "
            + "| {\"model\":\"a\",\"max_tokens\":100}",
        "OPENAI_EMBEDDINGS | {\"model\":\"a\"} | {\"model\":\"a\"}",
      })
  void theOutputCeilingLandsInTheFieldThatTheUpstreamObeys(
      Operation operation, String body, String expected) {
    Ceilings ceilings = ceilings(c -> c.maxOutputTokens(100));
    assertThat(forwarded(ceilings, operation, body)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"50, 50", "100, 100", "101, 100", "-1, 100"})
  void theCallThatGoesOnSaysWhatItMayNow(long asked, long granted) {
    Call call =
        within(
                ceilings(c -> c.maxOutputTokens(100)),
                Operation.OPENAI_CHAT,
                "{\"model\":\"a\",\"max_tokens\":" + asked + "}")
            .call();
    assertThat(call.maxOutputTokens()).isEqualTo(granted);
  }

  @Test
  void whatIsForwardedReadsAsTheCallThatGoesOn() {
    Ceilings all =
        ceilings(
            c ->
                c.maxOutputTokens(10)
                    .maxContextTokens(2_048)
                    .maxChoices(2)
                    .maxLogprobs(0)
                    .maxKeepAlive(Duration.ofMinutes(5))
                    .loadOptions(false));
    for (Recording recording : Recorded.requests()) {
      Operation operation = Objects.requireNonNull(Recorded.operation(recording));
      Ceilings.Result.Within within = within(all, operation, recording.bodyText());
      String forwarded = StandardCharsets.UTF_8.decode(within.body()).toString();
      Call again = RequestReaderTest.checked(operation, forwarded).call();
      assertThat(again.maxOutputTokens()).isEqualTo(within.call().maxOutputTokens());
      assertThat(again.model()).isEqualTo(within.call().model());
      assertThat(again.prompt()).isEqualTo(within.call().prompt());
      assertThat(forwarded(all, operation, forwarded)).isEqualTo(forwarded);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"24h\" | \"300000ms\"",
        "-1 | \"300000ms\"",
        "\"-1s\" | \"300000ms\"",
        "\"-1\" | \"300000ms\"",
        "\"1h30m\" | \"300000ms\"",
        "86400 | \"300000ms\"",
        "1e300 | \"300000ms\"",
        "\"forever\" | \"300000ms\"",
        "\"5m\" | \"5m\"",
        "\"1m0.5s\" | \"1m0.5s\"",
        "300 | 300",
        "null | null",
        "0 | \"10000ms\"",
        "\"0\" | \"10000ms\"",
        "\"1ms\" | \"10000ms\"",
      })
  void keepAliveNeitherPinsNorUnloadsAModel(String asked, String sent) {
    Ceilings ceilings =
        ceilings(c -> c.minKeepAlive(Duration.ofSeconds(10)).maxKeepAlive(Duration.ofMinutes(5)));
    String body = "{\"model\":\"a\",\"keep_alive\":%s}";
    assertThat(forwarded(ceilings, Operation.OLLAMA_CHAT, body.formatted(asked)))
        .isEqualTo(body.formatted(sent));
  }

  @Test
  void loadTimeOptionsAreTakenOutKnownOrNot() {
    Ceilings ceilings = ceilings(c -> c.loadOptions(false));
    String body =
        "{\"model\":\"a\",\"options\":{\"num_gpu\":9,\"seed\":1,\"num_ctx\":9,\"use_mmap\":true,"
            + "\"of_tomorrow\":1,\"temperature\":0}}";
    assertThat(forwarded(ceilings, Operation.OLLAMA_CHAT, body))
        .isEqualTo("{\"model\":\"a\",\"options\":{\"seed\":1,\"temperature\":0}}");
    Ceilings context = ceilings(c -> c.loadOptions(false).maxContextTokens(8));
    assertThat(forwarded(context, Operation.OLLAMA_CHAT, body))
        .isEqualTo("{\"model\":\"a\",\"options\":{\"seed\":1,\"num_ctx\":8,\"temperature\":0}}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | {\"model\":\"a\",\"logprobs\":true,\"top_logprobs\":5} "
            + "| {\"model\":\"a\",\"logprobs\":false}",
        "0 | {\"logprobs\":5,\"model\":\"a\"} | {\"model\":\"a\"}",
        "2 | {\"model\":\"a\",\"logprobs\":true,\"top_logprobs\":5} "
            + "| {\"model\":\"a\",\"logprobs\":true,\"top_logprobs\":2}",
        "2 | {\"model\":\"a\",\"n_probs\":5} | {\"model\":\"a\",\"n_probs\":2}",
        "2 | {\"model\":\"a\",\"logprobs\":1} | {\"model\":\"a\",\"logprobs\":1}",
      })
  void logprobsHaveACeiling(int most, String body, String expected) {
    Ceilings ceilings = ceilings(c -> c.maxLogprobs(most));
    assertThat(forwarded(ceilings, Operation.OPENAI_CHAT, body)).isEqualTo(expected);
  }

  @Test
  void choicesHaveACeiling() {
    Ceilings ceilings = ceilings(c -> c.maxChoices(2));
    String body = "{\"model\":\"a\",\"n\":128,\"best_of\":200}";
    Ceilings.Result.Within within = within(ceilings, Operation.OPENAI_COMPLETIONS, body);
    assertThat(within.call().details().choices()).isEqualTo(2);
    assertThat(forwarded(ceilings, Operation.OPENAI_COMPLETIONS, body))
        .isEqualTo("{\"model\":\"a\",\"n\":2,\"best_of\":2}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OPENAI_CHAT | {\"model\":\"a\",\"max_tokens\":101} | ceiling-exceeded",
        "OPENAI_CHAT | {\"model\":\"a\",\"max_tokens\":-1} | ceiling-exceeded",
        "OPENAI_CHAT | {\"model\":\"a\",\"n\":3} | ceiling-exceeded",
        "OPENAI_CHAT | {\"model\":\"a\",\"logprobs\":true,\"top_logprobs\":3} | ceiling-exceeded",
        "OLLAMA_CHAT | {\"model\":\"a\",\"keep_alive\":-1} | ceiling-exceeded",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_ctx\":4096}} | ceiling-exceeded",
        "OLLAMA_CHAT | {\"model\":\"a\",\"options\":{\"num_gpu\":1}} | load-options",
        "OLLAMA_GENERATE | {\"model\":\"a\"} | load-only",
        "OLLAMA_GENERATE | {\"model\":\"a\",\"prompt\":\"\"} | load-only",
        "OLLAMA_CHAT | {\"model\":\"a\",\"messages\":[]} | load-only",
      })
  void whatAsksForMoreIsRefusedWhereThatIsChosen(Operation operation, String body, String reason) {
    Ceilings ceilings =
        ceilings(
            c ->
                c.mode(Ceilings.Mode.REFUSE)
                    .maxOutputTokens(100)
                    .maxChoices(2)
                    .maxLogprobs(2)
                    .maxContextTokens(2_048)
                    .maxKeepAlive(Duration.ofMinutes(5))
                    .loadOptions(false)
                    .loadOnly(!reason.equals("load-only")));
    Refusal refusal = refused(ceilings, operation, body);
    assertThat(refusal.status()).isEqualTo(403);
    assertThat(refusal.reason()).isEqualTo(reason);
    // a call that sets no limit asks for nothing too much: it gets the ceiling
    assertThat(
            forwarded(ceilings, Operation.OPENAI_COMPLETIONS, "{\"model\":\"a\",\"prompt\":\"x\"}"))
        .contains("\"max_tokens\":100");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "http://169.254.169.254/ | remote-media",
        "file:///etc/passwd | local-media",
      })
  void mediaThatTheServerWouldFetchOrReadAreRefusedUnlessAllowed(String url, String reason) {
    String body =
        "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
            + "\"image_url\":{\"url\":\""
            + url
            + "\"}}]}]}";
    Refusal refusal = refused(Ceilings.DEFAULT, Operation.OPENAI_CHAT, body);
    assertThat(refusal.reason()).isEqualTo(reason);
    assertThat(refusal.detail()).doesNotContain(url);
    Ceilings allowed = ceilings(c -> c.localMedia(true).remoteMedia(true));
    assertThat(forwarded(allowed, Operation.OPENAI_CHAT, body)).isEqualTo(body);
  }

  @Test
  void webSearchesOnTheServerAreRefusedUnlessAllowed() {
    String body = "{\"model\":\"a\",\"tools\":[{\"type\":\"web_search\"}]}";
    for (Operation operation :
        new Operation[] {Operation.ANTHROPIC_MESSAGES, Operation.OPENAI_RESPONSES}) {
      assertThat(refused(Ceilings.DEFAULT, operation, body).reason()).isEqualTo("server-tools");
      assertThat(forwarded(ceilings(c -> c.serverTools(true)), operation, body)).isEqualTo(body);
    }
  }

  @Test
  void otherEditsAreAppliedWithThem() {
    CheckedBody body = RequestReaderTest.checked(Operation.OPENAI_CHAT, "{\"model\":\"alias\"}");
    Ceilings ceilings = ceilings(c -> c.maxOutputTokens(5));
    Ceilings.Result result = ceilings.apply(body, body.edits().set("model", "real"));
    assertThat(StandardCharsets.UTF_8.decode(((Ceilings.Result.Within) result).body()).toString())
        .isEqualTo("{\"max_tokens\":5,\"model\":\"real\"}");
  }

  @Test
  void ceilingsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> ceilings(c -> c.maxOutputTokens(0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ceilings(c -> c.maxChoices(0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                ceilings(
                    c -> c.minKeepAlive(Duration.ofHours(1)).maxKeepAlive(Duration.ofMinutes(1))))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
