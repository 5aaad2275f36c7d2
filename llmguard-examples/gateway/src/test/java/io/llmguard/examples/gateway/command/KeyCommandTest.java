package io.llmguard.examples.gateway.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.examples.gateway.Main;
import io.llmguard.key.ApiKey;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

class KeyCommandTest {
  @TempDir private Path folder = Path.of("");

  private Path config = Path.of("");
  private String out = "";
  private String err = "";

  @BeforeEach
  void writeConfig() throws IOException {
    config = folder.resolve("config.yaml");
    Files.writeString(config, "llmguard: {data_dir: " + folder.resolve("data") + "}\n");
  }

  private int key(String... args) {
    List<String> all = new ArrayList<>(List.of("key"));
    all.addAll(List.of(args));
    all.addAll(List.of("--config", config.toString()));
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    CommandLine line =
        Main.commandLine()
            .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
            .setOut(new PrintWriter(outText, true))
            .setErr(new PrintWriter(errText, true));
    int code = line.execute(all.toArray(String[]::new));
    out = outText.toString();
    err = errText.toString();
    return code;
  }

  private JsonNode json() throws IOException {
    return new ObjectMapper().readTree(out);
  }

  @Test
  void aCreatedKeyIsPrintedOnceAsJsonAndNothingElse() throws IOException {
    assertThat(key("create", "--name", "ci", "--models", "a,b:*", "--expires", "30d", "--json"))
        .isZero();
    JsonNode created = json();
    assertThat(created.fieldNames()).toIterable().containsExactly("id", "key");
    String secret = created.get("key").asText();
    assertThat(ApiKey.parse(secret)).isInstanceOf(ApiKey.Parsed.WellFormed.class);

    assertThat(key("show", created.get("id").asText(), "--json")).isZero();
    assertThat(json().get("models")).extracting(JsonNode::asText).containsExactly("a", "b:*");
    assertThat(json().get("state").asText()).isEqualTo("active");
    assertThat(json().get("expires").isNull()).isFalse();
    assertThat(out).doesNotContain(secret);

    assertThat(key("list")).isZero();
    assertThat(out).contains("ci", "active").doesNotContain(secret);
    assertThat(out.lines()).allMatch(line -> line.length() <= 100);
  }

  @Test
  void aKeyHasLimitsAndABudgetOfItsOwn() throws IOException {
    assertThat(
            key(
                "create",
                "--name",
                "ci",
                "--requests",
                "60/1m",
                "--burst",
                "5",
                "--tokens",
                "1000/1h",
                "--concurrency",
                "2",
                "--priority",
                "-10",
                "--ceilings",
                "output_tokens=64,keep_alive=10m,min_keep_alive=30,load_only=false",
                "--budget-usd",
                "5.50",
                "--budget-window",
                "1mo",
                "--json"))
        .isZero();
    assertThat(key("show", "ci", "--json")).isZero();
    JsonNode shown = json();
    assertThat(shown.get("requests").get("amount").asInt()).isEqualTo(60);
    assertThat(shown.get("requests").get("per").asText()).isEqualTo("PT1M");
    assertThat(shown.get("requests").get("burst").asInt()).isEqualTo(5);
    assertThat(shown.get("tokens").get("amount").asInt()).isEqualTo(1000);
    assertThat(shown.get("tokens").get("burst").asInt()).isEqualTo(999);
    assertThat(shown.get("concurrency").asInt()).isEqualTo(2);
    assertThat(shown.get("priority").asInt()).isEqualTo(-10);
    assertThat(shown.get("ceilings"))
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    "{\"output_tokens\":64,\"keep_alive\":\"PT10M\",\"min_keep_alive\":\"PT30S\","
                        + "\"load_only\":false}"));
    assertThat(shown.get("budget_usd").decimalValue()).isEqualByComparingTo("5.50");
    assertThat(shown.get("budget_window").asText()).isEqualTo("1mo");

    for (String[] wrong :
        List.of(
            new String[] {"--requests", "60"},
            new String[] {"--tokens", "many/1h"},
            new String[] {"--burst", "5"},
            new String[] {"--budget-window", "1d"},
            new String[] {"--budget-usd", "-1"},
            new String[] {"--budget-usd", "1", "--budget-window", "often"},
            new String[] {"--priority", "1001"},
            new String[] {"--ceilings", "output=64"},
            new String[] {"--ceilings", "output_tokens=10m"},
            new String[] {"--ceilings", "output_tokens=0"},
            new String[] {"--ceilings", "keep_alive=long"},
            new String[] {"--ceilings", "load_only=1"},
            new String[] {"--concurrency", "0"})) {
      List<String> args = new ArrayList<>(List.of("create", "--name", "x"));
      args.addAll(List.of(wrong));
      assertThat(key(args.toArray(String[]::new))).as("%s", args).isEqualTo(Main.UNUSABLE);
    }
    assertThat(key("list", "--json")).isZero();
    assertThat(json()).hasSize(1);
  }

  @Test
  void aChangeOfStateIsPrintedAsJsonAndNothingElse() throws IOException {
    key("create", "--name", "ci", "--json");
    String id = json().get("id").asText();
    for (String[] change :
        List.of(
            new String[] {"block", "blocked"},
            new String[] {"unblock", "active"},
            new String[] {"revoke", "revoked"})) {
      assertThat(key(change[0], id, "--json")).isZero();
      assertThat(json().get("id").asText()).isEqualTo(id);
      assertThat(json().get("state").asText()).isEqualTo(change[1]);
    }
  }

  @Test
  void theDatabaseIsForItsOwnerOnlyAndHoldsNoKey() throws IOException {
    key("create", "--name", "ci", "--json");
    String secret = json().get("key").asText();
    Path data = folder.resolve("data");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(data)))
        .isEqualTo("rwx------");
    try (var files = Files.list(data)) {
      for (Path file : files.toList()) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
            .as("%s", file)
            .isEqualTo("rw-------");
        assertThat(
                new String(Files.readAllBytes(file), java.nio.charset.StandardCharsets.ISO_8859_1))
            .doesNotContain(secret);
      }
    }
  }

  @Test
  void aKeyIsBlockedUnblockedRotatedAndRevokedByIdOrName() throws IOException {
    key("create", "--name", "ci", "--json");
    String id = json().get("id").asText();
    String first = json().get("key").asText();
    assertThat(key("block", "ci")).isZero();
    assertThat(out).contains(id, "is blocked");
    assertThat(key("block", "ci")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("not active");
    assertThat(key("unblock", id)).isZero();
    assertThat(key("rotate", id, "--grace", "1h", "--json")).isZero();
    assertThat(json().get("id").asText()).isEqualTo(id);
    assertThat(json().get("key").asText()).isNotEqualTo(first);
    assertThat(key("rotate", id, "--grace", "1h")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("grace");
    assertThat(key("revoke", id)).isZero();
    assertThat(key("rotate", id)).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("revoked");
  }

  @Test
  void badInputSaysWhatToDo() {
    assertThat(key("show", "nobody")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("nobody", "key list");
    assertThat(key("create", "--name", "x", "--scopes", "everything")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("everything", "models:write");
    assertThat(key("create", "--name", "x", "--expires", "soon")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("--expires");
    assertThat(key("create", "--name", "x", "--networks", "10.0.0.0/99")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("10.0.0.0/99");
    assertThat(key("create")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("--name");
    assertThat(key("list")).isZero();
    assertThat(out).contains("no keys yet");
  }

  @Test
  void twoKeysOfOneNameAreToldApartByTheirIds() {
    key("create", "--name", "twin");
    key("create", "--name", "twin");
    assertThat(key("block", "twin")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("more than one");
  }
}
