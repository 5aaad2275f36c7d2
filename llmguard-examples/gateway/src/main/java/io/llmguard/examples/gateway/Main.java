package io.llmguard.examples.gateway;

import io.llmguard.assembly.SettingException;
import io.llmguard.examples.gateway.command.AuditCommand;
import io.llmguard.examples.gateway.command.ChatCommand;
import io.llmguard.examples.gateway.command.KeyCommand;
import io.llmguard.examples.gateway.command.ServeCommand;
import io.llmguard.examples.gateway.command.UsageCommand;
import io.llmguard.examples.gateway.config.ConfigException;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** The program's entry: {@code java -jar llmguard-gateway.jar COMMAND …}. */
@Command(
    name = "llmguard-gateway",
    description = "A guarded gateway in front of self-hosted LLM servers.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ServeCommand.class,
      KeyCommand.class,
      AuditCommand.class,
      ChatCommand.class,
      UsageCommand.class
    })
public final class Main {
  /** Exit code of a check that found something. */
  public static final int FOUND = 1;

  /** Exit code of arguments or a configuration that cannot be used. */
  public static final int UNUSABLE = 2;

  private Main() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    int code = commandLine().execute(args);
    System.exit(code);
  }

  /** The command line, for running and for tests. */
  public static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (e, command, result) -> {
              PrintWriter err = command.getErr();
              if (e instanceof ConfigException || e instanceof UserError) {
                err.println(command.getColorScheme().errorText(String.valueOf(e.getMessage())));
                return UNUSABLE;
              }
              if (e instanceof SettingException setting) {
                err.println(command.getColorScheme().errorText(describe(setting)));
                return UNUSABLE;
              }
              throw e;
            });
  }

  /** What is wrong with a setting, with its name as it stands in the configuration file. */
  public static String describe(SettingException e) {
    return "llmguard." + e.setting().replace('-', '_') + ": " + e.problem();
  }

  /** What went wrong for a reason that the message tells to the person at the terminal. */
  public static final class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** An error with what to do next. */
    public UserError(String message) {
      super(message);
    }

    /** An error with what to do next, and what it came from. */
    public UserError(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"llmguard-gateway " + (version == null ? "(unpacked)" : version)};
    }
  }
}
