package io.llmguard.budget;

import io.llmguard.Exchange;
import io.llmguard.FailedAttempt;
import io.llmguard.Outcome;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;

/** Says what the attempts of a call have used. */
final class Spent {
  /** No call counts more tokens of a kind, whatever an upstream claims. */
  private static final long MOST = 10_000_000;

  /** Of an answer in one piece, about. */
  private static final int BYTES_OF_A_TOKEN = 4;

  private static final Usage NOTHING = Usage.reported(0, 0);

  private Spent() {}

  /** What an attempt has used whose answer the client has not seen: as far as it came. */
  static Usage of(FailedAttempt attempt, Call call, Worst.Tokens worst) {
    Usage reported = attempt.usage();
    long pieces = attempt.outputEvents();
    boolean answered = attempt.status() < 400 && attempt.responseBytes() > 0 && !call.stream();
    if (reported == null && pieces == 0 && !answered) {
      return NOTHING;
    }
    long input =
        reported != null && reported.inputTokens() > 0
            ? bounded(reported.inputTokens())
            : Math.min(call.details().promptTokens() + 1, worst.input());
    long output = Math.max(pieces, reported == null ? 0 : bounded(reported.outputTokens()));
    if (output == 0 && answered) {
      output = Math.min(attempt.responseBytes() / BYTES_OF_A_TOKEN + 1, worst.output());
    }
    return new Usage(input, output, true);
  }

  /** What the last attempt of a call that has ended has used. */
  static Usage of(Exchange exchange, Outcome outcome, Call call, Worst.Tokens worst) {
    ResponseMeter meter = exchange.meter();
    Usage reported = meter.usage();
    if (reported != null && meter.finished()) {
      return Usage.reported(bounded(reported.inputTokens()), bounded(reported.outputTokens()))
          .cached(reported.cachedTokens());
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
    boolean notSent = exchange.betweenAttempts();
    boolean failed = outcome.kind() == Outcome.Kind.UPSTREAM_FAILED;
    boolean refused =
        status >= 400
            && outcome.kind() != Outcome.Kind.CLIENT_GONE
            && outcome.kind() != Outcome.Kind.TIMEOUT;
    return notSent || failed || refused;
  }

  /** What was generated where no event shows it. */
  private static long unseen(Exchange exchange, Outcome outcome, Call call, Worst.Tokens worst) {
    if (call.operation().kind() != Operation.Kind.GENERATION
        || call.details().loadOnly()
        || exchange.meter().outputEvents() > 0) {
      return 0;
    }
    if (outcome.kind() == Outcome.Kind.COMPLETED) {
      return exchange.responseBytes() / BYTES_OF_A_TOKEN + 1;
    }
    // of an answer in one piece nobody knows how far it had come
    return call.stream() ? 0 : worst.output();
  }

  private static long bounded(long tokens) {
    return Math.max(0, Math.min(tokens, MOST));
  }
}
