package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Recording;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelListsTest {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String filtered(String body, String... allowed) {
    byte[] result = ModelLists.filter(bytes(body), Set.of(allowed)::contains).orElseThrow();
    return new String(result, StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tags", "ps", "openai-models"})
  void aRecordedListPassesByteForByteWhereNothingIsTakenOut(String name) {
    byte[] body = Recording.of(name).responseBody();
    assertThat(ModelLists.filter(body, "gemma3:270m"::equals)).containsSame(body);
    assertThat(ModelLists.filter(body, model -> false).orElseThrow())
        .isEqualTo(
            bytes(
                name.equals("openai-models")
                    ? "{\"object\":\"list\",\"data\":[]}\n"
                    : "{\"models\":[]}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a b c | {\"data\":[{\"id\":\"a\"}, {\"id\":\"b\"}, {\"id\":\"c\"}],\"x\":1}",
        "a b | {\"data\":[{\"id\":\"a\"}, {\"id\":\"b\"}],\"x\":1}",
        "b c | {\"data\":[{\"id\":\"b\"},{\"id\":\"c\"}],\"x\":1}",
        "a c | {\"data\":[{\"id\":\"a\"},{\"id\":\"c\"}],\"x\":1}",
        "b | {\"data\":[{\"id\":\"b\"}],\"x\":1}",
        "d | {\"data\":[],\"x\":1}",
      })
  void entriesGoWithTheirCommas(String allowed, String expected) {
    String body = "{\"data\":[{\"id\":\"a\"}, {\"id\":\"b\"}, {\"id\":\"c\"}],\"x\":1}";
    assertThat(filtered(body, allowed.split(" ", -1))).isEqualTo(expected);
  }

  @Test
  void anEntryThatAnyOfItsNamesForbidsGoes() {
    String body =
        "{\"models\":[{\"name\":\"a\",\"model\":\"secret\"},{\"details\":{\"name\":\"a\"}}]}";
    assertThat(filtered(body, "a")).isEqualTo("{\"models\":[]}");
  }

  @Test
  void bothListsOfAnAnswerThatHasTwoAreFiltered() {
    // as llama.cpp's server answers /v1/models
    String body =
        "{\"models\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}";
    assertThat(filtered(body, "b"))
        .isEqualTo("{\"models\":[{\"name\":\"b\"}],\"data\":[{\"id\":\"b\"}]}");
  }

  @Test
  void entriesStandUnderTheReadersNames() {
    Map<String, List<String>> names = Map.of("up", List.of("x", "y\""), "b", List.of("b"));
    String body =
        "{\"models\":[{\"name\":\"up\",\"size\":1,\"model\":\"up\"},{\"name\":\"b\"},{\"name\":\"c\"}]}";
    byte[] result =
        ModelLists.rename(bytes(body), name -> names.getOrDefault(name, List.of())).orElseThrow();
    assertThat(new String(result, StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"models\":[{\"name\":\"x\",\"size\":1,\"model\":\"x\"},"
                + "{\"name\":\"y\\\"\",\"size\":1,\"model\":\"y\\\"\"},{\"name\":\"b\"}]}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{\"models\":{}}",
        "{\"models\":[\"secret\"]}",
        "{\"models\":[{\"name\":\"a\"}]",
        "{\"models\":[{\"name\":\"a\"}]} {\"models\":[{\"name\":\"secret\"}]}",
        "{\"models\":[],\"models\":[{\"name\":\"secret\"}]}",
        "{\"error\":\"x\"}",
      })
  void whatIsNoListIsNotShown(String body) {
    assertThat(ModelLists.filter(bytes(body), name -> true)).isEmpty();
  }

  @Test
  void aListOfNullIsAnEmptyOne() {
    byte[] body = bytes("{\"object\":\"list\",\"data\":null}");
    assertThat(ModelLists.filter(body, name -> false)).containsSame(body);
  }

  @Test
  void randomListsKeepExactlyWhatIsAllowed() {
    Random random = new Random(3);
    for (int round = 0; round < 2_000; round++) {
      List<String> all = new ArrayList<>();
      List<String> kept = new ArrayList<>();
      for (int i = random.nextInt(7); i > 0; i--) {
        String name = (random.nextBoolean() ? "good-" : "bad-") + random.nextInt(100);
        String entry = " {\"x\": [1 ,{}], \"name\" : \"" + name + "\"}";
        all.add(entry);
        if (name.startsWith("good-")) {
          kept.add(entry);
        }
      }
      String body = "{\"y\":2,\"models\":[" + String.join(" ,", all) + "\n] }";
      byte[] result =
          ModelLists.filter(bytes(body), name -> name.startsWith("good-")).orElseThrow();
      String text = new String(result, StandardCharsets.UTF_8);
      assertThat(Recorded.json(text))
          .isEqualTo(Recorded.json("{\"y\":2,\"models\":[" + String.join(",", kept) + "]}"));
    }
  }
}
