package io.llmguard.examples.gateway.server;

import io.llmguard.Headers;
import io.llmguard.TimeSource;
import io.llmguard.admin.AdminApi;
import io.llmguard.admin.AdminModel;
import io.llmguard.admin.EndpointHealth;
import io.llmguard.budget.Price;
import io.llmguard.budget.SpendReader;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.examples.gateway.config.GatewayConfig.DeploymentLimits;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyStore;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamFailure;
import io.llmguard.upstream.UpstreamTimeouts;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.wire.Parameters;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The admin API of a configured gateway. */
final class Administration {
  private static final UpstreamTimeouts PATIENCE =
      new UpstreamTimeouts(
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(5));

  private final List<Deployment> models;
  private final Function<UpstreamServer, Upstream> upstreams;

  private Administration(GatewayConfig config, Function<UpstreamServer, Upstream> upstreams) {
    this.upstreams = upstreams;
    UpstreamServer only = config.upstream();
    models =
        config.models().isEmpty() && only != null
            ? List.of(new Deployment("*", "*", only, DeploymentLimits.NONE, null, Parameters.NONE))
            : config.models();
  }

  /**
   * The API.
   *
   * @param upstreams the way to each configured server
   */
  static AdminApi of(
      GatewayConfig config,
      KeyStore store,
      KeyDirectory keys,
      SpendReader spend,
      Function<UpstreamServer, Upstream> upstreams) {
    Administration administration = new Administration(config, upstreams);
    return AdminApi.builder(store)
        .time(TimeSource.system())
        .onChange(keys::refresh)
        .spend(spend, config.budgets().zone())
        .maxBudget(config.budgets().maxBudget())
        .models(administration::models)
        .health(administration::health)
        .build();
  }

  private List<AdminModel> models() {
    return models.stream().map(Administration::describe).toList();
  }

  private static AdminModel describe(Deployment model) {
    Price price = model.price();
    return new AdminModel(
        model.name(),
        (model.server().ollama() ? "ollama/" : "openai/") + model.upstreamModel(),
        model.server().baseUrl(),
        price == null ? null : price.inputToken(),
        price == null ? null : price.outputToken());
  }

  /** Asks every server once, all at the same time. */
  private List<EndpointHealth> health() {
    Map<UpstreamServer, CompletableFuture<@Nullable String>> asked = new LinkedHashMap<>();
    for (Deployment model : models) {
      asked.computeIfAbsent(model.server(), this::ask);
    }
    List<EndpointHealth> health = new ArrayList<>();
    for (Deployment model : models) {
      CompletableFuture<@Nullable String> answer = asked.get(model.server());
      health.add(new EndpointHealth(describe(model), answer == null ? null : answer.join()));
    }
    return health;
  }

  /** What is wrong with a server, or null. */
  private CompletableFuture<@Nullable String> ask(UpstreamServer server) {
    Heartbeat heartbeat = new Heartbeat();
    upstreams
        .apply(server)
        .ask(server.ollama() ? "/api/version" : "/v1/models", PATIENCE, heartbeat);
    return heartbeat.wrong;
  }

  /** Hears how a server answers. */
  private static final class Heartbeat implements UpstreamTransport.ResponseHandler {
    private final CompletableFuture<@Nullable String> wrong = new CompletableFuture<>();
    private volatile @Nullable String answered;

    @Override
    public void onHead(int status, Headers headers) {
      answered = status < 300 ? null : "answered " + status;
    }

    @Override
    public void onBytes(ByteBuffer chunk, Runnable consumed) {
      consumed.run();
    }

    @Override
    public void onEnd() {
      wrong.complete(answered);
    }

    /** The kind of failure only: what a server sent is not for the answer. */
    @Override
    public void onFailure(UpstreamFailure failure) {
      wrong.complete(
          switch (failure.kind()) {
            case CONNECT, BEFORE_HEAD -> "not reached";
            case CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, IDLE_TIMEOUT, TOTAL_TIMEOUT ->
                "no answer in " + PATIENCE.total().toSeconds() + " s";
            case AFTER_HEAD, REQUEST_BODY, CANCELLED -> "failed";
          });
    }
  }
}
