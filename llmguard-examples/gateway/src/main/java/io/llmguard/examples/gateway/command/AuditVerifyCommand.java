package io.llmguard.examples.gateway.command;

import io.llmguard.assembly.DataDirectory;
import io.llmguard.audit.AuditReport;
import io.llmguard.audit.AuditVerifier;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "verify",
    description =
        "Checks that no line was changed, removed, moved or cut off; ends with 1 where one was.",
    mixinStandardHelpOptions = true)
final class AuditVerifyCommand implements Callable<Integer> {
  @Mixin private ConfigOption config = new ConfigOption();

  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "the audit file (default: the configured one)")
  private @Nullable Path file;

  @Option(
      names = "--head",
      paramLabel = "FILE",
      description = "the trail's head (default: the configured one, or the one beside FILE)")
  private @Nullable Path head;

  @Option(names = "--json", description = "prints a JSON object and nothing else")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    GatewayConfig settings = config.read();
    Path trail = file == null ? DataDirectory.of(settings.guard()).auditFile() : file;
    AuditReport report;
    try {
      report = AuditVerifier.verify(trail, headOf(trail, settings), null);
    } catch (NoSuchFileException e) {
      throw new Main.UserError("there is no audit file " + trail, e);
    }
    CommandLine line = spec == null ? new CommandLine(this) : spec.commandLine();
    PrintWriter out = line.getOut();
    if (json) {
      out.println(KeyJson.write(fields(report)));
    } else {
      print(out, report);
    }
    out.flush();
    return report.intact() ? 0 : Main.FOUND;
  }

  private static void print(PrintWriter out, AuditReport report) {
    report.notes().forEach(note -> out.println("note: " + note));
    report.problems().forEach(problem -> out.println(problem));
    out.println(
        report.intact()
            ? "intact: " + report.lines() + " lines, last hash " + report.lastHash()
            : "NOT INTACT: "
                + report.problems().size()
                + (report.problems().size() == 1 ? " problem in " : " problems in ")
                + report.lines()
                + " lines");
  }

  private static Map<String, @Nullable Object> fields(AuditReport report) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("intact", report.intact());
    fields.put("lines", report.lines());
    fields.put("last_hash", report.lastHash());
    fields.put("problems", report.problems().stream().map(AuditVerifyCommand::finding).toList());
    fields.put("notes", report.notes().stream().map(AuditVerifyCommand::finding).toList());
    return fields;
  }

  private static Map<String, Object> finding(AuditReport.Finding finding) {
    return Map.of(
        "file",
        finding.file().toString(),
        "line",
        finding.line(),
        "kind",
        finding.kind().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        "message",
        finding.message());
  }

  /**
   * The head of the configured trail is in the data directory, whatever lies beside the trail: who
   * may write only there could plant one that fits a cut trail.
   */
  private Path headOf(Path trail, GatewayConfig settings) throws IOException {
    if (head != null) {
      return head;
    }
    DataDirectory directory = DataDirectory.of(settings.guard());
    return same(trail, directory.auditFile())
        ? directory.auditHead()
        : trail.resolveSibling(trail.getFileName() + ".head");
  }

  private static boolean same(Path trail, Path configured) throws IOException {
    return trail.toAbsolutePath().normalize().equals(configured.toAbsolutePath().normalize())
        || (Files.exists(trail) && Files.exists(configured) && Files.isSameFile(trail, configured));
  }
}
