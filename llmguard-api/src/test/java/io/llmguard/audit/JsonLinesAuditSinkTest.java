package io.llmguard.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.audit.AuditReport.Finding;
import io.llmguard.audit.AuditReport.Kind;
import io.llmguard.testkit.ManualTime;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonLinesAuditSinkTest {
  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("audit.jsonl");
  }

  private JsonLinesAuditSink open() throws IOException {
    return JsonLinesAuditSink.builder(file).open();
  }

  private void write(int from, int to) throws IOException {
    try (JsonLinesAuditSink sink = open()) {
      sink.write(IntStream.range(from, to).mapToObj(AuditSamples::event).toList());
    }
  }

  private List<String> lines() throws IOException {
    return new ArrayList<>(Files.readAllLines(file));
  }

  private void rewrite(List<String> lines) throws IOException {
    Files.writeString(file, String.join("\n", lines) + "\n");
  }

  private List<String> problems() throws IOException {
    return AuditVerifier.verify(file).problems().stream()
        .map(finding -> finding.kind() + " " + finding.line())
        .toList();
  }

  @Test
  void everyFieldStandsInItsPlaceWithoutSpacesAndNumbersAreNumbers() throws Exception {
    write(1, 2);
    String line = lines().get(0);
    assertThat(line)
        .startsWith(
            "{\"ts\":\"2026-01-01T00:00:00.120Z\",\"id\":\"00000000000000000000000000000001\","
                + "\"apiKey\":\""
                + "ab".repeat(32)
                + "\",\"keyId\":\"key-1\",\"caller\":\"alice\",\"ip\":\"127.0.0.1\","
                + "\"method\":\"POST\",\"path\":\"/api/chat\",\"model\":\"mistral\","
                + "\"upstream\":\"local\",\"promptHash\":\""
                + "cd".repeat(32)
                + "\",\"promptLength\":5,\"duration\":12,\"timeToFirstToken\":7,\"status\":200,"
                + "\"outcome\":\"completed\",\"inputTokens\":3,\"outputTokens\":4,"
                + "\"costUsd\":0.0000012,\"retries\":0,\"traceId\":null,\"prev\":\""
                + "0".repeat(64)
                + "\",\"hash\":\"");
    String covered = line.substring(0, line.lastIndexOf(",\"hash\""));
    byte[] digest =
        MessageDigest.getInstance("SHA-256").digest(covered.getBytes(StandardCharsets.UTF_8));
    assertThat(line).isEqualTo(covered + ",\"hash\":\"" + HexFormat.of().formatHex(digest) + "\"}");
  }

  @Test
  void theChainGoesOnWhenTheTrailIsOpenedAgain() throws Exception {
    write(0, 3);
    write(3, 5);
    AuditReport report = AuditVerifier.verify(file);
    assertThat(report.problems()).isEmpty();
    assertThat(report.notes()).isEmpty();
    assertThat(report.lines()).isEqualTo(5);
  }

  @Test
  void aLineEditedByHandIsFoundByItsNumber() throws Exception {
    write(0, 9);
    List<String> lines = lines();
    lines.set(4, lines.get(4).replace("\"status\":200", "\"status\":403"));
    rewrite(lines);
    assertThat(problems()).containsExactly("CHANGED 5");
  }

  @Test
  void aRemovedLineIsFound() throws Exception {
    write(0, 9);
    List<String> lines = lines();
    lines.remove(4);
    rewrite(lines);
    assertThat(problems()).containsExactly("MISSING_BEFORE 5");
  }

  @Test
  void aRemovedFirstLineIsFound() throws Exception {
    write(0, 9);
    List<String> lines = lines();
    lines.remove(0);
    rewrite(lines);
    assertThat(problems()).containsExactly("MISSING_BEFORE 1");
  }

  @Test
  void swappedLinesAreFound() throws Exception {
    write(0, 9);
    List<String> lines = lines();
    lines.add(3, lines.remove(4));
    rewrite(lines);
    assertThat(problems())
        .contains("REORDERED 4", "REORDERED 5")
        .noneMatch(p -> p.contains("MISS"));
  }

  @Test
  void aLineStandingTwiceIsFound() throws Exception {
    write(0, 4);
    List<String> lines = lines();
    lines.add(2, lines.get(1));
    rewrite(lines);
    assertThat(problems()).contains("REORDERED 3");
  }

  @Test
  void aCutTailIsFoundAgainstTheHead() throws Exception {
    write(0, 9);
    rewrite(lines().subList(0, 7));
    assertThat(problems()).containsExactly("CUT_TAIL 7");
  }

  @Test
  void aCutTailIsStillFoundAfterTheTrailWentOn() throws Exception {
    write(0, 9);
    rewrite(lines().subList(0, 7));
    write(9, 12);
    assertThat(lines().get(7)).contains("\"marker\":\"tail-missing\"");
    assertThat(problems()).containsExactly("MISSING_BEFORE 8");
  }

  @Test
  void aTrailThatWasDeletedIsFoundMissing() throws Exception {
    write(0, 3);
    Files.delete(file);
    assertThat(problems()).containsExactly("CUT_TAIL 1");
    write(3, 4);
    assertThat(problems()).containsExactly("MISSING_BEFORE 1");
  }

  @Test
  void linesAddedToAClosedTrailAreFound() throws Exception {
    write(0, 3);
    Path other = directory.resolve("other/audit.jsonl");
    Files.createDirectories(directory.resolve("other"));
    Files.copy(file, other);
    Files.copy(directory.resolve("audit.jsonl.head"), other.resolveSibling("audit.jsonl.head"));
    try (JsonLinesAuditSink sink = JsonLinesAuditSink.builder(other).open()) {
      sink.write(List.of(AuditSamples.event(3)));
    }
    Files.copy(other, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertThat(problems()).containsExactly("ADDED_TAIL 4");
    write(4, 5);
    assertThat(lines().get(4)).contains("\"marker\":\"lines-after-close\"");
  }

  @Test
  void aLineThatACrashToreIsKeptAndReportedAndNoAlarm() throws Exception {
    write(0, 3);
    String torn = "{\"ts\":\"2026-01-01T00:00:00.120Z\",\"id\":\"00";
    Files.writeString(file, torn, StandardOpenOption.APPEND);
    write(3, 5);
    assertThat(lines()).hasSize(7);
    assertThat(lines().get(3)).isEqualTo(torn);
    assertThat(lines().get(4)).contains("\"marker\":\"torn-line\",\"bytes\":" + torn.length());
    AuditReport report = AuditVerifier.verify(file);
    assertThat(report.problems()).isEmpty();
    assertThat(report.notes()).extracting(Finding::kind).containsExactly(Kind.TORN);
  }

  @Test
  void aLineCannotPassAsTornAfterwards() throws Exception {
    write(0, 3);
    Files.writeString(file, "{\"ts\":\"torn", StandardOpenOption.APPEND);
    write(3, 5);
    List<String> lines = lines();
    lines.set(3, "{\"ts\":\"other");
    rewrite(lines);
    assertThat(problems()).containsExactly("UNREADABLE 4");
  }

  @Test
  void theTrailGoesOnOverRotatedFiles() throws Exception {
    try (JsonLinesAuditSink sink = JsonLinesAuditSink.builder(file).maxBytes(1500).open()) {
      for (int i = 0; i < 20; i++) {
        sink.write(List.of(AuditSamples.event(i)));
      }
    }
    assertThat(directory.resolve("audit-000001.jsonl")).exists();
    AuditReport report = AuditVerifier.verify(file);
    assertThat(report.problems()).isEmpty();
    assertThat(report.lines()).isEqualTo(20);
    Files.delete(directory.resolve("audit-000002.jsonl"));
    assertThat(problems()).containsExactly("MISSING_BEFORE 1");
  }

  @Test
  void aFileOfAgeIsRotated() throws Exception {
    ManualTime time = new ManualTime();
    try (JsonLinesAuditSink sink =
        JsonLinesAuditSink.builder(file).maxAge(Duration.ofDays(1)).time(time).open()) {
      sink.write(List.of(AuditSamples.event(0)));
      time.advance(Duration.ofDays(1));
      sink.write(List.of(AuditSamples.event(1)));
    }
    assertThat(directory.resolve("audit-000001.jsonl")).exists();
    assertThat(lines()).hasSize(1);
    assertThat(problems()).isEmpty();
  }

  @Test
  void aSecondAppenderIsRefusedAndTheFirstGoesOn() throws Exception {
    try (JsonLinesAuditSink first = open()) {
      first.write(List.of(AuditSamples.event(0)));
      assertThatThrownBy(this::open)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("another appender");
      first.write(List.of(AuditSamples.event(1)));
    }
    assertThat(problems()).isEmpty();
    assertThat(lines()).hasSize(2);
  }

  @Test
  void aFileMovedAwayWhileItIsWrittenIsNotWrittenToAnyMore() throws Exception {
    try (JsonLinesAuditSink sink = open()) {
      sink.write(List.of(AuditSamples.event(0)));
      Files.move(file, directory.resolve("stolen"));
      sink.write(List.of(AuditSamples.event(1)));
    }
    assertThat(Files.readAllLines(directory.resolve("stolen"))).hasSize(1);
    assertThat(lines()).hasSize(2);
    assertThat(problems()).containsExactly("MISSING_BEFORE 1");
  }

  @Test
  void newFilesAreTheOwnersOnly() throws Exception {
    write(0, 1);
    for (String name : List.of("audit.jsonl", "audit.jsonl.head", "audit.jsonl.lock")) {
      assertThat(
              PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(name))))
          .isEqualTo("rw-------");
    }
  }

  @Test
  void noValueCanBreakALine() throws Exception {
    String nasty = "a\r\n\u0000\u001b[2J\u0085\u2028\"\\\uD800x\uDC00\uD83D\uDE00";
    try (JsonLinesAuditSink sink = open()) {
      sink.write(
          List.of(
              AuditSamples.event(0, nasty),
              AuditSamples.event(1, "m".repeat(1 << 20)),
              AuditSamples.event(2, "\uD83D\uDE00".repeat(200))));
    }
    assertThat(problems()).isEmpty();
    byte[] bytes = Files.readAllBytes(file);
    assertThat(bytes).hasSizeLessThan(6000);
    for (byte b : bytes) {
      assertThat(b == '\n' || (b >= 0x20 && b < 0x7f)).isTrue();
    }
    ObjectMapper json = new ObjectMapper();
    List<JsonNode> lines = new ArrayList<>();
    for (String line : lines()) {
      lines.add(json.readTree(line));
    }
    assertThat(lines.get(0).path("model").asText())
        .isEqualTo("a\r\n\u0000\u001b[2J\u0085\u2028\"\\\uFFFDx\uFFFD\uD83D\uDE00");
    assertThat(lines.get(1).path("model").asText()).isEqualTo("m".repeat(256) + "[cut:1048576]");
    assertThat(lines.get(2).path("model").asText())
        .isEqualTo("\uD83D\uDE00".repeat(128) + "[cut:400]");
  }
}
