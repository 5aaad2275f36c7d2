package io.llmguard.upstream.routing;

import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.FormStage;
import io.llmguard.upstream.Route;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.Call;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.CheckedForm;
import io.llmguard.wire.ModelRenamer;
import io.llmguard.wire.Operation;
import io.llmguard.wire.Parameters;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Puts the upstream's name for a model into what goes there, and the client's into what comes. */
final class ModelNameEdits {
  private ModelNameEdits() {}

  static RequestBody body(Exchange exchange, String model, Parameters parameters) {
    CheckedBody checked = exchange.get(BodyStage.CHECKED);
    if (checked != null) {
      BodyEdits edits = ParameterRules.edits(exchange, checked).set("model", model);
      parameters.apply(checked, edits);
      return new RequestBody.InMemory(ByteBuffer.wrap(edits.apply()));
    }
    CheckedForm form = exchange.get(FormStage.CHECKED);
    return form == null ? exchange.body() : named(exchange.body(), form, model);
  }

  private static RequestBody named(RequestBody body, CheckedForm form, String model) {
    RequestBody.Edit name =
        new RequestBody.Edit(
            form.modelOffset(),
            form.modelLength(),
            ByteBuffer.wrap(model.getBytes(StandardCharsets.UTF_8)));
    if (body instanceof RequestBody.InFile file) {
      return new RequestBody.EditedFile(file, List.of(name));
    }
    return body instanceof RequestBody.EditedFile edited ? edited.with(name) : body;
  }

  static Route.AnswerTransforms answers(
      Exchange exchange, Operation operation, String model, String alias) {
    Call call = exchange.call();
    boolean stream = call != null && call.stream();
    return (status, headers) ->
        ModelRenamer.of(operation, stream, headers.first("Content-Type"), model, alias);
  }
}
