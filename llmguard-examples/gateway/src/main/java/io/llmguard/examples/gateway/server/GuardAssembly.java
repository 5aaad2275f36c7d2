package io.llmguard.examples.gateway.server;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.admin.AdminApi;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.CredentialHeaders;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.CeilingSettings;
import io.llmguard.examples.gateway.config.GatewayConfig.Limit;
import io.llmguard.key.KeyLookup;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.limit.LimitListener;
import io.llmguard.limit.LimitMode;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.ModelLimit;
import io.llmguard.limit.ModelRateLimitStage;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.limit.TokenRateLimitStage;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.network.NetworkStage;
import io.llmguard.network.TransportStage;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.FormStage;
import io.llmguard.policy.ModelStage;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.PromptHasher;
import io.llmguard.wire.RequestReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the gateway's guards from its configuration.
 *
 * <p>Each stage is made once and stands in every guard that needs it, so that all share one set of
 * counters.
 */
final class GuardAssembly {
  private final GatewayConfig config;
  private final List<Stage> observers;
  private final LimitListener limits;
  private final RateLimitStore counters;
  private final ClientAddressResolver addresses;
  private final Stage authentication;

  GuardAssembly(
      GatewayConfig config,
      KeyLookup keys,
      RateLimitStore counters,
      List<Stage> observers,
      LimitListener limits) {
    this.config = config;
    this.observers = List.copyOf(observers);
    this.limits = limits;
    this.counters = counters;
    this.addresses =
        ClientAddressResolver.behind(CidrSet.parse(config.networks().trustedProxies()));
    this.authentication = authentication(keys);
  }

  /** Who stands between the gateway and its callers. */
  ClientAddressResolver addresses() {
    return addresses;
  }

  /** The guard of the LLM servers. */
  Guard forCalls(EndpointCatalogue catalogue, AdminApi administration) {
    StandardGuard.Builder guard = upToCaller();
    guard.stage(Place.ENDPOINT, new EndpointStage(catalogue));
    limitCallers(guard);
    PromptHasher hasher =
        config.audit().hmacSecret() == null
            ? PromptHasher.sha256()
            : PromptHasher.hmacSha256(
                config.audit().hmacSecret().value().getBytes(StandardCharsets.UTF_8));
    guard.stage(Place.BODY, new BodyStage(RequestReader.create(hasher), config.limits().body()));
    guard.stage(Place.BODY, new FormStage(config.dataDir(), config.limits().upload()));
    guard.stage(Place.BODY, administration.bodies());
    guard.stage(Place.MODEL, new ModelStage());
    guard.stage(Place.MODEL, new CeilingStage(ceilings()));
    if (!config.rateLimits().perModel().isEmpty()) {
      guard.stage(Place.USAGE_LIMIT, modelLimits());
    }
    Limit tokens = config.rateLimits().tokens();
    guard.stage(
        Place.USAGE_LIMIT,
        TokenRateLimitStage.builder(counters)
            .limit(rate(tokens))
            .mode(mode(tokens))
            .listener(limits)
            .build());
    return guard.build();
  }

  /**
   * A guard of {@code /validate}: it sees no body, so it judges what stands before one.
   *
   * @param endpoints true to judge the path of the call in question, false for its caller only
   */
  Guard forValidation(boolean endpoints) {
    StandardGuard.Builder guard = upToCaller();
    if (endpoints) {
      guard.stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()));
    }
    limitCallers(guard);
    return guard.build();
  }

  /** A guard of the gateway's own pages; they are counted like any other call. */
  Guard forAdministration(EndpointCatalogue pages, AdminApi administration) {
    StandardGuard.Builder guard = upToCaller();
    guard.stage(Place.ENDPOINT, new EndpointStage(pages));
    guard.stage(Place.BODY, administration.bodies());
    return guard.build();
  }

  private StandardGuard.Builder upToCaller() {
    StandardGuard.Builder guard = StandardGuard.builder();
    observers.forEach(observer -> guard.stage(Place.OBSERVE, observer));
    guard.stage(Place.CLIENT_ADDRESS, new ClientAddressStage(addresses));
    guard.stage(Place.TRANSPORT, transport());
    List<String> allowed = config.networks().allow();
    guard.stage(
        Place.NETWORK,
        new NetworkStage(
            allowed.isEmpty() ? CidrSet.ALL : CidrSet.parse(allowed),
            CidrSet.parse(config.networks().deny())));
    Limit perIp = config.rateLimits().perIp();
    if (perIp != null) {
      guard.stage(
          Place.ADDRESS_LIMIT,
          new AddressRateLimitStage(counters, perIp.limit(), mode(perIp), limits));
    }
    guard.stage(Place.AUTHENTICATION, authentication);
    return guard;
  }

  private Stage transport() {
    TransportStage.Builder transport =
        TransportStage.builder()
            .plainHttp(
                switch (config.plainHttp()) {
                  case REFUSE -> TransportStage.PlainHttp.REFUSE;
                  case REDIRECT -> TransportStage.PlainHttp.REDIRECT;
                  case ALLOW -> TransportStage.PlainHttp.ALLOW;
                });
    List<String> hosts = new ArrayList<>(config.hosts());
    if (config.listen().isLoopback() || !hosts.isEmpty()) {
      hosts.add(config.listen().host());
      transport.hosts(hosts);
    }
    if (config.hsts() != null) {
      transport.hsts(config.hsts(), false);
    }
    return transport.build();
  }

  private Stage authentication(KeyLookup keys) {
    AuthenticationStage.Builder stage =
        AuthenticationStage.builder().queryNamesKeysAt(AdminApi.pathsWithKeysInQuery());
    for (String header : config.extraKeyHeaders()) {
      if (header.equalsIgnoreCase(CredentialHeaders.X_GOOG_API_KEY)) {
        stage.readGoogleApiKey();
      } else if (header.equalsIgnoreCase(CredentialHeaders.API_KEY)) {
        stage.readAzureApiKey();
      } else {
        throw new Main.UserError(
            "llmguard.key_headers: only x-goog-api-key and api-key can be switched on, not "
                + header);
      }
    }
    config.jwt().forEach(issuer -> stage.authenticator(Credentials.jwt(issuer)));
    ApiKeyAuthenticator.Builder apiKeys = ApiKeyAuthenticator.builder().keys(keys);
    if (config.masterKey() != null) {
      apiKeys.masterKey(config.masterKey().value());
    }
    stage.authenticator(apiKeys.build());
    if (config.clientCertificates() != null) {
      stage.authenticator(
          Credentials.certificates(
              config.clientCertificates(), CidrSet.parse(config.networks().trustedProxies())));
    }
    return stage.build();
  }

  private void limitCallers(StandardGuard.Builder guard) {
    Limit perKey = config.rateLimits().perKey();
    Limit tokens = config.rateLimits().tokens();
    LimitSet configured = new LimitSet(rate(perKey), rate(tokens), null, Map.of());
    guard.stage(
        Place.CALLER_LIMIT,
        new CallerRateLimitStage(counters, configured, mode(perKey), mode(tokens), limits));
    Integer perCaller = config.concurrency().perKey();
    Integer total = config.concurrency().total();
    guard.stage(
        Place.CALLER_LIMIT,
        new ConcurrencyStage(
            perCaller == null ? 0 : perCaller, total == null ? 0 : total, false, limits));
  }

  private Stage modelLimits() {
    ModelRateLimitStage.Builder stage = ModelRateLimitStage.builder(counters).listener(limits);
    config
        .rateLimits()
        .perModel()
        .forEach((pattern, limit) -> stage.limit(new ModelLimit(pattern, limit.limit(), false)));
    stage.knownModels(config.models().stream().map(GatewayConfig.Deployment::name).toList());
    try {
      return stage.build();
    } catch (IllegalArgumentException e) {
      throw new Main.UserError("llmguard.rate_limits.per_model: " + e.getMessage(), e);
    }
  }

  private Ceilings ceilings() {
    CeilingSettings set = config.ceilings();
    Ceilings.Builder ceilings =
        Ceilings.builder()
            .mode(set.refuse() ? Ceilings.Mode.REFUSE : Ceilings.Mode.CLAMP)
            .loadOptions(set.loadOptions())
            .remoteMedia(set.remoteImages())
            .serverTools(set.serverTools());
    if (set.outputTokens() != null) {
      ceilings.maxOutputTokens(set.outputTokens());
    }
    if (set.context() != null) {
      ceilings.maxContextTokens(set.context());
    }
    if (set.keepAlive() != null) {
      ceilings.maxKeepAlive(set.keepAlive());
    }
    if (set.logprobs() != null) {
      ceilings.maxLogprobs(set.logprobs());
    }
    if (set.choices() != null) {
      ceilings.maxChoices(set.choices());
    }
    return ceilings.build();
  }

  private static @Nullable RateLimit rate(@Nullable Limit limit) {
    return limit == null ? null : limit.limit();
  }

  private static LimitMode mode(@Nullable Limit limit) {
    return limit == null ? LimitMode.ENFORCE : new LimitMode(limit.shadow(), limit.failOpen());
  }
}
