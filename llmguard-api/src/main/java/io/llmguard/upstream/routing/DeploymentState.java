package io.llmguard.upstream.routing;

import io.llmguard.upstream.AttemptResult;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.wire.Parameters;
import org.jspecify.annotations.Nullable;

/** What a deployment is doing; used under the router's lock. */
final class DeploymentState implements Candidate {
  private static final double NEWEST = 0.2;

  private final Deployment deployment;
  private final Breaker own;
  private final Breaker server;
  private final Parameters parameters;
  private final MinuteWindow window = new MinuteWindow();
  private long minute;
  private int inFlight;
  private double latency = -1;
  private double outputTokens = 256;
  private double callNanos = 1e9;

  /**
   * A deployment that has no call.
   *
   * @param general what is decided for every deployment
   */
  DeploymentState(Deployment deployment, Breaker own, Breaker server, Parameters general) {
    this.parameters = deployment.parameters().over(general);
    this.deployment = deployment;
    this.own = own;
    this.server = server;
  }

  /** What is decided for its calls. */
  Parameters parameters() {
    return parameters;
  }

  /** Sets the minute of the clock in which the choice is made. */
  void at(long now) {
    minute = now;
  }

  boolean well(long nanos) {
    return own.allows(nanos) && server.allows(nanos);
  }

  /** When it may be asked again, on the monotonic clock. */
  long wellAt(long nanos) {
    long a = own.until(nanos);
    long b = server.until(nanos);
    return a - b > 0 ? a : b;
  }

  /** True if its server has failed too often and has not been found well since. */
  boolean serverOpen() {
    return server.isOpen();
  }

  /**
   * In how many nanoseconds it may take calls that it may not take now; {@code Long.MAX_VALUE}
   * where time alone changes nothing.
   *
   * @param minuteLeft what is left of the minute for which limits hold
   */
  long changesIn(long nanos, long minuteLeft) {
    long well = wellAt(nanos) - nanos;
    boolean limited =
        deployment.requestsPerMinute() != Long.MAX_VALUE
            || deployment.tokensPerMinute() != Long.MAX_VALUE;
    return Math.min(well > 0 ? well : Long.MAX_VALUE, limited ? minuteLeft : Long.MAX_VALUE);
  }

  boolean withinLimits(long promptTokens) {
    long limit = deployment.tokensPerMinute();
    return window.requests(minute) < deployment.requestsPerMinute()
        && (limit == Long.MAX_VALUE || window.tokens(minute) + promptTokens <= limit);
  }

  boolean hasRoom() {
    return inFlight < deployment.maxParallel();
  }

  /** How many tokens a call is going to take, as far as anybody knows. */
  long estimate(long promptTokens, @Nullable Long maxOutputTokens) {
    double output = outputTokens;
    return promptTokens
        + Math.round(maxOutputTokens == null ? output : Math.min(output, maxOutputTokens));
  }

  /** How long a call is going to take, as far as anybody knows. */
  double callNanos() {
    return callNanos;
  }

  /** Takes a place; the answer is for {@link #end}. */
  Taken begin(long estimate) {
    window.begin(minute, estimate);
    inFlight++;
    return new Taken(estimate, own.enter(), server.enter());
  }

  /** A place that was taken. */
  record Taken(long estimate, boolean ownTrial, boolean serverTrial) {}

  void end(Taken taken, AttemptResult result, Used used, long now, long nanos) {
    inFlight--;
    window.end(now, taken.estimate(), used.input() + used.output());
    own.leave(taken.ownTrial());
    server.leave(taken.serverTrial());
    judge(taken, result, nanos);
    if (result.failure() == null && result.status() < 300 && used.output() > 0) {
      double perToken = (double) result.nanos() / used.output();
      latency = latency < 0 ? perToken : latency + NEWEST * (perToken - latency);
      outputTokens += NEWEST * (used.output() - outputTokens);
      callNanos += NEWEST * (result.nanos() - callNanos);
    }
  }

  /** Tokens that a call used. */
  record Used(long input, long output) {}

  private void judge(Taken taken, AttemptResult result, long nanos) {
    Long asked = result.retryAfter() == null ? null : result.retryAfter().toNanos();
    if (result.failure() != null) {
      Kind kind = result.failure().kind();
      switch (kind) {
        case CANCELLED, REQUEST_BODY -> {}
        case TOTAL_TIMEOUT -> own.failure(nanos, taken.ownTrial(), null);
        default -> server.failure(nanos, taken.serverTrial(), null);
      }
      return;
    }
    switch (result.status()) {
      case 429 -> own.failure(nanos, taken.ownTrial(), asked == null ? 0L : asked);
      case 401, 403, 500 -> own.failure(nanos, taken.ownTrial(), null);
      case 502, 503, 504, 529 -> server.failure(nanos, taken.serverTrial(), asked);
      default -> {
        own.success();
        server.success();
      }
    }
  }

  @Override
  public Deployment deployment() {
    return deployment;
  }

  @Override
  public int inFlight() {
    return inFlight;
  }

  @Override
  public long tokensThisMinute() {
    return window.tokens(minute);
  }

  @Override
  public long requestsThisMinute() {
    return window.requests(minute);
  }

  @Override
  public double latencyNanos() {
    return latency;
  }
}
