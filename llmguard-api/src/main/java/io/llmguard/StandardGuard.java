package io.llmguard;

import io.llmguard.policy.Endpoint;
import io.llmguard.wire.Call;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.ResponseMeters;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Puts stages into the order in which a guard is cheap to flood and hard to bend.
 *
 * <p>Cheap and anonymous stages come first, so that a flood never reaches the body parser; what
 * observes stands outermost, so that it sees every call to its end. Stages may be given in any
 * order; those of one place keep the order in which they came.
 */
public final class StandardGuard {
  private StandardGuard() {}

  /** Where a stage stands; the order is the guard's. */
  public enum Place {
    /** Sees every call and its end: audit, metrics. */
    OBSERVE,
    /** Finds the caller's address behind trusted proxies. */
    CLIENT_ADDRESS,
    /** Judges TLS, host name and framing. */
    TRANSPORT,
    /** Judges addresses. */
    NETWORK,
    /** Limits addresses. */
    ADDRESS_LIMIT,
    /** Finds who calls. */
    AUTHENTICATION,
    /** Judges method, path and scope. */
    ENDPOINT,
    /** Limits callers, by requests and by calls at once. */
    CALLER_LIMIT,
    /** Reads the body. */
    BODY,
    /** Judges the models that the body names, and what it asks of them. */
    MODEL,
    /** Judges what prompts say, and has answers judged. */
    CONTENT,
    /** Limits what a call may use: tokens, models. */
    USAGE_LIMIT,
    /** Holds what a call may cost against budgets; what it allows is written into the call. */
    BUDGET
  }

  private static ResponseMeter meter(Exchange exchange, int status, Headers headers) {
    Endpoint endpoint = exchange.endpoint();
    if (endpoint == null) {
      return ResponseMeter.none();
    }
    Call call = exchange.call();
    return ResponseMeters.meter(
        endpoint.operation(),
        call != null && call.stream(),
        status,
        headers.first("Content-Type"),
        headers.first("Content-Encoding"));
  }

  /** A builder without stages. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects stages. Not thread-safe. */
  public static final class Builder {
    private final Map<Place, List<Stage>> stages = new EnumMap<>(Place.class);
    private TimeSource time = TimeSource.system();

    private Builder() {}

    /** Adds a stage at its place, behind those that stand there. */
    public Builder stage(Place place, Stage stage) {
      stages
          .computeIfAbsent(Objects.requireNonNull(place), p -> new ArrayList<>(2))
          .add(Objects.requireNonNull(stage));
      return this;
    }

    /** Where the guard takes the time from; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = Objects.requireNonNull(value);
      return this;
    }

    /** The guard; it meters the answers of the dialects that it knows. */
    public Guard build() {
      Guard.Builder guard = Guard.builder().time(time).meters(StandardGuard::meter);
      stages.values().forEach(list -> list.forEach(guard::stage));
      return guard.build();
    }
  }
}
