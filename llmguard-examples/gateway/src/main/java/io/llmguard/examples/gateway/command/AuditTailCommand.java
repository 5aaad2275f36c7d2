package io.llmguard.examples.gateway.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.assembly.DataDirectory;
import io.llmguard.examples.gateway.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "tail",
    description = "Shows the last calls of the audit trail, one a line.",
    mixinStandardHelpOptions = true)
final class AuditTailCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String FORMAT = "%-19s %3s %-22s %8s %7s  %s";
  private static final long LOOK_AGAIN_NANOS = 250_000_000;

  @Mixin private ConfigOption config = new ConfigOption();

  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description = "the audit file (default: the configured one)")
  private @Nullable Path file;

  @Option(names = "-n", paramLabel = "LINES", description = "how many (default: 20)")
  private int lines = 20;

  @Option(
      names = {"-f", "--follow"},
      description = "goes on with new calls until it is interrupted")
  private boolean follow;

  @Option(names = "--json", description = "prints the lines as they stand in the file")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Path trail = file == null ? DataDirectory.of(config.read().guard()).auditFile() : file;
    CommandLine line = spec == null ? new CommandLine(this) : spec.commandLine();
    PrintWriter out = line.getOut();
    if (!json) {
      out.printf(FORMAT + "%n", "TIME (UTC)", "", "OUTCOME", "MS", "TOKENS", "WHO, WHAT");
    }
    try (FollowedFile followed = FollowedFile.open(trail)) {
      Deque<String> last = new ArrayDeque<>();
      for (String read; (read = followed.next()) != null; ) {
        last.add(read);
        if (last.size() > Math.max(0, lines)) {
          last.remove();
        }
      }
      last.forEach(read -> print(out, read));
      out.flush();
      while (follow && !Thread.currentThread().isInterrupted()) {
        String read = followed.next();
        if (read != null) {
          print(out, read);
          out.flush();
        } else if (!followed.replaced()) {
          LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        }
      }
    } catch (ClosedByInterruptException e) {
      // told to stop while it read
    } catch (NoSuchFileException e) {
      throw new Main.UserError("there is no audit file " + trail, e);
    }
    return 0;
  }

  private void print(PrintWriter out, String line) {
    if (json) {
      out.println(line);
      return;
    }
    JsonNode call;
    try {
      call = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      out.println("(a line that is no JSON: audit verify says more)");
      return;
    }
    if (!call.has("status")) {
      out.println(text(call, "ts") + " -- " + text(call, "marker"));
      return;
    }
    long tokens = call.path("inputTokens").asLong() + call.path("outputTokens").asLong();
    out.printf(
        FORMAT + "%n",
        text(call, "ts").substring(0, Math.min(19, text(call, "ts").length())),
        text(call, "status"),
        text(call, "outcome"),
        text(call, "duration"),
        tokens == 0 ? "-" : tokens,
        text(call, "caller") + " " + text(call, "path") + " " + text(call, "model"));
  }

  private static String text(JsonNode call, String field) {
    JsonNode value = call.path(field);
    return value.isMissingNode() || value.isNull() ? "-" : value.asText();
  }
}
