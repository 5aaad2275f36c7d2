package io.llmguard.budget;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;

/** Says what a call that has ended has used. */
final class Spent {
  /** No call counts more tokens of a kind, whatever an upstream claims. */
  private static final long MOST = 10_000_000;

  private static final Usage NOTHING = Usage.reported(0, 0);

  private Spent() {}

  static Usage of(Exchange exchange, Outcome outcome, Call call, Worst.Tokens worst) {
    ResponseMeter meter = exchange.meter();
    Usage reported = meter.usage();
    if (reported != null && meter.finished()) {
      return Usage.reported(bounded(reported.inputTokens()), bounded(reported.outputTokens()));
    }
    long events = meter.outputEvents();
    if (reported == null && events == 0 && nothingDone(exchange, outcome)) {
      return NOTHING;
    }
    long input =
        reported != null && reported.inputTokens() > 0
            ? bounded(reported.inputTokens())
            : Math.min(call.details().promptTokens() + 1, worst.input());
    long seen = Math.max(events, reported == null ? 0 : bounded(reported.outputTokens()));
    return new Usage(
        input,
        Math.min(
            Math.max(seen, unseen(exchange, outcome, call, worst)), Math.max(seen, worst.output())),
        true);
  }

  private static boolean nothingDone(Exchange exchange, Outcome outcome) {
    int status = exchange.status();
    boolean neverSent = exchange.neverAttempted();
    boolean failed = outcome.kind() == Outcome.Kind.UPSTREAM_FAILED;
    boolean refused =
        status >= 400
            && outcome.kind() != Outcome.Kind.CLIENT_GONE
            && outcome.kind() != Outcome.Kind.TIMEOUT;
    return neverSent || failed || refused;
  }

  /** What was generated where no event shows it. */
  private static long unseen(Exchange exchange, Outcome outcome, Call call, Worst.Tokens worst) {
    if (call.operation().kind() != Operation.Kind.GENERATION
        || call.details().loadOnly()
        || exchange.meter().outputEvents() > 0) {
      return 0;
    }
    if (outcome.kind() == Outcome.Kind.COMPLETED) {
      return exchange.responseBytes() / 4 + 1;
    }
    // of an answer in one piece nobody knows how far it had come
    return call.stream() ? 0 : worst.output();
  }

  private static long bounded(long tokens) {
    return Math.max(0, Math.min(tokens, MOST));
  }
}
