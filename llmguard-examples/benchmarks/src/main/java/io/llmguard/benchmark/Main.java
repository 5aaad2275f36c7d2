package io.llmguard.benchmark;

import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The benchmarks' command line. */
@Command(
    name = "benchmarks",
    description = "Measures what the gateway costs.",
    mixinStandardHelpOptions = true,
    subcommands = {
      EndToEnd.class,
      JmhCommand.class,
      UpstreamCommand.class,
      LoadCommand.class,
    })
public final class Main implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // picocli sets the field before it calls anything
  Main() {}

  /** Runs a command and exits with its code. */
  public static void main(String[] args) {
    System.exit(
        new CommandLine(new Main()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
  }

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "say which benchmark: e2e or jmh");
  }
}
