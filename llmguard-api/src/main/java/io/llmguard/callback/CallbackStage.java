package io.llmguard.callback;

import io.llmguard.AnswerWatcher;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.audit.AuditContent;
import io.llmguard.audit.AuditEvent;
import io.llmguard.auth.Caller;
import io.llmguard.policy.Endpoint;
import io.llmguard.wire.Call;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells listeners of every call to a model that an authenticated caller made, when it has ended.
 *
 * <p>It belongs at {@link io.llmguard.StandardGuard.Place#OBSERVE}. Calls that were refused before
 * anybody was authenticated are not reported, so that nobody without a key can make the gateway
 * send anything; nor are model lists and management. Thread-safe; closes nothing.
 */
public final class CallbackStage implements Stage, AnswerWatcher {
  private static final Logger log = LoggerFactory.getLogger(CallbackStage.class);

  private final List<CallListener> success;
  private final List<CallListener> failure;
  private final AuditContent.@Nullable Source content;
  private final boolean hideCaller;

  private CallbackStage(Builder builder) {
    success = List.copyOf(builder.success);
    failure = List.copyOf(builder.failure);
    content = builder.content;
    hideCaller = builder.hideCaller;
  }

  /** A builder of a stage without listeners. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String name() {
    return "callbacks";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    return exchange.admit();
  }

  @Override
  public @Nullable Consumer<ByteBuffer> watch(Exchange exchange, int status, Headers headers) {
    return content == null ? null : content.watch(exchange, status, headers);
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Caller caller = exchange.caller();
    Endpoint endpoint = exchange.endpoint();
    if (caller == null || endpoint == null || endpoint.operation().kind().genAiName() == null) {
      return;
    }
    Call call = exchange.call();
    CallReport report =
        new CallReport(
            event(exchange, outcome),
            endpoint.operation(),
            call != null && call.stream(),
            hideCaller ? null : caller.owner(),
            hideCaller ? null : caller.team(),
            exchange.traceId() == null ? null : exchange.traceParent());
    for (CallListener listener : report.succeeded() ? success : failure) {
      try {
        listener.ended(report);
      } catch (RuntimeException e) {
        // the class only: a message may hold what the call held
        log.error("a callback failed: {}", e.getClass().getName());
      }
    }
  }

  private AuditEvent event(Exchange exchange, Outcome outcome) {
    AuditEvent event = AuditEvent.of(exchange, outcome, contentOf(exchange, outcome));
    return hideCaller ? event.withoutCaller() : event;
  }

  private @Nullable AuditContent contentOf(Exchange exchange, Outcome outcome) {
    return content == null ? null : content.contentOf(exchange, outcome);
  }

  /** Collects listeners. Not thread-safe. */
  public static final class Builder {
    private final List<CallListener> success = new ArrayList<>();
    private final List<CallListener> failure = new ArrayList<>();
    private AuditContent.@Nullable Source content;
    private boolean hideCaller;

    private Builder() {}

    /** Tells this listener of calls that succeeded. */
    public Builder onSuccess(CallListener listener) {
      success.add(listener);
      return this;
    }

    /** Tells this listener of calls that failed or were refused. */
    public Builder onFailure(CallListener listener) {
      failure.add(listener);
      return this;
    }

    /** Puts prompt and answer into the reports; hashes only unless set. */
    public Builder content(AuditContent.Source value) {
      content = value;
      return this;
    }

    /** Leaves out who called: key, name, user, team and address; they are in unless set. */
    public Builder hideCaller(boolean value) {
      hideCaller = value;
      return this;
    }

    /** The stage. */
    public CallbackStage build() {
      return new CallbackStage(this);
    }
  }
}
