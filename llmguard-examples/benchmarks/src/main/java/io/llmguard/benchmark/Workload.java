package io.llmguard.benchmark;

import io.llmguard.benchmark.upstream.Payload;

/**
 * A kind of load.
 *
 * @param title what it is, for the table
 * @param payload the kind of call
 * @param connections how many of them are under way at any time
 * @param staggered whether the connections are opened over the time that one call takes, so that
 *     they do not beat in step
 */
record Workload(String title, Payload payload, int connections, boolean staggered) {
  static Workload plain(int connections) {
    return new Workload(
        "plain calls, " + connections + " connections", Payload.PLAIN, connections, false);
  }

  static Workload streams(int connections) {
    return new Workload(
        "streams of " + Payload.CHUNKS + " chunks, " + connections + " connections",
        Payload.STREAM,
        connections,
        false);
  }

  static Workload completions(int connections) {
    return new Workload(
        "chat completions, " + connections + " connections",
        Payload.COMPLETION,
        connections,
        false);
  }

  static Workload events(int connections) {
    return new Workload(
        "completions of " + Payload.CHUNKS + " events, " + connections + " connections",
        Payload.EVENTS,
        connections,
        false);
  }

  static Workload manyStreams(int connections, int paceMillis) {
    return new Workload(
        "%,d streams at once, a chunk each %d ms".formatted(connections, paceMillis),
        Payload.PACED,
        connections,
        true);
  }
}
