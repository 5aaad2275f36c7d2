package io.llmguard.benchmark;

import io.llmguard.benchmark.upstream.Payload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code e2e}: an upstream that answers at once; direct, through the gateway, through nginx and,
 * where it is there, through LiteLLM's proxy.
 */
@Command(
    name = "e2e",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Requests per second, CPU, first byte and memory, side by side in one run.")
final class EndToEnd implements Callable<Integer> {
  /** What can be left out. */
  enum Part {
    GATEWAY,
    NGINX,
    PLAIN,
    STREAMS,
    LIGHT,
    MANY
  }

  @Option(names = "--jar", description = "The gateway program.")
  private Path jar = Path.of("llmguard-examples/gateway/target/llmguard-gateway.jar");

  @Option(names = "--jvm", split = ",", description = "Options of the gateway's JVM.")
  private List<String> jvmOptions = List.of("-Xmx512m", "-XX:+UseParallelGC");

  @Option(names = "--nginx", description = "The nginx program.")
  private String nginxProgram = "nginx";

  @Option(names = "--litellm", description = "LiteLLM's proxy; not measured if not given.")
  private @Nullable Path liteLlmProgram;

  @Option(names = "--rounds", description = "How often each system is measured.")
  private int rounds = 5;

  @Option(names = "--seconds", description = "How long each measurement takes.")
  private int seconds = 5;

  @Option(
      names = "--warm-up",
      description = "Seconds of each load on the gateway before the first measurement.")
  private int warmUpSeconds = 40;

  @Option(names = "--connections", description = "Connections under full load.")
  private int connections = 32;

  @Option(names = "--streams", description = "Paced streams at once.")
  private int streams = 1000;

  @Option(names = "--pace-ms", description = "Pause between the chunks of a paced stream.")
  private int paceMillis = 50;

  @Option(names = "--without", split = ",", description = "Leave out: ${COMPLETION-CANDIDATES}.")
  private List<Part> without = List.of();

  @Option(names = "--work", description = "Where the programs' files go; a new one if not given.")
  private @Nullable Path work;

  private final Report report = new Report(System.out);

  @Override
  public Integer call() throws Exception {
    Path directory =
        work != null
            ? Files.createDirectories(work).toAbsolutePath()
            : Files.createTempDirectory("llmguard-bench");
    if (!without.contains(Part.GATEWAY) && !Files.isReadable(jar)) {
      throw new IOException("there is no gateway at " + jar + ": build it, or name it by --jar");
    }
    String pace = Integer.toString(paceMillis);
    try (Child upstream = Child.self("upstream", "--key", "", "--pace-ms", pace)) {
      int upstreamPort = Nginx.port(upstream);
      Gateway.Setup setup =
          Gateway.Setup.write(jar, jvmOptions, directory.resolve("gateway"), upstreamPort);
      // one key for all, so that all get the same bytes
      String key = without.contains(Part.GATEWAY) ? "sk-bench" : setup.createKey();
      List<Subject> subjects = new ArrayList<>();
      try (Child generator = Child.self("load", "--key", key)) {
        subjects.add(new Subject.Direct(upstreamPort));
        if (!without.contains(Part.GATEWAY)) {
          subjects.add(Gateway.start(setup));
        }
        if (!without.contains(Part.NGINX)) {
          for (Nginx.Design design : Nginx.Design.values()) {
            Path files = directory.resolve("nginx-" + design.name().toLowerCase(Locale.ROOT));
            subjects.add(Nginx.start(design, nginxProgram, files, upstreamPort, key));
          }
        }
        if (liteLlmProgram != null) {
          Path files = directory.resolve("litellm");
          subjects.add(LiteLlm.start(liteLlmProgram, files, upstreamPort, key));
        }
        Duration streamTime = Duration.ofMillis((long) paceMillis * Payload.CHUNKS);
        Bench bench = new Bench(generator, upstream, streamTime);
        describe();
        warmUp(bench, subjects);
        measure(bench, subjects);
      } finally {
        subjects.forEach(Subject::close);
      }
    }
    return 0;
  }

  private void warmUp(Bench bench, List<Subject> subjects) throws IOException {
    for (Subject subject : subjects) {
      // nothing but the gateway gets faster for minutes: C2 shares two busy cores with it
      Duration time = Duration.ofSeconds(subject.name().equals(Gateway.NAME) ? warmUpSeconds : 3);
      if (!isLiteLlm(subject)) {
        bench.warmUp(subject, Workload.plain(connections), time);
        bench.warmUp(subject, Workload.streams(connections), time);
      }
      if (liteLlmProgram != null && !(subject instanceof Nginx)) {
        bench.warmUp(subject, Workload.completions(connections), time);
        bench.warmUp(subject, Workload.events(connections), time);
      }
    }
  }

  private static boolean isLiteLlm(Subject subject) {
    return subject.name().equals(LiteLlm.NAME);
  }

  private void measure(Bench bench, List<Subject> all) throws IOException {
    List<Subject> subjects = all.stream().filter(s -> !isLiteLlm(s)).toList();
    Duration settle = Duration.ofMillis(500);
    Duration time = Duration.ofSeconds(seconds);
    if (!without.contains(Part.PLAIN)) {
      Workload load = Workload.plain(connections);
      besideNginx(load, bench.rounds(subjects, load, rounds, settle, time), 0.9, 1.6);
    }
    if (!without.contains(Part.STREAMS)) {
      Workload load = Workload.streams(connections);
      besideNginx(load, bench.rounds(subjects, load, rounds, settle, time), 0.8, 2.5);
    }
    if (!without.contains(Part.LIGHT)) {
      Workload load = Workload.streams(2);
      firstByte(load, bench.rounds(subjects, load, rounds, settle, time));
    }
    if (!without.contains(Part.MANY)) {
      Workload load = Workload.manyStreams(streams, paceMillis);
      int few = Math.max(1, rounds / 2);
      throughput(load, bench.rounds(subjects, load, few, settle, time.multipliedBy(2)));
    }
    if (liteLlmProgram != null) {
      List<Subject> three = all.stream().filter(s -> !(s instanceof Nginx)).toList();
      for (Workload load :
          List.of(Workload.completions(connections), Workload.events(connections))) {
        besideLiteLlm(load, bench.rounds(three, load, rounds, Duration.ofSeconds(2), time));
      }
    }
    report.finish();
  }

  private void besideLiteLlm(Workload load, Map<Subject, List<Sample>> samples) {
    report.rows(load, samples);
    List<Sample> liteLlm = named(samples, LiteLlm.NAME).orElseThrow();
    named(samples, Gateway.NAME)
        .ifPresent(
            gateway ->
                report.atLeast(
                    load.title() + ": requests/s, llmguard : LiteLLM",
                    ratio(gateway, liteLlm, Sample::requestsPerSecond),
                    100));
  }

  private void besideNginx(
      Workload load, Map<Subject, List<Sample>> samples, double leastRequests, double mostCpu) {
    report.rows(load, samples);
    List<Sample> gateway = named(samples, Gateway.NAME).orElse(List.of());
    if (gateway.isEmpty()) {
      return;
    }
    samples.forEach(
        (subject, nginx) -> {
          if (subject instanceof Nginx) {
            String pair = "llmguard : " + subject.name();
            report.atLeast(
                load.title() + ": requests/s, " + pair,
                ratio(gateway, nginx, Sample::requestsPerSecond),
                leastRequests);
            report.atMost(
                load.title() + ": CPU per request, " + pair,
                ratio(gateway, nginx, Sample::cpuMicrosPerRequest),
                mostCpu);
          }
        });
  }

  private void firstByte(Workload load, Map<Subject, List<Sample>> samples) {
    report.rows(load, samples);
    List<Sample> direct = named(samples, "direct").orElseThrow();
    named(samples, Gateway.NAME)
        .ifPresent(
            gateway -> {
              report.atMost(
                  load.title() + ": first byte p50, llmguard − direct, ms",
                  difference(gateway, direct, s -> s.load().firstByteP50() / 1e3),
                  3);
              report.atMost(
                  load.title() + ": first byte p99, llmguard − direct, ms",
                  difference(gateway, direct, s -> s.load().firstByteP99() / 1e3),
                  3);
            });
  }

  private void throughput(Workload load, Map<Subject, List<Sample>> samples) {
    report.rows(load, samples);
    List<Sample> direct = named(samples, "direct").orElseThrow();
    named(samples, Gateway.NAME)
        .ifPresent(
            gateway ->
                report.atLeast(
                    load.title() + ": bytes/s, llmguard : direct",
                    ratio(gateway, direct, Sample::bytesPerSecond),
                    0.97));
  }

  private void describe() throws IOException, InterruptedException {
    report.line(
        "%d cores, %s, %,d MiB; Linux %s; JDK %s (%s); %s; gateway's JVM: %s"
            .formatted(
                Runtime.getRuntime().availableProcessors(),
                Proc.cpuModel(),
                Proc.memoryMiB(),
                System.getProperty("os.version"),
                System.getProperty("java.version"),
                System.getProperty("java.vendor"),
                without.contains(Part.NGINX) ? "no nginx" : nginxVersion(),
                String.join(" ", jvmOptions)));
    report.line(
        "%d rounds of %d s for each system in turn, each load warmed up for %d s; medians.\n"
            .formatted(rounds, seconds, warmUpSeconds));
  }

  private String nginxVersion() throws IOException, InterruptedException {
    Path file = Files.createTempFile("nginx", ".version");
    try (Child child = Child.start(List.of(nginxProgram, "-v"), file)) {
      child.await();
      return Files.readString(file).strip().replace("nginx version: ", "");
    } finally {
      Files.delete(file);
    }
  }

  private static Optional<List<Sample>> named(Map<Subject, List<Sample>> samples, String name) {
    return samples.entrySet().stream()
        .filter(entry -> entry.getKey().name().equals(name))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  private static double ratio(
      List<Sample> over, List<Sample> under, ToDoubleFunction<Sample> value) {
    return Sample.median(over, value) / Sample.median(under, value);
  }

  private static double difference(
      List<Sample> of, List<Sample> from, ToDoubleFunction<Sample> value) {
    return Sample.median(of, value) - Sample.median(from, value);
  }
}
