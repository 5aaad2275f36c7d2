package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.policy.Endpoint;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Sends a call to the upstream of its model.
 *
 * <p>A model-management call changes a server, so where there are several it names one in {@code
 * X-Llmguard-Upstream}; without it, 400. A call that names no model goes to the first upstream, and
 * one whose model has no upstream is refused with 503. With a single upstream everything goes
 * there. {@code NAME} and {@code NAME:latest} are the same model. Immutable.
 */
public final class ModelRouter implements UpstreamRouter {
  /** The field in which a management call names its upstream. */
  public static final String UPSTREAM_HEADER = "X-Llmguard-Upstream";

  private static final String LATEST = ":latest";

  private final List<Upstream> upstreams;
  private final Map<String, Upstream> byModel;

  private ModelRouter(Builder builder) {
    upstreams = List.copyOf(builder.upstreams);
    byModel = Map.copyOf(builder.byModel);
  }

  /** A builder of a router without upstreams. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Route route(Exchange exchange) {
    if (upstreams.size() == 1) {
      return to(upstreams.get(0), exchange);
    }
    Endpoint endpoint = exchange.endpoint();
    boolean management =
        endpoint != null && endpoint.operation().kind() == Operation.Kind.MANAGEMENT;
    if (management) {
      return named(exchange);
    }
    Call call = exchange.call();
    String model = call == null ? null : call.model();
    if (model == null) {
      return to(upstreams.get(0), exchange);
    }
    Upstream upstream = byModel.get(canonical(model));
    return upstream == null
        ? new Route.Refused(Refusal.of(503, "no-upstream", "no server has this model"))
        : to(upstream, exchange);
  }

  private Route named(Exchange exchange) {
    List<String> names = exchange.request().headers().all(UPSTREAM_HEADER);
    Upstream upstream = names.size() == 1 ? find(names.get(0)) : null;
    if (upstream != null) {
      return to(upstream, exchange);
    }
    String detail =
        names.isEmpty()
            ? "several servers stand here: name one in the header " + UPSTREAM_HEADER
            : "the header " + UPSTREAM_HEADER + " must name one server that stands here";
    return new Route.Refused(Refusal.of(400, "upstream-not-named", detail));
  }

  private @Nullable Upstream find(String name) {
    for (Upstream upstream : upstreams) {
      if (upstream.name().equals(name)) {
        return upstream;
      }
    }
    return null;
  }

  private static Route to(Upstream upstream, Exchange exchange) {
    return new Route.To(upstream, exchange.body());
  }

  private static String canonical(String model) {
    return model.endsWith(LATEST) ? model.substring(0, model.length() - LATEST.length()) : model;
  }

  /** Collects upstreams and their models. Not thread-safe. */
  public static final class Builder {
    private final List<Upstream> upstreams = new ArrayList<>();
    private final Map<String, Upstream> byModel = new HashMap<>();

    private Builder() {}

    /** Adds an upstream with the models that go there, by the names under which clients ask. */
    public Builder upstream(Upstream upstream, String... models) {
      for (Upstream other : upstreams) {
        if (other.name().equals(upstream.name())) {
          throw new IllegalArgumentException("two upstreams are called " + upstream.name());
        }
      }
      upstreams.add(upstream);
      for (String model : models) {
        if (byModel.put(canonical(model), upstream) != null) {
          throw new IllegalArgumentException("two upstreams have the model " + model);
        }
      }
      return this;
    }

    /** The router. */
    public ModelRouter build() {
      if (upstreams.isEmpty()) {
        throw new IllegalArgumentException("a router needs an upstream");
      }
      return new ModelRouter(this);
    }
  }
}
