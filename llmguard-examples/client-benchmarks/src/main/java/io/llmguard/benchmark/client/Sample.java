package io.llmguard.benchmark.client;

import java.util.Locale;

/**
 * What was measured of one client.
 *
 * @param tokensPerSecond pieces with text in each second
 * @param cpuMicrosPerToken CPU time of the whole process
 * @param bytesPerToken allocated by all threads
 */
record Sample(double tokensPerSecond, double cpuMicrosPerToken, double bytesPerToken) {
  String line() {
    return String.format(
        Locale.ROOT, "%.3f %.6f %.3f", tokensPerSecond, cpuMicrosPerToken, bytesPerToken);
  }

  static Sample parse(String line) {
    String[] words = line.split(" ", -1);
    return new Sample(
        Double.parseDouble(words[0]), Double.parseDouble(words[1]), Double.parseDouble(words[2]));
  }
}
