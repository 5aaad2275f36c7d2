package io.llmguard.examples.gateway.program;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The shipped jar as a process of its own, whose output goes to files; closing it destroys it.
 *
 * <p>It finds nothing of the machine in its environment but what the test gives it.
 */
final class Program implements AutoCloseable {
  private static final long DEADLINE_SECONDS = 120;
  private static final Pattern LISTENING =
      Pattern.compile("(?s)listening on (http\\S+:(\\d+))\n.*\n  audit [^\n]*\n");
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final Process process;
  private final Path out;
  private final Path err;

  private Program(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /** How a process ended, and the file with its output. */
  record Ended(int code, String out, String err, Path outFile) {}

  /** What a process is started with. */
  static final class Setup {
    private final Path folder;
    private final List<String> options = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();

    private Setup(Path folder) {
      this.folder = folder;
    }

    /** One more option of the JVM. */
    Setup jvm(String option) {
      options.add(option);
      return this;
    }

    /** One more variable of the environment. */
    Setup variable(String name, String value) {
      environment.put(name, value);
      return this;
    }

    /** Starts the program with these arguments. */
    Program start(String... arguments) throws IOException {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
      command.addAll(options);
      command.addAll(List.of("-jar", Path.of(System.getProperty("llmguard.jar")).toString()));
      command.addAll(List.of(arguments));
      int number = NUMBER.incrementAndGet();
      Path out = folder.resolve("program-" + number + ".out");
      Path err = folder.resolve("program-" + number + ".err");
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().clear();
      builder.environment().putAll(environment);
      return new Program(builder.start(), out, err);
    }

    /** Runs the program with these arguments to its own end. */
    Ended run(String... arguments) throws IOException, InterruptedException {
      try (Program program = start(arguments)) {
        return program.awaitEnd();
      }
    }
  }

  /** A process that works in this folder. */
  static Setup in(Path folder) {
    return new Setup(folder);
  }

  /** The port that it says it listens on, once it does. */
  int port() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    while (true) {
      boolean alive = process.isAlive();
      Matcher listening = LISTENING.matcher(out());
      if (listening.find()) {
        return Integer.parseInt(listening.group(2));
      }
      assertThat(alive && System.nanoTime() < deadline)
          .as("the program listens:\n%s%s", out(), err())
          .isTrue();
      process.waitFor(20, TimeUnit.MILLISECONDS);
    }
  }

  /** Sends it SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** Waits for its own end. */
  Ended awaitEnd() throws IOException, InterruptedException {
    assertThat(process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS))
        .as("the program ends:\n%s%s", out(), err())
        .isTrue();
    return new Ended(process.exitValue(), out(), err(), out);
  }

  /** What it has written to its standard output so far. */
  String out() throws IOException {
    return Files.readString(out, StandardCharsets.UTF_8);
  }

  /** What it has written to its standard error so far. */
  String err() throws IOException {
    return Files.readString(err, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
