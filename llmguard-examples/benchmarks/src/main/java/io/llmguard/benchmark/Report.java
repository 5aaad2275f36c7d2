package io.llmguard.benchmark;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes what was measured, as Markdown: one table, then the ratios beside their targets. */
final class Report {
  private final PrintStream out;
  private final List<String> ratios = new ArrayList<>();
  private double strangers;
  private boolean headed;

  Report(PrintStream out) {
    this.out = out;
  }

  /** Writes a line of its own. */
  void line(String text) {
    out.println(text);
  }

  /** Writes the rows of a workload: medians over the rounds. */
  void rows(Workload workload, Map<Subject, List<Sample>> samples) {
    if (!headed) {
      out.println(
          """
          | load | system | requests/s | CPU µs/request | of which the proxy alone | first byte p50 ms | p99 ms | \
          last byte p50 ms | p99 ms | resident MiB |
          | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |""");
      headed = true;
    }
    samples.forEach(
        (subject, all) -> {
          boolean process = !subject.pids().isEmpty();
          out.println(
              "| "
                  + String.join(
                      " | ",
                      workload.title(),
                      subject.name(),
                      format("%,.0f", Sample.median(all, Sample::requestsPerSecond)),
                      process
                          ? format("%.0f", Sample.median(all, Sample::cpuMicrosPerRequest))
                          : "–",
                      process
                          ? format("%.0f", Sample.median(all, Sample::ownCpuMicrosPerRequest))
                          : "–",
                      millis(Sample.median(all, s -> s.load().firstByteP50())),
                      millis(Sample.median(all, s -> s.load().firstByteP99())),
                      millis(Sample.median(all, s -> s.load().latencyP50())),
                      millis(Sample.median(all, s -> s.load().latencyP99())),
                      process ? format("%.0f", Sample.median(all, Sample::residentMiB)) : "–")
                  + " |");
          strangers = Math.max(strangers, Sample.median(all, Sample::strangersShare));
        });
  }

  /** Keeps a figure that has to be at least this. */
  void atLeast(String what, double value, double target) {
    ratio(what, format("%.2f", value), "at least " + target, value >= target);
  }

  /** Keeps a figure that has to be at most this. */
  void atMost(String what, double value, double target) {
    ratio(what, format("%.2f", value), "at most " + target, value <= target);
  }

  /** Writes the figures that were kept. */
  void finish() {
    if (!ratios.isEmpty()) {
      out.println("\n| figure | measured | target | met |\n| --- | ---: | ---: | --- |");
      ratios.forEach(out::println);
    }
    out.println(
        format(
            "%nPrograms outside the benchmark took up to %.0f %% of the machine's CPU meanwhile.",
            strangers * 100));
  }

  private void ratio(String what, String value, String target, boolean met) {
    ratios.add("| " + String.join(" | ", what, value, target, met ? "yes" : "no") + " |");
  }

  private static String millis(double micros) {
    return format("%.2f", micros / 1e3);
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
