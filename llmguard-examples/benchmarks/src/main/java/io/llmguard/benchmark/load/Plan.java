package io.llmguard.benchmark.load;

import io.llmguard.benchmark.upstream.Payload;
import java.time.Duration;
import java.util.Locale;

/**
 * What to send where: every connection sends its next request as soon as it has the answer to the
 * last one.
 *
 * @param port the port on the loopback address
 * @param payload the kind of call
 * @param connections how many connections there are
 * @param ramp over what time they are opened, evenly
 * @param warmUp what is not measured, the ramp included
 * @param measured the time that is measured
 */
public record Plan(
    int port, Payload payload, int connections, Duration ramp, Duration warmUp, Duration measured) {

  String line() {
    return String.format(
        Locale.ROOT,
        "%d %s %d %d %d %d",
        port,
        payload,
        connections,
        ramp.toMillis(),
        warmUp.toMillis(),
        measured.toMillis());
  }

  static Plan parse(String line) {
    String[] parts = line.split(" ", -1);
    return new Plan(
        Integer.parseInt(parts[0]),
        Payload.valueOf(parts[1]),
        Integer.parseInt(parts[2]),
        Duration.ofMillis(Long.parseLong(parts[3])),
        Duration.ofMillis(Long.parseLong(parts[4])),
        Duration.ofMillis(Long.parseLong(parts[5])));
  }
}
