package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.Endpoint;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.Operation;
import io.llmguard.wire.Parameters;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Holds calls to what is decided in place of callers. */
final class ParameterRules {
  private ParameterRules() {}

  /** Why a call is refused, or null. */
  static @Nullable Refusal refusal(Exchange exchange, Parameters parameters) {
    if (parameters.isEmpty()) {
      return null;
    }
    CheckedBody checked = exchange.get(BodyStage.CHECKED);
    if (checked != null) {
      return parameters.refusal(checked);
    }
    Endpoint endpoint = exchange.endpoint();
    return endpoint != null && endpoint.operation().kind() == Operation.Kind.GENERATION
        ? Refusal.of(503, "parameters-unread", "what this call asks for was not looked at")
        : null;
  }

  /** The call's body with what is decided. */
  static RequestBody body(Exchange exchange, Parameters parameters) {
    CheckedBody checked = exchange.get(BodyStage.CHECKED);
    if (checked == null || parameters.isEmpty()) {
      return exchange.body();
    }
    BodyEdits edits = edits(exchange, checked);
    parameters.apply(checked, edits);
    return new RequestBody.InMemory(ByteBuffer.wrap(edits.apply()));
  }

  /** What has been changed in the body until now; further changes are of this route only. */
  static BodyEdits edits(Exchange exchange, CheckedBody checked) {
    BodyEdits before = exchange.get(CeilingStage.EDITS);
    return before == null ? checked.edits() : before.copy();
  }
}
