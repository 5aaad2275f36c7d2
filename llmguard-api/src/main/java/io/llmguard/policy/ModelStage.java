package io.llmguard.policy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import java.util.concurrent.CompletionStage;

/**
 * Lets a call pass if its caller may name every model that it names, in its body or in its path.
 *
 * <p>Refuses with 403 {@code model-not-allowed}, whether or not there is such a model. Where nobody
 * was authenticated, {@link ModelAccess#ALL} holds. A call whose endpoint takes JSON or a form, and
 * whose body no stage before this one has read, is refused with 500 {@code body-unread}: the guard
 * lacks that stage, and who knows what the body asks for; {@link BodyPolicy} has them all.
 */
public final class ModelStage implements Stage {
  private static final String MODEL_PATH = "/v1/models/";

  /** A stage. */
  public ModelStage() {}

  @Override
  public String name() {
    return "model";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Caller caller = exchange.caller();
    ModelAccess access = caller == null ? ModelAccess.ALL : caller.models();
    Call call = exchange.call();
    Endpoint endpoint = exchange.endpoint();
    if (call == null && endpoint != null && isRead(endpoint.body())) {
      return exchange.refuse(
          Refusal.of(500, "body-unread", "the guard does not read the bodies of such calls"));
    }
    if (call != null) {
      for (String model : call.details().models()) {
        if (!access.allows(model)) {
          return refuse(exchange);
        }
      }
    }
    if (endpoint != null
        && endpoint.operation() == Operation.OPENAI_MODEL
        && !access.allows(exchange.path().substring(MODEL_PATH.length()))) {
      return refuse(exchange);
    }
    return exchange.admit();
  }

  private static boolean isRead(BodyKind body) {
    return body == BodyKind.JSON || body == BodyKind.MULTIPART;
  }

  private static CompletionStage<Decision> refuse(Exchange exchange) {
    // without the model's name, which is the caller's own text
    return exchange.refuse(
        Refusal.of(403, "model-not-allowed", "this credential may not use that model"));
  }
}
