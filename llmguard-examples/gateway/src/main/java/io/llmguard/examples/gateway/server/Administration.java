package io.llmguard.examples.gateway.server;

import io.llmguard.TimeSource;
import io.llmguard.admin.AdminApi;
import io.llmguard.admin.AdminModel;
import io.llmguard.admin.EndpointHealth;
import io.llmguard.assembly.Secret;
import io.llmguard.budget.Price;
import io.llmguard.budget.SpendReader;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.examples.gateway.config.GatewayConfig.DeploymentLimits;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyStore;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** The admin API of a configured gateway. */
final class Administration {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final List<Deployment> models;
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build();

  private Administration(GatewayConfig config) {
    UpstreamServer only = config.upstream();
    models =
        config.models().isEmpty() && only != null
            ? List.of(new Deployment("*", "*", only, DeploymentLimits.NONE, null))
            : config.models();
  }

  static AdminApi of(GatewayConfig config, KeyStore store, KeyDirectory keys, SpendReader spend) {
    Administration administration = new Administration(config);
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

  private CompletableFuture<@Nullable String> ask(UpstreamServer server) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(server.baseUrl() + (server.ollama() ? "/api/version" : "/v1/models")))
            .timeout(PATIENCE);
    Secret key = server.apiKey();
    if (key != null) {
      request.header("Authorization", "Bearer " + key.value());
    }
    return client
        .sendAsync(request.build(), BodyHandlers.discarding())
        .handle(
            (answer, e) -> {
              if (e != null) {
                return why(e);
              }
              return answer.statusCode() < 300 ? null : "answered " + answer.statusCode();
            });
  }

  /** The kind of failure only: a message may hold what a server sent. */
  private static String why(Throwable e) {
    Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
    if (cause instanceof java.net.http.HttpTimeoutException) {
      return "no answer in " + PATIENCE.toSeconds() + " s";
    }
    return cause instanceof IOException ? "not reached" : "failed";
  }
}
