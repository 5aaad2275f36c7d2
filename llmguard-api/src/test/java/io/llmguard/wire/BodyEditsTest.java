package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BodyEditsTest {
  private static BodyEdits edits(String body) {
    return RequestReaderTest.checked(Operation.OPENAI_CHAT, body).edits();
  }

  private static String applied(BodyEdits edits) {
    return new String(edits.apply(), StandardCharsets.UTF_8);
  }

  @Test
  void everyOtherByteStaysAsItWas() {
    String body = "{ \"x\" : [ 1.50 , \"\\u00e9é\" ] ,\n \"model\" : \"alias\" , \"y\" : { } }\n";
    assertThat(applied(edits(body).set("model", "up:\"stream")))
        .isEqualTo(body.replace("\"alias\"", "\"up:\\\"stream\""));
  }

  @Test
  void nothingChangesTheVeryArrayStays() {
    CheckedBody body =
        RequestReaderTest.checked(Operation.OPENAI_CHAT, "{\"model\":\"a\",\"n\":2}");
    BodyEdits same = body.edits().set("model", "a").set("n", 2).remove("user");
    assertThat(same.apply()).isSameAs(body.bytes());
    assertThat(body.edits().remove("options.num_ctx").apply()).isSameAs(body.bytes());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"model\":\"a\"} | {\"options\":{\"num_predict\":5},\"model\":\"a\"}",
        "{\"model\":\"a\",\"options\":{}} | {\"model\":\"a\",\"options\":{\"num_predict\":5}}",
        "{\"model\":\"a\",\"options\":{ \"seed\":1}} "
            + "| {\"model\":\"a\",\"options\":{\"num_predict\":5, \"seed\":1}}",
        "{\"model\":\"a\",\"options\":null} | {\"model\":\"a\",\"options\":{\"num_predict\":5}}",
        "{\"options\":{\"num_predict\":-1},\"model\":\"a\"} "
            + "| {\"options\":{\"num_predict\":5},\"model\":\"a\"}",
      })
  void aNestedFieldIsReplacedOrInserted(String before, String after) {
    CheckedBody body = RequestReaderTest.checked(Operation.OLLAMA_CHAT, before);
    assertThat(applied(body.edits().set("options.num_predict", 5))).isEqualTo(after);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"n\":1,\"model\":\"a\"} | {\"model\":\"a\"}",
        "{\"model\":\"a\",\"n\":1} | {\"model\":\"a\"}",
        "{\"model\":\"a\" , \"n\":1 , \"user\":\"u\"} | {\"model\":\"a\"}",
        "{\"n\":1,\"user\":\"u\",\"model\":\"a\"} | {\"model\":\"a\"}",
        "{\"n\":1,\"model\":\"a\",\"user\":\"u\"} | {\"model\":\"a\"}",
      })
  void aRemovedFieldTakesItsCommaAlong(String before, String after) {
    assertThat(applied(edits(before).remove("n").remove("user"))).isEqualTo(after);
  }

  @Test
  void onlyTheKnownObjectsHaveFields() {
    assertThatThrownBy(() -> edits("{\"model\":\"a\"}").set("messages.x", 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void randomEditsComeToExactlyTheIntendedChange() {
    Random random = new Random(8);
    List<String> fields =
        List.of("model", "n", "user", "x", "options", "keep_alive", "prompt", "format", "stream");
    List<String> nested = List.of("num_predict", "num_ctx", "seed", "stop", "num_gpu", "y");
    for (int round = 0; round < 5_000; round++) {
      String text = object(random, fields, nested);
      CheckedBody body = RequestReaderTest.checked(Operation.OLLAMA_CHAT, text);
      ObjectNode expected = (ObjectNode) Recorded.json(text);
      BodyEdits edits = body.edits();
      for (int i = random.nextInt(5); i >= 0; i--) {
        boolean inOptions = random.nextBoolean();
        String field = pick(random, inOptions ? nested : List.of("model", "n", "user", "x", "z"));
        ObjectNode target = expected;
        if (inOptions) {
          JsonNode options = expected.path("options");
          target = options.isObject() ? (ObjectNode) options : expected.objectNode();
        }
        String name = inOptions ? "options." + field : field;
        if (random.nextInt(3) == 0) {
          edits.remove(name);
          target.remove(field);
        } else if (random.nextBoolean()) {
          edits.set(name, i);
          target.put(field, i);
        } else {
          edits.set(name, "\u20ac\"\n" + i);
          target.put(field, "\u20ac\"\n" + i);
        }
        if (inOptions && !target.isEmpty()) {
          expected.set("options", target);
        }
      }
      JsonNode result = Recorded.json(applied(edits));
      if (!expected.path("options").isObject() || expected.path("options").isEmpty()) {
        // an empty object that is made anew, or is left, is as good as none
        if (result.path("options").isEmpty()) {
          ((ObjectNode) result).remove("options");
          expected.remove("options");
        }
      }
      assertThat(result).as(text).isEqualTo(expected);
    }
  }

  private static String object(Random random, List<String> names, List<String> nested) {
    List<String> order = new ArrayList<>(names);
    Collections.shuffle(order, random);
    List<String> members = new ArrayList<>();
    for (String name : order) {
      if (name.equals("model")) {
        members.add(member(random, name, "\"a\""));
      } else if (random.nextInt(3) > 0) {
        String value =
            switch (name) {
              case "options" -> random.nextInt(5) == 0 ? "null" : object(random, nested, List.of());
              case "num_predict", "num_ctx", "keep_alive" -> "" + random.nextInt();
              case "stream" -> "true";
              default -> pick(random, List.of("1", "\"\\\"}\"", "[{},[]]", "{\"a\":{}}", "null"));
            };
        members.add(member(random, name, value));
      }
    }
    return "{" + space(random) + String.join(space(random) + ",", members) + space(random) + "}";
  }

  private static String member(Random random, String name, String value) {
    return space(random) + '"' + name + '"' + space(random) + ":" + space(random) + value;
  }

  private static String space(Random random) {
    return pick(random, List.of("", "", " ", "\n\t"));
  }

  private static String pick(Random random, List<String> from) {
    return from.get(random.nextInt(from.size()));
  }
}
