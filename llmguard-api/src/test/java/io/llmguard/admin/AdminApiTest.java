package io.llmguard.admin;

import static io.llmguard.admin.AdminConsole.MASTER;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.llmguard.admin.AdminConsole.Answer;
import io.llmguard.audit.AuditEvent;
import io.llmguard.key.ApiKey;
import io.llmguard.key.KeyBudget;
import io.llmguard.key.KeyRecord;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.CallerCeilings;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdminApiTest {
  private final AdminConsole console = new AdminConsole();

  @AfterEach
  void close() {
    console.close();
  }

  private JsonNode generate(String body) {
    Answer answer = console.post("/key/generate", body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    return answer.json();
  }

  private KeyRecord record(JsonNode answer) {
    return Objects.requireNonNull(console.store.find(answer.get("id").asText()));
  }

  // ---- who may call

  @Test
  void nobodyWithoutScopeAdminReachesAnyRoute() {
    String low =
        console
            .key(Scope.INFERENCE, Scope.EMBEDDINGS, Scope.MODELS_READ, Scope.MODELS_WRITE)
            .reveal();
    for (AdminRoute route : console.api.routes()) {
      for (String root : List.of("", "/admin")) {
        String path = root + route.path().replace("{key}", "any");
        assertThat(console.call(TestRequest.of(route.method(), path)).status())
            .as(path)
            .isEqualTo(401);
        assertThat(console.call(TestRequest.of(route.method(), path).bearer(low)).status())
            .as(path)
            .isEqualTo(403);
        assertThat(console.call(TestRequest.of(route.method(), path + "?key=" + MASTER)).status())
            .as("a credential in the query")
            .isEqualTo(401);
      }
    }
  }

  @Test
  void anAdministratorsKeyDoesWhatTheMasterKeyDoes() {
    ApiKey admin = console.key(Scope.ADMIN);
    assertThat(console.call(TestRequest.of("GET", "/key/list").bearer(admin.reveal())).status())
        .isEqualTo(200);
    Answer own = console.call(TestRequest.of("GET", "/key/info").bearer(admin.reveal()));
    assertThat(own.json().get("key").asText()).isEqualTo(admin.hash().hex());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/key/generate/",
        "/key/generate%2f",
        "/key//generate",
        "/key/GENERATE",
        "/admin/admin/key/generate",
        "/key/regenerate/",
        "/key//regenerate",
        "/key/a/b/regenerate",
        "/key/a/regenerate/",
        "/key/unknown"
      })
  void aPathThatIsNotExactlyARouteIsNone(String path) {
    assertThat(console.post(path, "{}").status()).as(path).isIn(400, 404);
    assertThat(console.store.list()).isEmpty();
  }

  @Test
  void aPageOfAnotherSiteMayNotCallWithAmbientCredentials() {
    for (String site : List.of("cross-site", "same-site")) {
      assertThat(
              console
                  .call(
                      TestRequest.post("/key/generate", "{}")
                          .header("Content-Type", "application/json")
                          .header("Sec-Fetch-Site", site)
                          .bearer(MASTER))
                  .status())
          .isEqualTo(403);
    }
    // what a form can send without a preflight
    for (String type : List.of("text/plain", "application/x-www-form-urlencoded", "")) {
      TestRequest request = TestRequest.post("/key/generate", "{}").bearer(MASTER);
      assertThat(
              console
                  .call(type.isEmpty() ? request : request.header("Content-Type", type))
                  .status())
          .isEqualTo(415);
    }
    assertThat(console.store.list()).isEmpty();
  }

  // ---- keys

  @Test
  void aGeneratedKeyOpensTheDoorAtOnceAndIsShownOnce() {
    JsonNode made =
        generate(
            """
            {"key_alias":"ci","user_id":"u1","team_id":"t1","models":["gemma3:*","llama3.2"],
             "rpm_limit":60,"tpm_limit":100000,"max_parallel_requests":4,"max_budget":12.5,
             "budget_duration":"1mo","duration":"30d","metadata":{"cost_center":7},
             "tags":["a","b"],"model_rpm_limit":{"gemma3:270m":5},
             "scopes":["inference"],"networks":["10.0.0.0/8","127.0.0.1"],
             "ceilings":{"output_tokens":256,"keep_alive":"PT10M","choices":null,
                         "load_only":false},
             "priority":-7}
            """);
    String key = made.get("key").asText();
    assertThat(ApiKey.parse(key)).isInstanceOf(ApiKey.Parsed.WellFormed.class);
    assertThat(console.knock(key)).isEqualTo(200);
    KeyRecord record = record(made);
    assertThat(record.name()).isEqualTo("ci");
    assertThat(record.owner()).isEqualTo("u1");
    assertThat(record.team()).isEqualTo("t1");
    assertThat(record.models().patterns()).containsExactly("gemma3:*", "llama3.2");
    assertThat(record.limits().requests()).isEqualTo(RateLimit.whole(60, Duration.ofMinutes(1)));
    assertThat(record.limits().tokens()).isEqualTo(RateLimit.whole(100_000, Duration.ofMinutes(1)));
    assertThat(record.limits().concurrency()).isEqualTo(4);
    assertThat(record.limits().perModel())
        .containsEntry("gemma3:270m", RateLimit.whole(5, Duration.ofMinutes(1)));
    assertThat(record.budgetUsd()).hasToString("12.5");
    assertThat(record.budgetWindow()).isEqualTo("1mo");
    assertThat(record.expiresAt()).isEqualTo(console.time.now().plus(Duration.ofDays(30)));
    assertThat(record.scopes()).containsExactly(Scope.INFERENCE);
    assertThat(record.networks()).containsExactly("10.0.0.0/8", "127.0.0.1");
    assertThat(record.limits().ceilings())
        .isEqualTo(
            CallerCeilings.parse(
                Map.of("output_tokens", 256, "keep_alive", 600, "load_only", false)));
    assertThat(record.limits().priority()).isEqualTo(-7);
    assertThat(record.metadata()).isEqualTo("{\"cost_center\":7,\"tags\":[\"a\",\"b\"]}");
    assertThat(made.has("warnings")).isFalse();

    Answer info = console.get("/key/info?key=" + made.get("token").asText());
    assertThat(info.text()).doesNotContain(key).doesNotContain("sk-");
    assertThat(info.json().at("/info/rpm_limit").asInt()).isEqualTo(60);
    assertThat(info.json().at("/info/priority").asInt()).isEqualTo(-7);
    assertThat(info.json().at("/info/ceilings"))
        .hasToString("{\"output_tokens\":256,\"keep_alive\":\"PT10M\",\"load_only\":false}");
    assertThat(info.json().at("/info/metadata/cost_center").asInt()).isEqualTo(7);
    assertThat(console.get("/admin/key/info?key=" + record.id()).json()).isEqualTo(info.json());
    assertThat(console.get("/key/info?key=" + key).text()).isEqualTo(info.text());
    assertThat(console.get("/key/list?return_full_object=true").text()).doesNotContain(key);
  }

  @Test
  void anEmptyRequestMakesAKeyWithTheDefaults() {
    JsonNode made = generate("{}");
    KeyRecord record = record(made);
    assertThat(record.scopes()).isEqualTo(Scope.DEFAULTS);
    assertThat(record.name()).isEqualTo(record.id());
    assertThat(made.get("models")).isEmpty();
    assertThat(made.get("expires").isNull()).isTrue();
    assertThat(record(generate("")).scopes()).doesNotContain(Scope.ADMIN);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"rpm_limt\":1} | 'rpm_limt'",
        "{\"Models\":[]} | 'Models'",
        "{\"rpm_limit\":\"60\"} | rpm_limit must be a whole number",
        "{\"rpm_limit\":0} | rpm_limit",
        "{\"rpm_limit\":1.5} | rpm_limit",
        "{\"max_parallel_requests\":-1} | max_parallel_requests",
        "{\"priority\":\"high\"} | priority must be a whole number",
        "{\"priority\":1001} | priority must be a whole number between -1000 and 1000",
        "{\"max_budget\":-0.01} | max_budget",
        "{\"max_budget\":1e999999} | max_budget",
        "{\"max_budget\":1e-99999} | max_budget",
        "{\"budget_duration\":\"monthly\"} | budget_duration",
        "{\"budget_duration\":\"99999mo\"} | budget_duration",
        "{\"duration\":\"soon\"} | duration",
        "{\"duration\":\"2001-01-01\"} | duration",
        "{\"models\":\"gemma3\"} | models must be a list",
        "{\"models\":[\"all-team-models\"]} | all-team-models",
        "{\"models\":[1]} | models[0]",
        "{\"scopes\":[\"root\"]} | 'root'",
        "{\"key_type\":\"management\"} | key_type",
        "{\"networks\":[\"10.0.0.0/40\"]} | networks",
        "{\"ceilings\":[]} | ceilings must be an object",
        "{\"ceilings\":{\"output_tokens\":0}} | ceilings: ",
        "{\"ceilings\":{\"output_tokens\":1.5}} | ceilings: output_tokens must be a whole number",
        "{\"ceilings\":{\"max_tokens\":5}} | ceilings: there is no such ceiling",
        "{\"metadata\":[]} | metadata must be an object",
        "{\"key\":\"sk-1234\"} | key is not supported",
        "{\"key_alias\":\"a\\u001bb\"} | key_alias",
        "{\"guardrails\":[\"x\"]} | guardrails is not supported",
        "{\"allowed_routes\":[\"/chat\"]} | allowed_routes is not supported",
        "{\"auto_rotate\":true} | auto_rotate is not supported",
        "{\"rpm_limit\":1,\"rpm_limit\":2} | names something twice",
        "{} {} | no JSON",
        "[] | must be a JSON object",
        "{\"metadata\":{\"a\":[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]}} | nests deeper",
      })
  void whatIsWrongIsNamedAndNothingIsMade(String body, String named) {
    Answer answer = console.post("/key/generate", body);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.message()).contains(named);
    assertThat(console.store.list()).isEmpty();
  }

  @Test
  void fieldsThatScriptsSendOutOfHabitAreTakenAndSaid() {
    JsonNode made =
        generate(
            """
            {"aliases":{},"config":{},"permissions":{},"spend":0,"guardrails":[],"budget_id":null,
             "agent_id":"a","send_invite_email":true,"auto_rotate":false,"model_max_budget":{}}
            """);
    assertThat(made.get("warnings"))
        .extracting(JsonNode::asText)
        .satisfiesExactly(
            first -> assertThat(first).startsWith("agent_id"),
            second -> assertThat(second).startsWith("send_invite_email"));
  }

  @Test
  void aBodyBeyondTheBoundIs413AndLongMetadataIs400() {
    assertThat(
            console.post("/key/generate", "{\"user_id\":\"" + "a".repeat(70_000) + "\"}").status())
        .isEqualTo(413);
    assertThat(
            console
                .post("/key/generate", "{\"metadata\":{\"a\":\"" + "a".repeat(17_000) + "\"}}")
                .message())
        .contains("metadata");
    assertThat(console.store.list()).isEmpty();
  }

  @Test
  void anAliasIsTakenOnce() {
    generate("{\"key_alias\":\"ci\"}");
    assertThat(console.post("/key/generate", "{\"key_alias\":\"ci\"}").message())
        .contains("key_alias is taken");
    String other = generate("{\"key_alias\":\"other\"}").get("id").asText();
    assertThat(
            console
                .post("/key/update", "{\"key\":\"" + other + "\",\"key_alias\":\"ci\"}")
                .status())
        .isEqualTo(400);
  }

  @Test
  void anUpdateChangesWhatItNamesAndNullSetsTheDefault() {
    JsonNode made =
        generate("{\"rpm_limit\":60,\"max_budget\":5,\"models\":[\"a\"],\"duration\":\"1d\"}");
    String id = made.get("id").asText();
    Answer updated =
        console.post("/key/update", "{\"key\":\"" + id + "\",\"rpm_limit\":null,\"tpm_limit\":9}");
    assertThat(updated.status()).isEqualTo(200);
    KeyRecord record = record(made);
    assertThat(record.limits().requests()).isNull();
    assertThat(record.limits().tokens()).isEqualTo(RateLimit.whole(9, Duration.ofMinutes(1)));
    assertThat(record.budgetUsd()).hasToString("5");
    assertThat(record.models().patterns()).containsExactly("a");
    assertThat(record.expiresAt()).isNotNull();
    console.post(
        "/key/update",
        "{\"key\":\"" + id + "\",\"models\":[],\"duration\":\"-1\",\"max_budget\":\"\"}");
    assertThat(record(made).models().allows("anything")).isTrue();
    assertThat(record(made).expiresAt()).isNull();
    assertThat(record(made).budgetUsd()).isNull();
    assertThat(console.post("/key/update", "{\"rpm_limit\":1}").message())
        .contains("key is missing");
    assertThat(console.post("/key/update", "{\"key\":\"key_none\"}").status()).isEqualTo(404);
  }

  @Test
  void aKeyHasABudgetForEachWindowAndAnAlert() {
    JsonNode made =
        generate(
            """
            {"max_budget":10,"budget_duration":"30d","soft_budget":8,"budget_limits":[
             {"budget_duration":"24h","max_budget":1.5,"reset_at":null},
             {"budget_duration":"1h","tokens":5000}]}
            """);
    assertThat(made.has("warnings")).isFalse();
    KeyRecord record = record(made);
    assertThat(record.budgetUsd()).hasToString("10");
    assertThat(record.alertUsd()).hasToString("8");
    assertThat(record.furtherBudgets())
        .containsExactly(
            new KeyBudget(new BigDecimal("1.5"), null, "24h"), new KeyBudget(null, 5_000L, "1h"));
    JsonNode info = console.get("/key/info?key=" + record.id()).json().get("info");
    assertThat(info.get("soft_budget").asInt()).isEqualTo(8);
    assertThat(info.at("/budget_limits/0/budget_duration").asText()).isEqualTo("24h");
    assertThat(info.at("/budget_limits/0/max_budget").decimalValue()).isEqualByComparingTo("1.5");
    assertThat(info.at("/budget_limits/1/tokens").asInt()).isEqualTo(5_000);

    String named = "{\"key\":\"" + record.id() + "\",";
    console.post("/key/update", named + "\"max_budget\":12}");
    assertThat(record(made).furtherBudgets()).hasSize(2);
    assertThat(record(made).alertUsd()).hasToString("8");
    console.post("/key/update", named + "\"budget_limits\":null,\"soft_budget\":0}");
    assertThat(record(made).furtherBudgets()).isEmpty();
    assertThat(record(made).alertUsd()).isNull();
    assertThat(record(made).budgetUsd()).hasToString("12");
  }

  @Test
  void aKeyHasBudgetsForSingleModels() {
    JsonNode made =
        generate(
            """
            {"max_budget":10,"model_max_budget":{
             "gemma3:*":{"budget_limit":"0.5","time_period":"1d"},
             "llama3.2":{"max_budget":2,"budget_duration":"7d"}}}
            """);
    KeyRecord record = record(made);
    assertThat(record.furtherBudgets())
        .containsExactly(
            new KeyBudget(new BigDecimal("0.5"), null, "1d", "gemma3:*"),
            new KeyBudget(new BigDecimal(2), null, "7d", "llama3.2"));
    JsonNode info = console.get("/key/info?key=" + record.id()).json().get("info");
    assertThat(info.get("budget_limits")).isEmpty();
    assertThat(info.get("model_max_budget").get("gemma3:*").get("time_period").asText())
        .isEqualTo("1d");
    String named = "{\"key\":\"" + record.id() + "\",";
    console.post(
        "/key/update",
        named + "\"budget_limits\":[{\"budget_duration\":\"1d\",\"max_budget\":1}]}");
    assertThat(record(made).furtherBudgets()).hasSize(3);
    console.post("/key/update", named + "\"model_max_budget\":{}}");
    assertThat(record(made).furtherBudgets()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'model_max_budget':{'a':{'budget_limit':1}}} | model_max_budget",
        "{'model_max_budget':{'a':{'budget_limit':'x','time_period':'1d'}}} | budget_limit",
        "{'model_max_budget':{'a':{'budget_limit':1,'time_period':'1d','y':1}}} | y",
        "{'model_max_budget':{'a':1}} | model_max_budget",
        "{'max_budget':1,'soft_budget':2} | soft_budget",
        "{'budget_limits':[{'max_budget':2}]} | budget_limits[0]",
        "{'budget_limits':[{'budget_duration':'1d'}]} | budget_limits[0]",
        "{'budget_limits':[{'budget_duration':'1d','max_budget':1,'tokens':2}]} | budget_limits[0]",
        "{'budget_limits':[{'budget_duration':'soon','max_budget':1}]} | budget_duration",
        "{'budget_limits':[{'budget_duration':'1d','max_budget':1,'x':2}]} | x",
        "{'budget_limits':[{'budget_duration':'1d','max_budget':-1}]} | max_budget",
        "{'budget_limits':5} | budget_limits",
        "{'max_budget':1,'budget_duration':'1d',"
            + "'budget_limits':[{'budget_duration':'1d','max_budget':2}]} | window 1d",
      })
  void aBudgetThatCannotHoldIsRefused(String body, String named) {
    Answer answer = console.post("/key/generate", body.replace('\'', '"'));
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.message()).contains(named);
    assertThat(console.store.list()).isEmpty();
  }

  @Test
  void aBlockedKeyIsRefusedFromTheNextCallOnUntilItIsUnblocked() {
    JsonNode made = generate("{}");
    String key = made.get("key").asText();
    String named = "{\"key\":\"" + made.get("token").asText() + "\"}";
    assertThat(console.post("/key/block", named).json().get("blocked").asBoolean()).isTrue();
    assertThat(console.knock(key)).isEqualTo(401);
    assertThat(console.post("/key/block", named).status()).isEqualTo(200);
    assertThat(console.post("/key/unblock", named).json().get("blocked").asBoolean()).isFalse();
    assertThat(console.knock(key)).isEqualTo(200);
    assertThat(console.knock(generate("{\"blocked\":true}").get("key").asText())).isEqualTo(401);
  }

  @Test
  void aRegeneratedKeyKeepsItsRecordAndTheOldOneItsWholeGraceAndNoLonger() {
    JsonNode made = generate("{\"rpm_limit\":7}");
    String old = made.get("key").asText();
    Answer answer =
        console.post(
            "/key/regenerate",
            "{\"key\":\"" + old + "\",\"grace_period\":\"24h\",\"tpm_limit\":3}");
    String fresh = answer.json().get("key").asText();
    assertThat(fresh).isNotEqualTo(old);
    assertThat(answer.json().get("id")).isEqualTo(made.get("id"));
    assertThat(record(made).limits().requests()).isNotNull();
    assertThat(record(made).limits().tokens()).isNotNull();
    assertThat(console.knock(fresh)).isEqualTo(200);
    for (int hours = 0; hours < 24; hours++) {
      assertThat(console.knock(old)).as("after " + hours + " h").isEqualTo(200);
      console.time.advance(Duration.ofHours(1));
    }
    assertThat(console.knock(old)).isEqualTo(401);
    assertThat(console.knock(fresh)).isEqualTo(200);

    Answer again = console.post("/key/" + made.get("id").asText() + "/regenerate", "");
    assertThat(again.status()).isEqualTo(200);
    assertThat(console.knock(fresh)).isEqualTo(401);
  }

  @Test
  void aSecondRotationWithGraceHasToWaitForTheFirstOnes() {
    String id = generate("{\"rpm_limit\":7}").get("id").asText();
    String path = "/key/" + id + "/regenerate";
    assertThat(console.post(path, "{\"grace_period\":\"24h\"}").status()).isEqualTo(200);
    Answer refused = console.post(path, "{\"grace_period\":\"1h\",\"rpm_limit\":9}");
    assertThat(refused.status()).isEqualTo(400);
    Answer info = console.get("/key/info?key=" + id);
    assertThat(info.text()).contains("\"rpm_limit\":7");
    assertThat(console.post(path, "").status()).isEqualTo(200);
  }

  @Test
  void aRevokedKeyStaysRevoked() {
    JsonNode made = generate("{}");
    console.store.revoke(made.get("id").asText());
    String named = "{\"key\":\"" + made.get("id").asText() + "\"}";
    for (String path : List.of("/key/unblock", "/key/block", "/key/update", "/key/regenerate")) {
      assertThat(console.post(path, named).status()).as(path).isEqualTo(409);
    }
    assertThat(console.get("/key/info?key=" + made.get("id").asText()).json().at("/info/state"))
        .hasToString("\"revoked\"");
  }

  @Test
  void deletingIsAllOrNothing() {
    String one = generate("{\"key_alias\":\"one\"}").get("key").asText();
    String two = generate("{\"key_alias\":\"two\"}").get("token").asText();
    assertThat(console.post("/key/delete", "{\"keys\":[\"" + two + "\",\"key_none\"]}").status())
        .isEqualTo(404);
    assertThat(console.post("/key/delete", "{\"key_aliases\":[\"three\"]}").status())
        .isEqualTo(404);
    assertThat(console.post("/key/delete", "{}").status()).isEqualTo(400);
    assertThat(console.store.list()).hasSize(2);
    Answer deleted =
        console.post("/key/delete", "{\"keys\":[\"" + two + "\"],\"key_aliases\":[\"one\"]}");
    assertThat(deleted.json().get("deleted_keys")).hasSize(2);
    assertThat(deleted.text()).doesNotContain("sk-");
    assertThat(console.store.list()).isEmpty();
    assertThat(console.knock(one)).isEqualTo(401);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "' OR '1'='1",
        "key_' OR 1=1 --",
        "%25",
        "key_%",
        "../../etc/passwd",
        "sk-0000000000000000000000000000000000000000000000000"
      })
  void aForgedNameOfAKeyFindsNone(String forged) throws Exception {
    generate("{}");
    String encoded = java.net.URLEncoder.encode(forged, java.nio.charset.StandardCharsets.UTF_8);
    assertThat(console.get("/key/info?key=" + encoded).status()).isEqualTo(404);
    assertThat(
            console
                .post("/key/delete", "{\"keys\":[\"" + forged.replace("\"", "") + "\"]}")
                .status())
        .isEqualTo(404);
    assertThat(console.store.list()).hasSize(1);
  }

  @Test
  void listsPageByPageAndByWhomTheKeysAre() {
    for (int i = 0; i < 7; i++) {
      generate("{\"key_alias\":\"k" + i + "\",\"user_id\":\"u" + i % 2 + "\",\"team_id\":\"t\"}");
      console.time.advance(Duration.ofSeconds(1));
    }
    JsonNode first = console.get("/key/list?page=1&size=3").json();
    assertThat(first.get("keys")).hasSize(3);
    assertThat(first.get("keys").get(0).asText()).matches("[0-9a-f]{64}");
    assertThat(first.get("total_count").asInt()).isEqualTo(7);
    assertThat(first.get("total_pages").asInt()).isEqualTo(3);
    assertThat(console.get("/key/list?page=3&size=3").json().get("keys")).hasSize(1);
    assertThat(console.get("/key/list?page=9&size=3").json().get("keys")).isEmpty();
    JsonNode ofUser =
        console.get("/key/list?user_id=u1&return_full_object=true&sort_order=asc").json();
    assertThat(ofUser.get("keys"))
        .extracting(key -> key.get("key_alias").asText())
        .containsExactly("k1", "k3", "k5");
    assertThat(console.get("/key/list?team_id=t&user_id=u0").json().get("keys")).hasSize(4);
    for (String wrong :
        List.of("size=101", "page=0", "page=x", "nonsense=1", "size=1&size=2", "sort_by=hash")) {
      assertThat(console.get("/key/list?" + wrong).status()).as(wrong).isEqualTo(400);
    }
  }

  // ---- what was spent

  @Test
  void tellsWhatWasSpentCallByCallDayByDayAndInAll() {
    ApiKey one = console.key(Scope.INFERENCE);
    ApiKey two = console.key(Scope.INFERENCE);
    String first = console.spend(one, "a", "u1", 1_500_000_000L);
    console.time.advance(Duration.ofDays(1));
    console.spend(two, "a", "u2", 250_000_000L);
    String last = console.spend(one, "b", "u1", 1L);

    JsonNode logs = console.get("/spend/logs").json();
    assertThat(logs).hasSize(3);
    assertThat(logs.get(0).get("request_id").asText()).isEqualTo(last);
    assertThat(logs.get(0).get("spend").decimalValue()).isEqualByComparingTo("0.000000001");
    assertThat(logs.get(2).get("api_key").asText()).isEqualTo(one.hash().hex());
    assertThat(logs.get(2).get("total_tokens").asInt()).isEqualTo(86);
    assertThat(console.get("/spend/logs?api_key=" + two.hash().hex()).json()).hasSize(1);
    assertThat(console.get("/spend/logs?user_id=u1&limit=1").json()).hasSize(1);
    JsonNode page = console.get("/spend/logs?user_id=u1&limit=1&after=" + last).json();
    assertThat(page.get(0).get("request_id").asText()).isEqualTo(first);
    assertThat(console.get("/spend/logs?request_id=" + first).json()).hasSize(1);
    assertThat(console.get("/spend/logs?request_id=none").json()).isEmpty();
    assertThat(console.get("/spend/logs?api_key=key_none").status()).isEqualTo(404);

    JsonNode days = console.get("/spend/logs?start_date=2026-01-01&end_date=2026-01-02").json();
    assertThat(days).hasSize(2);
    assertThat(days.get(0).get("startTime").asText()).isEqualTo("2026-01-01");
    assertThat(days.get(0).get("spend").decimalValue()).isEqualByComparingTo("1.5");
    assertThat(days.get(1).at("/users/u2").decimalValue()).isEqualByComparingTo("0.25");
    assertThat(days.get(1).at("/models/b").decimalValue()).isEqualByComparingTo("0.000000001");
    assertThat(
            console
                .get("/spend/logs?start_date=2026-01-02&end_date=2026-01-02&summarize=false")
                .json())
        .hasSize(2);
    for (String wrong :
        List.of(
            "start_date=yesterday",
            "start_date=2026-01-02&end_date=2026-01-01",
            "start_date=2020-01-01&end_date=2026-01-01",
            "limit=10001",
            "after=x")) {
      assertThat(console.get("/spend/logs?" + wrong).status()).as(wrong).isEqualTo(400);
    }

    JsonNode global = console.get("/global/spend").json();
    assertThat(global.get("spend").decimalValue()).isEqualByComparingTo("1.750000001");
    assertThat(global.get("max_budget").asInt()).isEqualTo(100);
    assertThat(
            console
                .get("/key/info?key=" + two.hash().hex())
                .json()
                .at("/info/spend")
                .decimalValue())
        .isEqualByComparingTo("0.25");
  }

  // ---- models and their servers

  @Test
  void tellsTheModelsAndWhetherTheirServersAnswer() {
    JsonNode models = console.get("/model/info").json().get("data");
    assertThat(models).hasSize(2);
    assertThat(models.get(0).get("model_name").asText()).isEqualTo("moltbot-llm");
    assertThat(models.get(0).at("/litellm_params/model").asText()).isEqualTo("ollama/mistral");
    String id = models.get(1).at("/model_info/id").asText();
    assertThat(console.get("/model/info?litellm_model_id=" + id).json().get("data")).hasSize(1);
    assertThat(console.get("/model/info?litellm_model_id=none").status()).isEqualTo(404);

    JsonNode health = console.get("/health").json();
    assertThat(health.get("healthy_count").asInt()).isEqualTo(1);
    assertThat(health.at("/unhealthy_endpoints/0/error").asText()).isEqualTo("connection refused");
    assertThat(console.get("/health?model=other").json().get("healthy_count").asInt()).isZero();
  }

  // ---- the trail

  @Test
  void everyCallIsAuditedWithTheKeyThatItChangedAndNoSecret() {
    JsonNode made = generate("{\"key_alias\":\"ci\"}");
    String id = made.get("id").asText();
    String key = made.get("key").asText();
    console.post("/key/block", "{\"key\":\"" + key + "\"}");
    console.post("/key/" + key + "/regenerate", "{}");
    console.call(TestRequest.of("POST", "/key/" + key + "/regenerate"));
    console.post("/key/block", "{\"key\":\"key_none\"}");
    assertThat(console.audited)
        .extracting(AuditEvent::target)
        .containsExactly(id, id, id, null, null);
    assertThat(console.audited)
        .extracting(AuditEvent::path)
        .containsExactly(
            "/key/generate",
            "/key/block",
            "/key/{key}/regenerate",
            "/key/sk-…/regenerate",
            "/key/block");
    assertThat(Set.of(200, 401, 404)).contains(console.audited.get(3).status());
    assertThat(console.audited.get(4).status()).isEqualTo(404);
  }
}
