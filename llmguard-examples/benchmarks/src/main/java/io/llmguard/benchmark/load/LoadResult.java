package io.llmguard.benchmark.load;

import java.util.Locale;

/**
 * What a load generator saw while it measured.
 *
 * @param seconds how long it measured
 * @param requests answers that were completed in that time, each with status 200 and a whole body
 * @param bodyBytes bytes of bodies that came in that time
 * @param errors answers that were not right, and connections that broke
 * @param firstByteP50 the median time to the first byte, in microseconds
 * @param firstByteP99 its 99th percentile
 * @param latencyP50 the median time to the last byte, in microseconds
 * @param latencyP99 its 99th percentile
 */
public record LoadResult(
    double seconds,
    long requests,
    long bodyBytes,
    long errors,
    double firstByteP50,
    double firstByteP99,
    double latencyP50,
    double latencyP99) {

  String line() {
    return String.format(
        Locale.ROOT,
        "%f %d %d %d %f %f %f %f",
        seconds,
        requests,
        bodyBytes,
        errors,
        firstByteP50,
        firstByteP99,
        latencyP50,
        latencyP99);
  }

  static LoadResult parse(String line) {
    String[] parts = line.split(" ", -1);
    return new LoadResult(
        Double.parseDouble(parts[0]),
        Long.parseLong(parts[1]),
        Long.parseLong(parts[2]),
        Long.parseLong(parts[3]),
        Double.parseDouble(parts[4]),
        Double.parseDouble(parts[5]),
        Double.parseDouble(parts[6]),
        Double.parseDouble(parts[7]));
  }
}
