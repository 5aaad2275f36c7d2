package io.llmguard.examples.gateway.config;

import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.Secret;
import io.llmguard.budget.Price;
import io.llmguard.wire.Parameters;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Everything the gateway is told, read and checked.
 *
 * @param file the file it stands in, or null for the defaults
 * @param listen where clients call
 * @param adminListen where health, metrics and administration are, or null for {@code listen}
 * @param headTime how long a connection may wait for the head of its next call, and how long that
 *     head may take
 * @param tls TLS of both listeners, or null for plain HTTP
 * @param database where keys live; null for SQLite in the data directory
 * @param keyStaleness how long the keys that are known let in while their store is out of reach
 * @param models deployments by the name that clients use; empty where every model of the one
 *     upstream goes by its own name
 * @param upstream the one upstream where there is no list of models
 * @param routing how calls find a server
 * @param guard what its guards are told
 * @param budgets what may be spent, and what calls cost
 * @param callbacks who is told of calls that have ended
 * @param warnings what was read but has no effect, in words
 */
public record GatewayConfig(
    @Nullable Path file,
    HostPort listen,
    @Nullable HostPort adminListen,
    Duration headTime,
    @Nullable Tls tls,
    @Nullable Database database,
    Duration keyStaleness,
    List<Deployment> models,
    @Nullable UpstreamServer upstream,
    RoutingConfig routing,
    GuardSettings guard,
    BudgetSettings budgets,
    CallbackSettings callbacks,
    List<String> warnings) {

  /** Copies the lists. */
  public GatewayConfig {
    models = List.copyOf(models);
    warnings = List.copyOf(warnings);
  }

  /** The same, but for where it listens and what stands behind it. */
  public GatewayConfig with(HostPort newListen, @Nullable UpstreamServer newUpstream) {
    return new GatewayConfig(
        file,
        newListen,
        adminListen,
        headTime,
        tls,
        database,
        keyStaleness,
        models,
        newUpstream,
        routing,
        guard,
        budgets,
        callbacks,
        warnings);
  }

  /**
   * TLS of a listener.
   *
   * @param certificate PEM file with the certificate chain
   * @param key PEM file with the private key
   * @param keyPassword of an encrypted key, or null
   * @param clientCa PEM file with the authorities of client certificates, or null
   * @param clientAuth whether clients must show a certificate
   */
  public record Tls(
      Path certificate,
      Path key,
      @Nullable Secret keyPassword,
      @Nullable Path clientCa,
      ClientAuth clientAuth) {}

  /** Whether clients must show a certificate. */
  public enum ClientAuth {
    /** They are not asked. */
    NONE,
    /** They may. */
    WANT,
    /** Without one there is no connection. */
    NEED
  }

  /** A database server: JDBC URL, user and password. */
  public record Database(String jdbcUrl, @Nullable String user, @Nullable Secret password) {}

  /**
   * A model that clients may name, and where it is.
   *
   * @param name the name that clients use
   * @param upstreamModel the name that the upstream knows
   * @param server where it is
   * @param limits its part of the calls
   * @param price what it costs, or null
   * @param parameters what is decided there in place of callers
   */
  public record Deployment(
      String name,
      String upstreamModel,
      UpstreamServer server,
      DeploymentLimits limits,
      @Nullable Price price,
      Parameters parameters) {
    /** The same with other parameters. */
    Deployment with(Parameters newParameters) {
      return new Deployment(name, upstreamModel, server, limits, price, newParameters);
    }
  }

  /**
   * A deployment's part of the calls; null means none was given.
   *
   * @param id what it is called in answers
   * @param weight its share where the choice is by weight
   * @param rpm calls in a minute
   * @param tpm tokens in a minute
   * @param order lower ones are asked first
   * @param maxParallel calls at once
   * @param maxInputTokens tokens of a prompt
   */
  public record DeploymentLimits(
      @Nullable String id,
      @Nullable Double weight,
      @Nullable Long rpm,
      @Nullable Long tpm,
      int order,
      @Nullable Integer maxParallel,
      @Nullable Long maxInputTokens) {
    /** Any part. */
    public static final DeploymentLimits NONE =
        new DeploymentLimits(null, null, null, null, 1, null, null);
  }

  /**
   * An upstream server.
   *
   * @param name for the audit trail and for {@code X-Llmguard-Upstream}
   * @param baseUrl scheme, host, port, and a path before the API's own where there is one
   * @param ollama true if it has Ollama's native API, false if only OpenAI's
   * @param apiKey its own credential, or null
   * @param options how it is spoken to
   */
  public record UpstreamServer(
      String name,
      String baseUrl,
      boolean ollama,
      @Nullable Secret apiKey,
      UpstreamOptions options) {}

  /**
   * How a server is spoken to.
   *
   * @param headers fields that each call carries
   * @param firstByte how long its first byte may take, or null
   * @param streamFirstByte the same for calls that ask for a stream
   * @param tls whom to trust there and what to present, or null for the platform's defaults
   * @param cancel whether a call is cancelled when its client leaves
   */
  public record UpstreamOptions(
      Map<String, Secret> headers,
      @Nullable Duration firstByte,
      @Nullable Duration streamFirstByte,
      @Nullable UpstreamTls tls,
      boolean cancel) {
    /** Nothing special. */
    public static final UpstreamOptions NONE =
        new UpstreamOptions(Map.of(), null, null, null, true);

    /** Copies the map. */
    public UpstreamOptions {
      headers = Map.copyOf(headers);
    }
  }

  /**
   * TLS to a server; PEM files, null for none.
   *
   * @param ca the authorities that are trusted there, and no others
   * @param certificate the chain to present
   * @param key its private key
   * @param keyPassword of an encrypted key
   */
  public record UpstreamTls(
      @Nullable Path ca,
      @Nullable Path certificate,
      @Nullable Path key,
      @Nullable Secret keyPassword) {}
}
