package io.llmguard.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llmguard.benchmark.load.LoadProtocol;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code load}: the load generator's own process; plans come on its input, results go out. */
@Command(name = "load", hidden = true, description = "The load generator's own process.")
final class LoadCommand implements Callable<Integer> {
  @Option(names = "--key", required = true, description = "The key to send.")
  private String key = "";

  @Override
  public Integer call() throws Exception {
    BufferedReader plans = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    LoadProtocol.serve(plans, System.out, key);
    return 0;
  }
}
