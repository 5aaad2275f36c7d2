package io.llmguard.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import io.llmguard.admin.AdminConsole.Answer;
import io.llmguard.admin.internal.KeyField;
import io.llmguard.admin.internal.KeyField.Treatment;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.TestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The document and the handler say the same. */
class OpenApiTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final JsonSchemaFactory SCHEMAS =
      JsonSchemaFactory.getInstance(VersionFlag.V202012);

  private final JsonNode document = read(AdminApi.document());

  private static JsonNode read(byte[] json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void hasExactlyTheRoutesOfTheHandler() {
    Set<String> described = new TreeSet<>();
    for (Map.Entry<String, JsonNode> path : document.get("paths").properties()) {
      path.getValue()
          .fieldNames()
          .forEachRemaining(
              method -> described.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey()));
    }
    try (AdminConsole console = new AdminConsole()) {
      assertThat(console.api.routes().stream().map(AdminRoute::toString).toList())
          .containsExactlyInAnyOrderElementsOf(described);
    }
  }

  @Test
  void hasExactlyTheFieldsThatAreTaken() {
    Set<String> taken =
        KeyField.ALL.stream()
            .filter(field -> field.treatment() != Treatment.REFUSED)
            .map(KeyField::name)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(properties("RegenerateKey")).isEqualTo(taken);
    taken.remove("grace_period");
    assertThat(properties("UpdateKey")).isEqualTo(taken);
    taken.remove("key");
    assertThat(properties("GenerateKey")).isEqualTo(taken);
  }

  @Test
  void theGuideSaysWhatBecomesOfEachField() throws IOException {
    assertThat(
            Files.readAllLines(Path.of("../docs/admin.md")).stream()
                .filter(line -> line.startsWith("| `") && !line.contains("` /"))
                .filter(line -> !line.startsWith("| `GET") && !line.startsWith("| `POST"))
                .toList())
        .containsExactlyElementsOf(
            Stream.of(Treatment.values())
                .flatMap(
                    treatment ->
                        KeyField.ALL.stream().filter(field -> field.treatment() == treatment))
                .map(field -> "| `" + field.name() + "` | " + field.note() + " |")
                .toList());
  }

  private Set<String> properties(String schema) {
    Set<String> names = new TreeSet<>();
    document
        .at("/components/schemas/" + schema + "/properties")
        .fieldNames()
        .forEachRemaining(names::add);
    return names;
  }

  @Test
  void everyReferenceIsThereAndEverySchemaIsUsed() {
    Set<String> used = new LinkedHashSet<>();
    document.findValuesAsText("$ref").forEach(used::add);
    for (String reference : used) {
      assertThat(document.at(reference.substring(1)).isMissingNode()).as(reference).isFalse();
    }
    document
        .at("/components/schemas")
        .fieldNames()
        .forEachRemaining(name -> assertThat(used).contains("#/components/schemas/" + name));
  }

  @Test
  void realAnswersFitIt() {
    try (AdminConsole console = new AdminConsole()) {
      Answer made =
          console.post(
              "/key/generate",
              "{\"key_alias\":\"ci\",\"max_budget\":1.25,\"rpm_limit\":3,\"soft_budget\":1,"
                  + "\"budget_limits\":[{\"budget_duration\":\"1d\",\"max_budget\":1}],"
                  + "\"model_max_budget\":{\"a\":{\"budget_limit\":1,\"time_period\":\"1d\"}},"
                  + "\"duration\":\"30d\",\"model_rpm_limit\":{\"a\":1}}");
      String key = "{\"key\":\"" + made.json().get("id").asText() + "\"}";
      fits(made, "post", "/key/generate");
      fits(console.get("/key/info?key=" + made.json().get("id").asText()), "get", "/key/info");
      fits(console.get("/key/list"), "get", "/key/list");
      fits(console.get("/key/list?return_full_object=true"), "get", "/key/list");
      fits(console.post("/key/update", key), "post", "/key/update");
      fits(console.post("/key/block", key), "post", "/key/block");
      fits(console.post("/key/unblock", key), "post", "/key/unblock");
      fits(console.post("/key/regenerate", key), "post", "/key/regenerate");
      fits(
          console.post("/key/" + made.json().get("id").asText() + "/regenerate", ""),
          "post",
          "/key/{key}/regenerate");
      fits(console.post("/key/delete", "{\"key_aliases\":[\"ci\"]}"), "post", "/key/delete");
      console.spend(console.key(Scope.INFERENCE), "a", "u", 5);
      fits(console.get("/spend/logs"), "get", "/spend/logs");
      fits(
          console.get("/spend/logs?start_date=2026-01-01&end_date=2026-01-02"),
          "get",
          "/spend/logs");
      fits(console.get("/global/spend"), "get", "/global/spend");
      fits(console.get("/model/info"), "get", "/model/info");
      fits(console.get("/health"), "get", "/health");
      fits(console.get("/openapi.json"), "get", "/openapi.json");
      assertThat(console.get("/admin/openapi.json").json()).isEqualTo(document);
      // what the guard and the handler refuse
      fits(console.post("/key/generate", "{\"x\":1}"), "post", "/key/generate");
      fits(console.get("/key/info?key=none"), "get", "/key/info");
      fits(console.call(TestRequest.of("GET", "/key/list")), "get", "/key/list");
      fits(console.call(TestRequest.of("GET", "/health")), "get", "/health");
      fits(console.call(TestRequest.of("GET", "/admin/model/info")), "get", "/model/info");
    }
  }

  /** The answer has a described status, and its body the schema of it. */
  private void fits(Answer answer, String method, String path) {
    String where =
        "/paths/"
            + path.replace("~", "~0").replace("/", "~1")
            + "/"
            + method
            + "/responses/"
            + answer.status();
    JsonNode response = document.at(where);
    assertThat(response.isMissingNode())
        .as("%s %s answers %d: %s", method, path, answer.status(), answer.text())
        .isFalse();
    assertThat(answer.type()).isEqualTo("application/json");
    ObjectNode schema = document.deepCopy();
    schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.put("$ref", "#" + where + "/content/application~1json/schema");
    JsonSchema compiled = SCHEMAS.getSchema(schema);
    assertThat(compiled.validate(answer.json())).as(answer.text()).isEmpty();
  }
}
