package io.llmguard.examples.gateway.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.server.RunningGateway;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AuditCommandTest {
  @TempDir private Path folder;

  private String out = "";

  private int audit(String... args) throws IOException {
    List<String> all = new ArrayList<>(List.of("audit"));
    all.addAll(List.of(args));
    all.addAll(List.of("--config", cli().toString()));
    StringWriter text = new StringWriter();
    int code =
        Main.commandLine().setOut(new PrintWriter(text, true)).execute(all.toArray(String[]::new));
    out = text.toString();
    return code;
  }

  /** The gateway's configuration without what only its test environment has. */
  private Path cli() throws IOException {
    Path file = folder.resolve("cli.yaml");
    Files.writeString(
        file,
        "llmguard:\n  data_dir: "
            + folder.resolve("data")
            + "\n  audit: {file: "
            + folder.resolve("apart/trail.jsonl")
            + "}\n");
    return file;
  }

  private void serve(String more, int calls) throws Exception {
    try (RunningGateway gateway =
        RunningGateway.start(
            folder, RunningGateway.settings("audit: {file: apart/trail.jsonl" + more + "}"))) {
      call(gateway, calls);
    }
  }

  private static void call(RunningGateway gateway, int calls) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(gateway.url() + "/api/version")).build();
    HttpClient client = HttpClient.newHttpClient();
    for (int i = 0; i < calls; i++) {
      client.send(request, BodyHandlers.discarding());
    }
  }

  @Test
  void aCutTailIsFoundThoughAHeadThatFitsItWasPlantedBesideTheTrail() throws Exception {
    serve("", 2);
    Path trail = folder.resolve("apart/trail.jsonl");
    Path head = folder.resolve("data/trail.jsonl.head");
    byte[] early = Files.readAllBytes(trail);
    byte[] earlyHead = Files.readAllBytes(head);
    serve("", 2);
    assertThat(audit("verify")).isZero();

    Files.write(trail, early);
    Files.write(folder.resolve("apart/trail.jsonl.head"), earlyHead);
    assertThat(audit("verify")).isEqualTo(Main.FOUND);
    assertThat(audit("verify", folder.resolve("apart/../apart/trail.jsonl").toString()))
        .isEqualTo(Main.FOUND);
    assertThat(audit("verify", "--json")).isEqualTo(Main.FOUND);
    JsonNode report = new ObjectMapper().readTree(out);
    assertThat(report.get("intact").asBoolean()).isFalse();
    assertThat(report.get("problems").get(0).get("kind").asText()).isEqualTo("cut-tail");
  }

  @Test
  void verifyPrintsOnlyJsonWhereItIsAskedTo() throws Exception {
    serve("", 2);
    assertThat(audit("verify", "--json")).isZero();
    JsonNode report = new ObjectMapper().readTree(out);
    assertThat(report.get("intact").asBoolean()).isTrue();
    assertThat(report.get("lines").asLong()).isGreaterThanOrEqualTo(2);
    assertThat(report.get("last_hash").asText()).hasSize(64);
  }

  @Test
  void tailGoesOnAfterTheTrailBeganANewFile() throws Exception {
    String limits =
        """
        rate_limits: {per_ip: {requests: 9999, per: 1s, burst: 9999}}
        audit: {file: apart/trail.jsonl, rotate_size: 4096}
        """;
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(limits));
        PipedInputStream printed = new PipedInputStream(1 << 16);
        Scanner lines = new Scanner(printed, StandardCharsets.UTF_8)) {
      call(gateway, 1);
      String config = cli().toString();
      PrintWriter to =
          new PrintWriter(new PipedOutputStream(printed), true, StandardCharsets.UTF_8);
      Thread tail =
          new Thread(
              () ->
                  Main.commandLine()
                      .setOut(to)
                      .execute("audit", "tail", "-f", "--json", "--config", config));
      tail.start();
      int seen = 0;
      while (seen < 1) {
        seen += lines.nextLine().contains("\"status\":401") ? 1 : 0;
      }
      call(gateway, 30);
      while (seen < 31) {
        seen += lines.nextLine().contains("\"status\":401") ? 1 : 0;
      }
      assertThat(folder.resolve("apart/trail-000001.jsonl")).exists();
      tail.interrupt();
      tail.join(TimeUnit.SECONDS.toMillis(20));
      assertThat(tail.isAlive()).isFalse();
    }
  }

  @Test
  void aLineCountsOnceItsEndIsWritten() throws Exception {
    Path file = folder.resolve("lines");
    Files.writeString(file, "one\ntw");
    try (FollowedFile followed = FollowedFile.open(file)) {
      assertThat(followed.next()).isEqualTo("one");
      assertThat(followed.next()).isNull();
      assertThat(followed.replaced()).isFalse();
      Files.writeString(file, "one\ntwo\n");
      assertThat(followed.next()).isEqualTo("two");
      // the old one got a line more before the new one took its name
      Path old = folder.resolve("old");
      Files.move(file, old);
      assertThat(followed.replaced()).isFalse();
      Files.writeString(old, "one\ntwo\nthree\n");
      Files.writeString(file, "four\n");
      assertThat(followed.replaced()).isTrue();
      assertThat(followed.next()).isEqualTo("three");
      assertThat(followed.next()).isNull();
      assertThat(followed.replaced()).isTrue();
      assertThat(followed.next()).isEqualTo("four");
      Files.writeString(file, "x\n");
      assertThat(followed.replaced()).isTrue();
      assertThat(followed.next()).isEqualTo("x");
    }
  }
}
