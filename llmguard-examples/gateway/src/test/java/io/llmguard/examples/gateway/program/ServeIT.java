package io.llmguard.examples.gateway.program;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The first minutes with the program, as the README has them. */
@Timeout(300)
class ServeIT {
  private static final String PROMPT = "Tell me a fact about the sea.";
  private static final String CHAT =
      "{\"model\":\"gemma3:270m\",\"messages\":[{\"role\":\"user\",\"content\":\""
          + PROMPT
          + "\"}]}";
  private static final List<String> GUIDES_FIELDS =
      List.of("ts", "apiKey", "ip", "model", "promptHash", "promptLength", "duration", "status");

  @TempDir private Path folder = Path.of("");

  private Path trail() {
    return folder.resolve("llmguard-data/audit.jsonl");
  }

  @Test
  void theFirstCommandOfTheReadmeGuardsADemo() throws Exception {
    String key;
    try (Program program = Program.in(folder).start("serve", "--demo", "--listen", "127.0.0.1:0")) {
      int port = program.port();
      key = firstKey(program.out());
      assertThat(program.out()).contains("upstream", "limits", "10 in 1m", "audit");
      assertSevenAtOnce(port, key);
      try (RawHttp client = RawHttp.connect(port)) {
        client.post("/api/chat", CHAT);
        RawHttp.Head head = client.readHead();
        assertThat(head.status()).isEqualTo(401);
        assertThat(head.header("WWW-Authenticate")).isPresent();
      }
      program.terminate();
      Program.Ended ended = program.awaitEnd();
      assertThat(ended.code()).isEqualTo(143);
      assertThat(ended.out() + ended.err()).doesNotContain(key);
    }
    assertTrail();
  }

  /** The key from the file that is named where nobody reads a terminal. */
  private String firstKey(String banner) throws Exception {
    Path file = folder.resolve("llmguard-data/first-key.txt").toRealPath();
    assertThat(banner).containsPattern("first key +in the file \\S*first-key\\.txt");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    String key = Files.readString(file).strip();
    assertThat(key).startsWith("sk-");
    assertThat(banner).doesNotContain(key);
    return key;
  }

  /** Six stream side by side, piece by piece; one has to wait. */
  private static void assertSevenAtOnce(int port, String key) throws Exception {
    List<RawHttp> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 7; i++) {
        RawHttp client = RawHttp.connect(port);
        clients.add(client);
        client.post("/api/chat", CHAT, "Authorization: Bearer " + key);
      }
      Recording recorded = Recording.of("chat-stream");
      int streams = 0;
      int refused = 0;
      for (RawHttp client : clients) {
        RawHttp.Head head = client.readHead();
        if (head.status() == 429) {
          refused++;
          assertThat(head.header("Retry-After"))
              .hasValueSatisfying(wait -> assertThat(Integer.parseInt(wait)).isBetween(1, 6));
          continue;
        }
        streams++;
        assertThat(head.status()).isEqualTo(200);
        byte[] first = client.readSome();
        assertThat(first).isEqualTo(recorded.chunks().get(0));
        assertThat(new String(first, StandardCharsets.UTF_8) + client.readText())
            .isEqualTo(recorded.responseText());
        assertThat(client.end()).isEqualTo(RawHttp.End.COMPLETE);
      }
      assertThat(streams).isEqualTo(6);
      assertThat(refused).isEqualTo(1);
    } finally {
      for (RawHttp client : clients) {
        client.close();
      }
    }
  }

  /** Each call has its line, and a line that a hand has changed is found. */
  private void assertTrail() throws Exception {
    List<JsonNode> calls = new ArrayList<>();
    int edited = 0;
    List<String> lines = new ArrayList<>(Files.readAllLines(trail()));
    for (String line : lines) {
      JsonNode node = new ObjectMapper().readTree(line);
      if (!node.has("marker")) {
        assertThat(node.fieldNames()).toIterable().containsAll(GUIDES_FIELDS);
        calls.add(node);
        edited = calls.size() == 3 ? lines.indexOf(line) : edited;
      }
    }
    assertThat(calls)
        .extracting(call -> call.get("status").asInt())
        .containsExactlyInAnyOrder(200, 200, 200, 200, 200, 200, 429, 401);
    String hash =
        HexFormat.of()
            .formatHex(
                MessageDigest.getInstance("SHA-256")
                    .digest(("user: " + PROMPT).getBytes(StandardCharsets.UTF_8)));
    assertThat(calls)
        .filteredOn(call -> call.get("status").asInt() == 200)
        .allSatisfy(
            call -> {
              assertThat(call.get("model").asText()).isEqualTo("gemma3:270m");
              assertThat(call.get("promptHash").asText()).isEqualTo(hash);
              assertThat(call.get("promptLength").asInt()).isEqualTo(6 + PROMPT.length());
              assertThat(call.get("ip").asText()).isEqualTo("127.0.0.1");
            });

    Program.Ended intact = Program.in(folder).run("audit", "verify");
    assertThat(intact.out()).startsWith("intact: ");
    assertThat(intact.code()).isZero();

    lines.set(edited, lines.get(edited).replaceFirst("\"duration\":", "\"duration\":1"));
    Files.write(trail(), lines);
    Program.Ended found = Program.in(folder).run("audit", "verify");
    assertThat(found.out())
        .contains("audit.jsonl:" + (edited + 1) + ": ")
        .contains("NOT INTACT: 1 problem in ");
    assertThat(found.code()).isEqualTo(1);
  }
}
