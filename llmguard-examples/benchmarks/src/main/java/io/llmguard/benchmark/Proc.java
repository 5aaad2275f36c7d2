package io.llmguard.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What Linux counts about processes, see proc(5). */
final class Proc {
  /** The unit of the times in /proc: USER_HZ, which is 100 on every platform that Java runs on. */
  private static final double TICKS_PER_SECOND = 100;

  private Proc() {}

  /** CPU seconds, of user and system, that these processes have used. */
  static double cpuSeconds(List<Long> pids) {
    long ticks = 0;
    for (long pid : pids) {
      String stat = read(Path.of("/proc", Long.toString(pid), "stat"));
      // the name in parentheses may hold anything; behind it the third field begins
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      ticks += Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }
    return ticks / TICKS_PER_SECOND;
  }

  /** Resident memory of these processes, in MiB. */
  static double residentMiB(List<Long> pids) {
    long kib = 0;
    for (long pid : pids) {
      kib +=
          read(Path.of("/proc", Long.toString(pid), "status"))
              .lines()
              .filter(line -> line.startsWith("VmRSS:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
              .sum();
    }
    return kib / 1024.0;
  }

  /** CPU seconds that the whole machine was busy, stolen time included. */
  static double machineCpuSeconds() {
    String[] fields = read(Path.of("/proc/stat")).lines().findFirst().orElseThrow().split(" +", -1);
    // user nice system (idle iowait) irq softirq steal
    return Arrays.stream(new int[] {1, 2, 3, 6, 7, 8})
            .mapToLong(i -> Long.parseLong(fields[i]))
            .sum()
        / TICKS_PER_SECOND;
  }

  /** The model of the first processor. */
  static String cpuModel() {
    return read(Path.of("/proc/cpuinfo"))
        .lines()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 2))
        .findFirst()
        .orElse("unknown");
  }

  /** The machine's memory in MiB. */
  static long memoryMiB() {
    return read(Path.of("/proc/meminfo"))
            .lines()
            .filter(line -> line.startsWith("MemTotal:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
            .sum()
        / 1024;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
