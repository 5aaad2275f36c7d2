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
    out.flush();
    return report.intact() ? 0 : Main.FOUND;
  }

  private Path headOf(Path trail, GatewayConfig settings) {
    if (head != null) {
      return head;
    }
    Path beside = trail.resolveSibling(trail.getFileName() + ".head");
    boolean configured =
        trail
            .toAbsolutePath()
            .equals(DataDirectory.of(settings.guard()).auditFile().toAbsolutePath());
    return configured && !Files.exists(beside)
        ? DataDirectory.of(settings.guard()).auditHead()
        : beside;
  }
}
