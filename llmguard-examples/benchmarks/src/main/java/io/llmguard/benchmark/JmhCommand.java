package io.llmguard.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code jmh}: the in-process benchmarks, with their allocations. */
@Command(
    name = "jmh",
    description = "Time and bytes allocated in process; what follows goes to JMH as it is.")
final class JmhCommand implements Callable<Integer> {
  @Parameters(arity = "0..*", description = "arguments of JMH, see: jmh -- -h")
  private List<String> arguments = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    List<String> all = new ArrayList<>(List.of("-prof", "gc"));
    all.addAll(arguments);
    org.openjdk.jmh.Main.main(all.toArray(String[]::new));
    return 0;
  }
}
