package io.llmguard.benchmark.client;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures each client in a process of its own, in turns, and prints the medians as a table. */
@Command(
    name = "client-benchmarks",
    description = "What a streamed token costs in each client.",
    mixinStandardHelpOptions = true,
    subcommands = {ReadCommand.class, UpstreamCommand.class})
public final class Main implements Callable<Integer> {
  @Option(names = "--rounds", description = "how often each is measured (default: 3)")
  private int rounds = 3;

  @Option(names = "--warmup", description = "seconds before each measurement (default: 3)")
  private int warmup = 3;

  @Option(names = "--measure", description = "seconds of each measurement (default: 3)")
  private int measure = 3;

  Main() {}

  /** Runs the command and exits with its code. */
  public static void main(String[] args) {
    System.exit(
        new CommandLine(new Main()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    Process upstream = start("upstream");
    try (BufferedReader said = output(upstream)) {
      String url = String.valueOf(said.readLine());
      Map<Clients, List<Sample>> samples = new EnumMap<>(Clients.class);
      for (int round = 0; round < rounds; round++) {
        for (Clients client : Clients.values()) {
          Sample sample = measured(client, url);
          System.err.printf("round %d, %s: %s%n", round + 1, client.title(), sample.line());
          samples.computeIfAbsent(client, c -> new ArrayList<>()).add(sample);
        }
      }
      print(samples);
    } finally {
      upstream.destroy();
    }
    return 0;
  }

  private Sample measured(Clients client, String url) throws Exception {
    Process process =
        start(
            "read",
            client.name(),
            url,
            "--warmup",
            Integer.toString(warmup),
            "--measure",
            Integer.toString(measure));
    try (BufferedReader out = output(process)) {
      String line = out.readLine();
      if (line == null || process.waitFor() != 0) {
        throw new IllegalStateException(client + " failed; its error stands above");
      }
      return Sample.parse(line);
    }
  }

  private static Process start(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static BufferedReader output(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  private static void print(Map<Clients, List<Sample>> samples) throws IOException {
    System.out.printf(
        "%s, %d processors, JDK %s, %d tokens an answer%n%n",
        cpu(), Runtime.getRuntime().availableProcessors(), Runtime.version(), Script.TOKENS);
    System.out.println("| client | tokens/s | CPU µs/token | bytes allocated/token |");
    System.out.println("| --- | ---: | ---: | ---: |");
    samples.forEach(
        (client, all) ->
            System.out.printf(
                "| %s | %,.0f | %.2f | %,.0f |%n",
                client.title(),
                median(all, Sample::tokensPerSecond),
                median(all, Sample::cpuMicrosPerToken),
                median(all, Sample::bytesPerToken)));
    double best =
        samples.entrySet().stream()
            .filter(entry -> !entry.getKey().ours())
            .mapToDouble(entry -> median(entry.getValue(), Sample::tokensPerSecond))
            .max()
            .orElseThrow();
    System.out.printf(
        "%nllmguard's stream beside the best of the others: %.2f times%n",
        median(samples.getOrDefault(Clients.LLMGUARD, List.of()), Sample::tokensPerSecond) / best);
  }

  private static double median(List<Sample> samples, ToDoubleFunction<Sample> value) {
    List<Double> sorted =
        samples.stream().map(value::applyAsDouble).sorted(Comparator.naturalOrder()).toList();
    return sorted.get(sorted.size() / 2);
  }

  private static String cpu() throws IOException {
    Path info = Path.of("/proc/cpuinfo");
    return !Files.exists(info)
        ? System.getProperty("os.arch")
        : Files.readAllLines(info).stream()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 2))
            .findFirst()
            .orElse(System.getProperty("os.arch"));
  }
}
