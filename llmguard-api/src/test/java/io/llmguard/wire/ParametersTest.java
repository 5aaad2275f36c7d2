package io.llmguard.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.Refusal;
import io.llmguard.testkit.Recording;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParametersTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Parameters LOCKED =
      Parameters.builder().lock("temperature", 0.2).lock("seed", 7).lock("stop", "END").build();

  private static String forwarded(Parameters parameters, Operation operation, String body) {
    CheckedBody checked = RequestReaderTest.checked(operation, body);
    BodyEdits edits = checked.edits();
    parameters.apply(checked, edits);
    return new String(edits.apply(), UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // nothing said
        "OLLAMA_CHAT | {'model':'a'}"
            + " | {'options':{'temperature':0.2,'seed':7,'stop':['END']},'model':'a'}",
        "OLLAMA_GENERATE | {'model':'a','options':{'top_k':1}}"
            + " | {'model':'a','options':{'temperature':0.2,'seed':7,'stop':['END'],'top_k':1}}",
        "OPENAI_CHAT | {'model':'a'} | {'temperature':0.2,'seed':7,'stop':['END'],'model':'a'}",
        "OPENAI_COMPLETIONS | {'model':'a'}"
            + " | {'temperature':0.2,'seed':7,'stop':['END'],'model':'a'}",
        "OPENAI_RESPONSES | {'model':'a'} | {'temperature':0.2,'seed':7,'stop':['END'],'model':'a'}",
        "ANTHROPIC_MESSAGES | {'model':'a'} | {'temperature':0.2,'stop_sequences':['END'],'model':'a'}",
        // something else said
        "OLLAMA_CHAT | {'model':'a','options':{'temperature':1,'seed':null,'stop':'no'}}"
            + " | {'model':'a','options':{'temperature':0.2,'seed':7,'stop':['END']}}",
        "OLLAMA_CHAT | {'model':'a','options':null}"
            + " | {'model':'a','options':{'temperature':0.2,'seed':7,'stop':['END']}}",
        "OPENAI_CHAT | {'temperature':1.5,'model':'a','seed':99,'stop':'no'}"
            + " | {'temperature':0.2,'model':'a','seed':7,'stop':['END']}",
        // what the dialect does not have goes
        "ANTHROPIC_MESSAGES | {'model':'a','seed':1,'temperature':0.2,'stop_sequences':['no']}"
            + " | {'model':'a','temperature':0.2,'stop_sequences':['END']}",
        // the same said
        "OPENAI_CHAT | {'temperature':0.2,'seed':7,'stop':['END'],'model':'a'}"
            + " | {'temperature':0.2,'seed':7,'stop':['END'],'model':'a'}",
        // nothing is generated
        "OLLAMA_EMBED | {'model':'a','input':'x','options':{'temperature':1}}"
            + " | {'model':'a','input':'x','options':{'temperature':1}}",
        "OPENAI_EMBEDDINGS | {'model':'a','input':'x'} | {'model':'a','input':'x'}"
      })
  void aLockedParameterHasItsValueInEveryDialect(Operation operation, String body, String sent) {
    assertThat(forwarded(LOCKED, operation, body.replace('\'', '"')))
        .isEqualTo(sent.replace('\'', '"'));
  }

  @Test
  void anotherSpellingDoesNotGetAroundALock() {
    Parameters parameters = Parameters.builder().lock("repetition_penalty", 1.1).build();
    assertThat(
            forwarded(
                parameters, Operation.OPENAI_CHAT, "{\"Repetition_Penalty\":3,\"model\":\"a\"}"))
        .isEqualTo("{\"repetition_penalty\":1.1,\"model\":\"a\"}");
    assertThat(
            forwarded(
                parameters,
                Operation.OLLAMA_CHAT,
                "{\"model\":\"a\",\"options\":{\"Repetition_penalty\":3}}"))
        .isEqualTo("{\"model\":\"a\",\"options\":{\"repetition_penalty\":1.1}}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OPENAI_CHAT | {'model':'a'} | {'top_p':0.9,'model':'a'}",
        "OPENAI_CHAT | {'model':'a','top_p':null} | {'model':'a','top_p':0.9}",
        "OPENAI_CHAT | {'model':'a','top_p':0.1} | {'model':'a','top_p':0.1}",
        "OLLAMA_CHAT | {'model':'a','top_p':0.1} | {'options':{'top_p':0.9},'model':'a','top_p':0.1}",
        "OLLAMA_CHAT | {'model':'a','options':{'top_p':0.1}} | {'model':'a','options':{'top_p':0.1}}",
        "ANTHROPIC_MESSAGES | {'model':'a'} | {'top_p':0.9,'model':'a'}"
      })
  void aDefaultHoldsWhereTheCallSaysNothing(Operation operation, String body, String sent) {
    Parameters parameters = Parameters.builder().byDefault("top_p", 0.9).build();
    assertThat(forwarded(parameters, operation, body.replace('\'', '"')))
        .isEqualTo(sent.replace('\'', '"'));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OLLAMA_CHAT | {'model':'a','options':{'seed':1}} | seed",
        "OLLAMA_GENERATE | {'model':'a','raw':true} | raw",
        "OPENAI_CHAT | {'model':'a','logit_bias':{}} | logit_bias",
        "OPENAI_CHAT | {'model':'a','Top_A':1} | top_a",
        "OPENAI_RESPONSES | {'model':'a','seed':null} | seed",
        "ANTHROPIC_MESSAGES | {'model':'a','seed':1} | seed"
      })
  void aRefusedParameterIsRefusedByName(Operation operation, String body, String name) {
    Parameters parameters =
        Parameters.builder()
            .refuse("seed")
            .refuse("logit_bias")
            .refuse("top_a")
            .refuse("raw")
            .build();
    Refusal refusal =
        parameters.refusal(RequestReaderTest.checked(operation, body.replace('\'', '"')));
    assertThat(refusal).isNotNull();
    assertThat(refusal.status()).isEqualTo(403);
    assertThat(refusal.reason()).isEqualTo("parameter-refused");
    assertThat(refusal.detail()).startsWith(name + " ");
    assertThat(parameters.refusal(RequestReaderTest.checked(operation, "{\"model\":\"a\"}")))
        .isNull();
  }

  @Test
  void theCloserDecisionCounts() {
    Parameters general =
        Parameters.builder()
            .lock("temperature", 0)
            .byDefault("top_p", 1)
            .byDefault("top_k", 40)
            .refuse("seed")
            .build();
    Parameters closer =
        Parameters.builder().byDefault("temperature", 2).byDefault("top_p", 0.5).build();
    Parameters both = closer.over(general);
    assertThat(forwarded(both, Operation.OPENAI_CHAT, "{\"model\":\"a\"}"))
        .isEqualTo("{\"temperature\":0,\"top_p\":0.5,\"top_k\":40,\"model\":\"a\"}");
    assertThat(
            both.refusal(
                RequestReaderTest.checked(Operation.OPENAI_CHAT, "{\"model\":\"a\",\"seed\":1}")))
        .isNotNull();
    assertThat(Parameters.NONE.over(general)).isEqualTo(general);
    assertThat(general.over(Parameters.NONE)).isEqualTo(general);
    assertThat(both.toString()).contains("TEMPERATURE").doesNotContain("0.5");
  }

  @Test
  void whatAParameterDoesNotTakeIsAnError() {
    Parameters.Builder builder = Parameters.builder();
    assertThatThrownBy(() -> builder.lock("temperature", "hot")).hasMessageContaining("a number");
    assertThatThrownBy(() -> builder.lock("temperature", Double.NaN))
        .hasMessageContaining("a number");
    assertThatThrownBy(() -> builder.lock("seed", 1.5)).hasMessageContaining("a whole number");
    assertThatThrownBy(() -> builder.lock("stop", List.of("a", 1))).hasMessageContaining("strings");
    assertThatThrownBy(() -> builder.byDefault("penalize_newline", 1)).hasMessageContaining("true");
    assertThatThrownBy(() -> builder.byDefault("max_tokens", 1))
        .hasMessageContaining("known: temp");
    for (String needed : new String[] {"model", "messages", "stream", "options", "a b", ""}) {
      assertThatThrownBy(() -> builder.refuse(needed)).isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(builder.build().isEmpty()).isTrue();
  }

  @Test
  void whereNothingIsDecidedRecordedCallsGoOnInTheVeryArray() {
    for (Recording recording : Recorded.requests()) {
      CheckedBody body =
          RequestReaderTest.checked(
              Objects.requireNonNull(Recorded.operation(recording)), recording.bodyText());
      BodyEdits edits = body.edits();
      Parameters.NONE.apply(body, edits);
      assertThat(edits.apply()).isSameAs(body.bytes());
    }
  }

  /**
   * Whatever a call says: what is sent is what it says but for what is decided, and means the same.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void whatIsSentIsTheCallWithWhatIsDecided(long seed) throws JsonProcessingException {
    Random random = new Random(seed);
    String[] names = {"temperature", "top_p", "top_k", "seed", "frequency_penalty"};
    Operation[] operations = {
      Operation.OLLAMA_CHAT,
      Operation.OLLAMA_GENERATE,
      Operation.OPENAI_CHAT,
      Operation.OPENAI_COMPLETIONS,
      Operation.OPENAI_RESPONSES
    };
    for (int round = 0; round < 500; round++) {
      Operation operation = operations[random.nextInt(operations.length)];
      boolean nested = operation.dialect() == Dialect.OLLAMA;
      ObjectNode call = JSON.createObjectNode().put("model", "a");
      ObjectNode said = nested ? JSON.createObjectNode().put("num_keep", 1) : call;
      ObjectNode expected = JSON.createObjectNode();
      Parameters.Builder parameters = Parameters.builder();
      for (String name : names) {
        boolean says = random.nextBoolean();
        if (says) {
          said.put(name, 1);
        }
        switch (random.nextInt(3)) {
          case 0 -> {
            parameters.lock(name, 2).byDefault(name, 4);
            expected.put(name, 2);
          }
          case 1 -> {
            parameters.byDefault(name, 3);
            expected.put(name, says ? 1 : 3);
          }
          default -> {
            if (says) {
              expected.put(name, 1);
            }
          }
        }
      }
      if (nested) {
        call.set("options", said);
      }
      JsonNode sent = JSON.readTree(forwarded(parameters.build(), operation, call.toString()));
      assertThat(sent.get("model").asText()).isEqualTo("a");
      JsonNode where = nested ? sent.get("options") : sent;
      ObjectNode rest = where.deepCopy();
      rest.remove(List.of("model", "num_keep"));
      assertThat(rest).isEqualTo(expected);
    }
  }
}
