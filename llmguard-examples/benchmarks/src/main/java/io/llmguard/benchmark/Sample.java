package io.llmguard.benchmark;

import io.llmguard.benchmark.load.LoadResult;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * One measurement of one system under one load.
 *
 * @param load what the load generator saw
 * @param cpuSeconds the system's CPU in the measured time
 * @param ownCpuSeconds the same without the services that it asks
 * @param residentMiB the system's memory at the end of it
 * @param strangersShare what programs outside the benchmark took of the machine's CPU, 0 to 1
 */
record Sample(
    LoadResult load,
    double cpuSeconds,
    double ownCpuSeconds,
    double residentMiB,
    double strangersShare) {
  double requestsPerSecond() {
    return load.requests() / load.seconds();
  }

  double bytesPerSecond() {
    return load.bodyBytes() / load.seconds();
  }

  double cpuMicrosPerRequest() {
    return cpuSeconds * 1e6 / load.requests();
  }

  double ownCpuMicrosPerRequest() {
    return ownCpuSeconds * 1e6 / load.requests();
  }

  static double median(List<Sample> samples, ToDoubleFunction<Sample> of) {
    double[] sorted = samples.stream().mapToDouble(of).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
