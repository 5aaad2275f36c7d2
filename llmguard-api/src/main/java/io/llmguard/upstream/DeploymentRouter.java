package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.auth.Caller;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.Endpoint;
import io.llmguard.policy.ModelAccess;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.Call;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.ModelListFilter;
import io.llmguard.wire.ModelLists;
import io.llmguard.wire.ModelRenamer;
import io.llmguard.wire.Operation;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Sends a call to the deployment of its model, under the upstream's own name for it, and shows
 * clients the names that they use.
 *
 * <p>Without deployments there is one upstream, which takes every call under the model's own name.
 * With them, a call whose model has no deployment is refused with 404 {@code model-not-found}.
 * Lists of models show a caller only those that it may use. Where an alias and the upstream's name
 * are the same, the answer reaches the client byte for byte. A call that names no model, or whose
 * body changes the server, names its upstream in {@link #UPSTREAM_HEADER} where several stand
 * behind the guard, else 400 {@code upstream-not-named}. Immutable and thread-safe.
 */
public final class DeploymentRouter implements UpstreamRouter {
  /** The field in which a call names its upstream. */
  public static final String UPSTREAM_HEADER = "X-Llmguard-Upstream";

  private static final String MODEL_PATH = "/v1/models/";

  private final Map<String, Deployment> byAlias;
  private final List<Upstream> upstreams;

  private DeploymentRouter(Map<String, Deployment> byAlias, List<Upstream> upstreams) {
    this.byAlias = byAlias;
    this.upstreams = upstreams;
  }

  /**
   * A model at an upstream.
   *
   * @param alias the name that clients use
   * @param upstream where it is
   * @param model the upstream's name for it
   */
  public record Deployment(String alias, Upstream upstream, String model) {}

  /** A router to one upstream, for every model that it has. */
  public static DeploymentRouter to(Upstream upstream) {
    return new DeploymentRouter(Map.of(), List.of(upstream));
  }

  /**
   * A router to these deployments.
   *
   * @throws IllegalArgumentException if there are none, or two of one alias
   */
  public static DeploymentRouter to(List<Deployment> deployments) {
    Map<String, Deployment> byAlias = new LinkedHashMap<>();
    Set<Upstream> upstreams = new LinkedHashSet<>();
    for (Deployment deployment : deployments) {
      if (byAlias.put(ModelAccess.canonical(deployment.alias()), deployment) != null) {
        throw new IllegalArgumentException("two deployments are called " + deployment.alias());
      }
      upstreams.add(deployment.upstream());
    }
    if (byAlias.isEmpty()) {
      throw new IllegalArgumentException("a router needs a deployment");
    }
    return new DeploymentRouter(byAlias, List.copyOf(upstreams));
  }

  @Override
  public Route route(Exchange exchange) {
    Endpoint endpoint = exchange.endpoint();
    Operation operation = endpoint == null ? Operation.OTHER : endpoint.operation();
    switch (operation.kind()) {
      case MODEL_LIST -> {
        return list(exchange, operation);
      }
      case MANAGEMENT -> {
        return named(exchange);
      }
      case INFO -> {
        return to(exchange, upstreams.get(0));
      }
      default -> {
        return model(exchange, operation);
      }
    }
  }

  private Route model(Exchange exchange, Operation operation) {
    Call call = exchange.call();
    String alias = call == null ? null : call.model();
    if (byAlias.isEmpty() || alias == null) {
      return operation == Operation.OPENAI_MODEL && !byAlias.isEmpty()
          ? modelInfo(exchange)
          : named(exchange);
    }
    Deployment deployment = byAlias.get(ModelAccess.canonical(alias));
    if (deployment == null) {
      return notFound();
    }
    if (deployment.model().equals(alias)) {
      return new Route.To(deployment.upstream(), exchange.body());
    }
    RequestBody body = renamed(exchange, deployment.model());
    return renaming(exchange, deployment, body, operation, alias);
  }

  private static Route renaming(
      Exchange exchange,
      Deployment deployment,
      RequestBody body,
      Operation operation,
      String alias) {
    Call call = exchange.call();
    boolean stream = call != null && call.stream();
    return new Route.To(
        deployment.upstream(),
        body,
        (status, headers) ->
            ModelRenamer.of(
                operation, stream, headers.first("Content-Type"), deployment.model(), alias));
  }

  private static RequestBody renamed(Exchange exchange, String model) {
    BodyEdits edits = exchange.get(CeilingStage.EDITS);
    if (edits == null) {
      CheckedBody checked = exchange.get(BodyStage.CHECKED);
      if (checked == null) {
        return exchange.body();
      }
      edits = checked.edits();
    }
    return new RequestBody.InMemory(ByteBuffer.wrap(edits.set("model", model).apply()));
  }

  private Route modelInfo(Exchange exchange) {
    String alias = exchange.path().substring(MODEL_PATH.length());
    Deployment deployment = byAlias.get(ModelAccess.canonical(alias));
    if (deployment == null) {
      return notFound();
    }
    if (deployment.model().equals(alias)) {
      return to(exchange, deployment.upstream());
    }
    exchange.path(MODEL_PATH + deployment.model());
    return renaming(exchange, deployment, exchange.body(), Operation.OPENAI_MODEL, alias);
  }

  private static Route notFound() {
    return new Route.Refused(
        Refusal.of(404, "model-not-found", "there is no model of that name here"));
  }

  private Route list(Exchange exchange, Operation operation) {
    Caller caller = exchange.caller();
    ModelAccess access = caller == null ? ModelAccess.ALL : caller.models();
    boolean head = exchange.request().method().equals("HEAD");
    if (upstreams.size() > 1 && operation != Operation.OLLAMA_PS) {
      List<String> aliases =
          byAlias.values().stream().map(Deployment::alias).filter(access::allows).toList();
      return new Route.Answered("application/json", ModelLists.of(operation, aliases));
    }
    Route route = named(exchange);
    return route instanceof Route.To to && !head
        ? new Route.To(
            to.upstream(),
            to.body(),
            (status, headers) ->
                status == 200
                    ? new ModelListFilter(operation, name -> namesFor(access, name))
                    : null)
        : route;
  }

  private List<String> namesFor(ModelAccess access, String name) {
    if (byAlias.isEmpty()) {
      return access.allows(name) ? List.of(name) : List.of();
    }
    List<String> aliases = new ArrayList<>();
    for (Deployment deployment : byAlias.values()) {
      if (ModelAccess.canonical(deployment.model()).equals(ModelAccess.canonical(name))
          && access.allows(deployment.alias())) {
        aliases.add(deployment.alias());
      }
    }
    return aliases;
  }

  private Route named(Exchange exchange) {
    if (upstreams.size() == 1) {
      return to(exchange, upstreams.get(0));
    }
    List<String> names = exchange.request().headers().all(UPSTREAM_HEADER);
    for (Upstream upstream : upstreams) {
      if (names.size() == 1 && upstream.name().equals(names.get(0))) {
        return to(exchange, upstream);
      }
    }
    return new Route.Refused(
        Refusal.of(
            400,
            "upstream-not-named",
            "several servers stand here: name one in the header " + UPSTREAM_HEADER));
  }

  private static Route to(Exchange exchange, Upstream upstream) {
    return new Route.To(upstream, exchange.body());
  }
}
