package io.llmguard.admin.internal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.admin.AdminModel;
import io.llmguard.admin.EndpointHealth;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/** The calls about models and their servers. */
public final class ServerCalls {
  private ServerCalls() {}

  /** {@code GET /model/info}. */
  public static ObjectNode models(AdminCall call, Supplier<List<AdminModel>> models) {
    String wanted = call.query("litellm_model_id").text("litellm_model_id");
    ObjectNode answer = StrictJson.object();
    ArrayNode data = answer.putArray("data");
    for (AdminModel model : models.get()) {
      String id = id(model);
      if (wanted == null || wanted.equals(id)) {
        ObjectNode item = data.addObject();
        item.put("model_name", model.name());
        parameters(model, item.putObject("litellm_params"));
        ObjectNode info = item.putObject("model_info");
        info.put("id", id);
        info.put("db_model", false);
        info.put("input_cost_per_token", model.inputCostPerToken());
        info.put("output_cost_per_token", model.outputCostPerToken());
      }
    }
    if (wanted != null && data.isEmpty()) {
      throw new BadCall(404, "unknown-model", "litellm_model_id names no model of this gateway");
    }
    return answer;
  }

  /** {@code GET /health}: asks the servers. */
  public static ObjectNode health(AdminCall call, Supplier<List<EndpointHealth>> health) {
    String wanted = call.query("model").text("model");
    ObjectNode answer = StrictJson.object();
    ArrayNode healthy = answer.putArray("healthy_endpoints");
    ArrayNode unhealthy = answer.putArray("unhealthy_endpoints");
    for (EndpointHealth endpoint : health.get()) {
      if (wanted == null || wanted.equals(endpoint.model().name())) {
        String error = endpoint.error();
        ObjectNode item = (error == null ? healthy : unhealthy).addObject();
        item.put("model_name", endpoint.model().name());
        parameters(endpoint.model(), item);
        if (error != null) {
          item.put("error", error);
        }
      }
    }
    answer.put("healthy_count", healthy.size());
    answer.put("unhealthy_count", unhealthy.size());
    return answer;
  }

  private static void parameters(AdminModel model, ObjectNode into) {
    into.put("model", model.model());
    into.put("api_base", model.apiBase());
  }

  /** The same for the same deployment, whatever else the configuration says. */
  private static String id(AdminModel model) {
    String text = model.name() + "\n" + model.model() + "\n" + model.apiBase();
    return UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8)).toString();
  }
}
