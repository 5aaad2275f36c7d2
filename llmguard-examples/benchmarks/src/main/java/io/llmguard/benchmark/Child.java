package io.llmguard.benchmark;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A process that the benchmark started, and ends. */
final class Child implements AutoCloseable {
  private final Process process;
  private final BufferedReader out;
  private final Writer in;

  private Child(Process process) {
    this.process = process;
    this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    this.in = new OutputStreamWriter(process.getOutputStream(), UTF_8);
  }

  /** Starts a program whose output is read by {@link #out()}. */
  static Child start(List<String> command) throws IOException {
    return new Child(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** Starts a program whose output goes to a file. */
  static Child start(List<String> command, Path log) throws IOException {
    return start(command, Map.of(), log);
  }

  /** Starts a program, with more in its environment, whose output goes to a file. */
  static Child start(List<String> command, Map<String, String> environment, Path log)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    return new Child(builder.start());
  }

  /** Starts a command of this program in a process of its own. */
  static Child self(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                java(),
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(arguments));
    return start(command);
  }

  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  BufferedReader out() {
    return out;
  }

  Writer in() {
    return in;
  }

  boolean alive() {
    return process.isAlive();
  }

  /** This process and those that it started. */
  List<Long> pids() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants())
        .map(ProcessHandle::pid)
        .toList();
  }

  /** Waits for the program's own end. */
  void await() throws InterruptedException {
    process.waitFor();
  }

  /** Asks the process to stop, and makes it after ten seconds. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
