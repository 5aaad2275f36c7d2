package io.llmguard.benchmark.client;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code read}: measures one client in this process and prints one line. */
@Command(name = "read", hidden = true)
final class ReadCommand implements Callable<Integer> {
  @Parameters(index = "0")
  private Clients client = Clients.LLMGUARD;

  @Parameters(index = "1")
  private String url = "";

  @Option(names = "--warmup")
  private int warmup = 5;

  @Option(names = "--measure")
  private int measure = 5;

  private final int expected = Script.length();
  private int tokens;
  private int length;

  @Override
  public Integer call() throws Exception {
    try (Reader reader = client.open(url)) {
      System.out.println(measure(reader, seconds(warmup), seconds(measure)).line());
    }
    return 0;
  }

  private static long seconds(int count) {
    return TimeUnit.SECONDS.toNanos(count);
  }

  Sample measure(Reader reader, long warmupNanos, long measureNanos) throws Exception {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    run(reader, warmupNanos);
    Allocations allocations = new Allocations();
    long bytes = allocations.bytes();
    long cpu = system.getProcessCpuTime();
    long begin = System.nanoTime();
    double read = run(reader, measureNanos);
    double nanos = System.nanoTime() - begin;
    return new Sample(
        read / nanos * 1e9,
        (system.getProcessCpuTime() - cpu) / 1e3 / read,
        (allocations.bytes() - bytes) / read);
  }

  private long run(Reader reader, long nanos) throws Exception {
    long begin = System.nanoTime();
    long read = 0;
    do {
      tokens = 0;
      length = 0;
      reader.read(this::count);
      if (tokens != Script.TOKENS || length != expected) {
        throw new IllegalStateException(
            "%d tokens of %d characters came".formatted(tokens, length));
      }
      read += tokens;
    } while (System.nanoTime() - begin < nanos);
    return read;
  }

  private void count(String text) {
    if (!text.isEmpty()) {
      tokens++;
      length += text.length();
    }
  }
}
