package io.llmguard.examples.gateway.config;

import io.llmguard.limit.RateLimit;
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
 * @param tls TLS of both listeners, or null for plain HTTP
 * @param dataDir where keys, audit and state are kept
 * @param database where keys live; null for SQLite in {@code dataDir}
 * @param masterKey the configured master key, or null
 * @param models deployments by the name that clients use; empty where every model of the one
 *     upstream goes by its own name
 * @param upstream the one upstream where there is no list of models
 * @param rateLimits limits over time
 * @param concurrency limits of calls at once
 * @param networks who may connect, and whose word about clients is taken
 * @param hosts names that {@code Host} may have beside loopback's
 * @param plainHttp what happens to plain HTTP from beyond loopback
 * @param hsts how long browsers are told to insist on TLS; null for not at all
 * @param audit the audit trail
 * @param limits sizes and durations
 * @param ceilings what a call may ask of a server
 * @param jwt issuers whose tokens are taken
 * @param clientCertificates client certificates as credentials, or null
 * @param extraKeyHeaders further headers that may carry a key
 * @param callbacks who is told of calls that have ended
 * @param warnings what was read but has no effect, in words
 */
public record GatewayConfig(
    @Nullable Path file,
    HostPort listen,
    @Nullable HostPort adminListen,
    @Nullable Tls tls,
    Path dataDir,
    @Nullable Database database,
    @Nullable Secret masterKey,
    List<Deployment> models,
    @Nullable UpstreamServer upstream,
    RateLimits rateLimits,
    Concurrency concurrency,
    Networks networks,
    List<String> hosts,
    PlainHttp plainHttp,
    @Nullable Duration hsts,
    Audit audit,
    Limits limits,
    CeilingSettings ceilings,
    List<JwtIssuer> jwt,
    @Nullable ClientCertificates clientCertificates,
    List<String> extraKeyHeaders,
    CallbackSettings callbacks,
    List<String> warnings) {

  /** Copies the lists. */
  public GatewayConfig {
    models = List.copyOf(models);
    hosts = List.copyOf(hosts);
    jwt = List.copyOf(jwt);
    extraKeyHeaders = List.copyOf(extraKeyHeaders);
    warnings = List.copyOf(warnings);
  }

  /** The same, but for where it listens and what stands behind it. */
  public GatewayConfig with(HostPort newListen, @Nullable UpstreamServer newUpstream) {
    return new GatewayConfig(
        file,
        newListen,
        adminListen,
        tls,
        dataDir,
        database,
        masterKey,
        models,
        newUpstream,
        rateLimits,
        concurrency,
        networks,
        hosts,
        plainHttp,
        hsts,
        audit,
        limits,
        ceilings,
        jwt,
        clientCertificates,
        extraKeyHeaders,
        callbacks,
        warnings);
  }

  /** A value that no log shows. */
  public record Secret(String value) {
    @Override
    public String toString() {
      return "***";
    }
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

  /** What happens to plain HTTP from beyond loopback. */
  public enum PlainHttp {
    /** It is refused. */
    REFUSE,
    /** It is sent to the same place under https where that is safe. */
    REDIRECT,
    /** It is served: the operator answers for the network. */
    ALLOW
  }

  /** A database server: JDBC URL, user and password. */
  public record Database(String jdbcUrl, @Nullable String user, @Nullable Secret password) {}

  /**
   * A model that clients may name, and where it is.
   *
   * @param name the name that clients use
   * @param upstreamModel the name that the upstream knows
   * @param server where it is
   */
  public record Deployment(String name, String upstreamModel, UpstreamServer server) {}

  /**
   * An upstream server.
   *
   * @param name for the audit trail and for {@code X-Llmguard-Upstream}
   * @param baseUrl scheme, host, port, and a path before the API's own where there is one
   * @param ollama true if it has Ollama's native API, false if only OpenAI's
   * @param apiKey its own credential, or null
   */
  public record UpstreamServer(
      String name, String baseUrl, boolean ollama, @Nullable Secret apiKey) {}

  /**
   * One limit over time.
   *
   * @param limit the limit
   * @param shadow true to count and report only
   * @param failOpen true to let calls pass while the counters are out of reach
   */
  public record Limit(RateLimit limit, boolean shadow, boolean failOpen) {}

  /** Limits over time; null or absent means no such limit. */
  public record RateLimits(
      @Nullable Limit perKey,
      @Nullable Limit perIp,
      @Nullable Limit tokens,
      Map<String, Limit> perModel) {
    /** Copies the map. */
    public RateLimits {
      perModel = Map.copyOf(perModel);
    }
  }

  /** Limits of calls at once; null means none. */
  public record Concurrency(@Nullable Integer perKey, @Nullable Integer total) {}

  /** Who may connect, and whose word about clients is taken; CIDR blocks. */
  public record Networks(List<String> allow, List<String> deny, List<String> trustedProxies) {
    /** Copies the lists. */
    public Networks {
      allow = List.copyOf(allow);
      deny = List.copyOf(deny);
      trustedProxies = List.copyOf(trustedProxies);
    }
  }

  /**
   * The audit trail.
   *
   * @param file the file; null for {@code audit.jsonl} in the data directory
   * @param hmacSecret keys the prompt hashes, or null for plain SHA-256
   * @param fsync true to reach the disk with every batch
   * @param refuseOnOverflow true to refuse calls, false to let them wait, while the queue is full
   * @param rotateBytes size from which a new file is begun, or null for one file
   * @param content true to keep prompts and generated texts in clear
   */
  public record Audit(
      @Nullable Path file,
      @Nullable Secret hmacSecret,
      boolean fsync,
      boolean refuseOnOverflow,
      @Nullable Long rotateBytes,
      boolean content) {}

  /** Sizes in bytes and durations of a call; null means no limit. */
  public record Limits(
      int body,
      int upload,
      Duration connect,
      Duration firstByte,
      Duration idle,
      Duration total,
      @Nullable Long responseBytes,
      Duration drain) {}

  /** What a call may ask of a server; null means no ceiling. */
  public record CeilingSettings(
      boolean refuse,
      @Nullable Long outputTokens,
      @Nullable Long context,
      @Nullable Duration keepAlive,
      boolean loadOptions,
      @Nullable Integer logprobs,
      @Nullable Integer choices,
      boolean remoteImages,
      boolean serverTools) {}

  /** An issuer whose tokens are taken. */
  public record JwtIssuer(
      String issuer,
      List<String> audiences,
      String jwksUrl,
      List<String> algorithms,
      @Nullable String scopesClaim,
      @Nullable String modelsClaim) {
    /** Copies the lists. */
    public JwtIssuer {
      audiences = List.copyOf(audiences);
      algorithms = List.copyOf(algorithms);
    }
  }

  /** Client certificates as credentials. */
  public record ClientCertificates(CertificateSource source, List<CertificateRule> rules) {
    /** Copies the list. */
    public ClientCertificates {
      rules = List.copyOf(rules);
    }
  }

  /** Where a client certificate comes from. */
  public enum CertificateSource {
    /** The TLS connection itself. */
    CONNECTION,
    /** The {@code Client-Cert} header (RFC 9440) of a trusted proxy. */
    CLIENT_CERT,
    /** The {@code X-SSL-Client-Cert} header of a trusted nginx. */
    NGINX
  }

  /** Which certificates are which caller: one of subject, san and sha256 is given. */
  public record CertificateRule(
      String caller,
      @Nullable String subject,
      @Nullable String san,
      @Nullable String sha256,
      List<String> scopes,
      List<String> models) {
    /** Copies the lists. */
    public CertificateRule {
      scopes = List.copyOf(scopes);
      models = List.copyOf(models);
    }
  }
}
