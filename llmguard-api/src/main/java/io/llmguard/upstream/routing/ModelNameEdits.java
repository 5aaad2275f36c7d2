package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.FormStage;
import io.llmguard.upstream.Route;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.Call;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.CheckedForm;
import io.llmguard.wire.ModelRenamer;
import io.llmguard.wire.Operation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Puts the upstream's name for a model into what goes there, and the client's into what comes. */
final class ModelNameEdits {
  private ModelNameEdits() {}

  static RequestBody body(Exchange exchange, String model) {
    BodyEdits edits = exchange.get(CeilingStage.EDITS);
    CheckedBody checked = exchange.get(BodyStage.CHECKED);
    if (edits == null && checked != null) {
      edits = checked.edits();
    }
    if (edits != null) {
      return new RequestBody.InMemory(ByteBuffer.wrap(edits.set("model", model).apply()));
    }
    CheckedForm form = exchange.get(FormStage.CHECKED);
    if (form != null && exchange.body() instanceof RequestBody.InFile file) {
      return new RequestBody.EditedFile(
          file,
          form.modelOffset(),
          form.modelLength(),
          ByteBuffer.wrap(model.getBytes(StandardCharsets.UTF_8)));
    }
    return exchange.body();
  }

  static Route.AnswerTransforms answers(
      Exchange exchange, Operation operation, String model, String alias) {
    Call call = exchange.call();
    boolean stream = call != null && call.stream();
    return (status, headers) ->
        ModelRenamer.of(operation, stream, headers.first("Content-Type"), model, alias);
  }
}
