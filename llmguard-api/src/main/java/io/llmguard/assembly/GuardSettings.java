package io.llmguard.assembly;

import static io.llmguard.assembly.Given.copy;
import static io.llmguard.assembly.Given.or;

import io.llmguard.inspect.SensitiveKind;
import io.llmguard.limit.LimitMode;
import io.llmguard.limit.RateLimit;
import io.llmguard.network.TransportStage.PlainHttp;
import io.llmguard.policy.BodyPolicy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a guard is told, as plain values, whoever read them.
 *
 * <p>Whoever fills the records by reflection, as binders of configuration do, may hand over null
 * for what is not set: it takes its default. What the values mean together is checked by {@link
 * GuardAssembly}.
 *
 * @param dataDir where keys, audit and state are kept; {@code llmguard-data} unless set
 * @param masterKey a key that opens everything, or null for none
 * @param firstKey whether a key is made where there is none, and no master key; true unless set
 * @param keyHeaders further headers that may carry a key: {@code x-goog-api-key}, {@code api-key}
 * @param jwt issuers whose tokens are taken
 * @param clientCertificates client certificates as credentials, or null for none
 * @param allowNetworks CIDR blocks that may call; empty for all
 * @param denyNetworks CIDR blocks that may not
 * @param trustedProxies CIDR blocks whose word about clients is taken
 * @param hosts names that {@code Host} may have beside loopback's; empty for any
 * @param plainHttp what happens to plain HTTP from beyond loopback; refused unless set
 * @param hsts how long browsers are told to insist on TLS, or null for not at all
 * @param rateLimits limits over time
 * @param concurrency limits of calls at once
 * @param limits sizes and durations of a call
 * @param ceilings what a call may ask of a server
 * @param audit the audit trail
 * @param contentGuards what prompts and answers may say
 */
public record GuardSettings(
    Path dataDir,
    @Nullable Secret masterKey,
    Boolean firstKey,
    List<String> keyHeaders,
    List<JwtIssuer> jwt,
    @Nullable ClientCertificates clientCertificates,
    List<String> allowNetworks,
    List<String> denyNetworks,
    List<String> trustedProxies,
    List<String> hosts,
    PlainHttp plainHttp,
    @Nullable Duration hsts,
    RateLimits rateLimits,
    Concurrency concurrency,
    Limits limits,
    Ceilings ceilings,
    Audit audit,
    ContentGuards contentGuards) {
  /** Settings of nothing: every default. */
  @SuppressWarnings("NullAway") // null is what a binder gives for what is not set
  public static final GuardSettings DEFAULTS =
      new GuardSettings(
          null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          null, null, null);

  /** Fills in the defaults, and copies the lists. */
  public GuardSettings {
    dataDir = or(dataDir, Path.of("llmguard-data"));
    firstKey = or(firstKey, true);
    keyHeaders = copy(keyHeaders);
    jwt = copy(jwt);
    allowNetworks = copy(allowNetworks);
    denyNetworks = copy(denyNetworks);
    trustedProxies = copy(trustedProxies);
    hosts = copy(hosts);
    plainHttp = or(plainHttp, PlainHttp.REFUSE);
    rateLimits = or(rateLimits, RateLimits.DEFAULTS);
    concurrency = or(concurrency, Concurrency.NONE);
    limits = or(limits, Limits.DEFAULTS);
    ceilings = or(ceilings, Ceilings.DEFAULTS);
    audit = or(audit, Audit.DEFAULTS);
    contentGuards = or(contentGuards, ContentGuards.NONE);
  }

  /** What happens to calls while a limit's counters are out of reach. */
  public enum OnStoreFailure {
    /** They are refused. */
    FAIL_CLOSED,
    /** They pass unchecked. */
    FAIL_OPEN
  }

  /**
   * A limit of calls over time: nginx's {@code limit_req}, to the request.
   *
   * @param requests how many are let in for each period
   * @param per the period; a minute unless set
   * @param burst how many more may come at once; 0 unless set
   * @param shadow true to count and report only
   * @param onStoreFailure what happens while counters are out of reach; calls are refused unless
   *     set
   */
  public record RequestLimit(
      long requests, Duration per, Long burst, boolean shadow, OnStoreFailure onStoreFailure) {
    /** Fills in the defaults. */
    public RequestLimit {
      per = or(per, Duration.ofMinutes(1));
      burst = or(burst, 0L);
      onStoreFailure = or(onStoreFailure, OnStoreFailure.FAIL_CLOSED);
    }

    /** A limit that is held. */
    static RequestLimit held(long requests, Duration per, long burst) {
      return new RequestLimit(requests, per, burst, false, OnStoreFailure.FAIL_CLOSED);
    }

    /** The limit itself. */
    public RateLimit limit() {
      return new RateLimit(requests, per, burst);
    }

    /** How strictly it is held. */
    public LimitMode mode() {
      return new LimitMode(shadow, onStoreFailure == OnStoreFailure.FAIL_OPEN);
    }
  }

  /**
   * A limit of tokens over time.
   *
   * @param tokens how many may be used in each period
   * @param per the period; a minute unless set
   * @param burst how many beside the first may be used at once; unless set, a whole period's, since
   *     tokens are spent in large pieces
   * @param shadow true to count and report only
   * @param onStoreFailure what happens while counters are out of reach; calls are refused unless
   *     set
   */
  public record TokenLimit(
      long tokens, Duration per, Long burst, boolean shadow, OnStoreFailure onStoreFailure) {
    /** Fills in the defaults. */
    public TokenLimit {
      per = or(per, Duration.ofMinutes(1));
      burst = or(burst, Math.max(0, tokens - 1));
      onStoreFailure = or(onStoreFailure, OnStoreFailure.FAIL_CLOSED);
    }

    /** The limit itself. */
    public RateLimit limit() {
      return new RateLimit(tokens, per, burst);
    }

    /** How strictly it is held. */
    public LimitMode mode() {
      return new LimitMode(shadow, onStoreFailure == OnStoreFailure.FAIL_OPEN);
    }
  }

  /**
   * Limits over time.
   *
   * @param perKey of each caller; 10 a minute with a burst of 5 unless set
   * @param perIp of each address; 30 a minute with a burst of 10 unless set
   * @param tokens of each caller, or null for none
   * @param perModel of each model or pattern of models, over all callers
   */
  public record RateLimits(
      RequestLimit perKey,
      RequestLimit perIp,
      @Nullable TokenLimit tokens,
      Map<String, RequestLimit> perModel) {
    private static final RequestLimit PER_KEY = RequestLimit.held(10, Duration.ofMinutes(1), 5);
    private static final RequestLimit PER_IP = RequestLimit.held(30, Duration.ofMinutes(1), 10);

    /** The two limits that hold where nothing else is said. */
    public static final RateLimits DEFAULTS = new RateLimits(PER_KEY, PER_IP, null, Map.of());

    /** Fills in the defaults, and copies the map. */
    public RateLimits {
      perKey = or(perKey, PER_KEY);
      perIp = or(perIp, PER_IP);
      perModel = perModel == null ? Map.of() : Map.copyOf(perModel);
    }
  }

  /**
   * Limits of calls at once; null for none.
   *
   * @param perKey of each caller
   * @param total of all together
   * @param shadow true to count and report only
   */
  public record Concurrency(@Nullable Integer perKey, @Nullable Integer total, boolean shadow) {
    /** No limit. */
    public static final Concurrency NONE = new Concurrency(null, null, false);
  }

  /**
   * Sizes and durations of a call.
   *
   * @param body the largest JSON body; 10 MiB unless set
   * @param bodyTime how long a client may take to send it; 60 s unless set
   * @param upload the largest upload of a form; 100 MiB unless set
   * @param connect how long connecting to a server may take; 5 s unless set
   * @param firstByte how long the first byte of an answer may take; 10 min unless set
   * @param idle how long an answer may stand still; 2 min unless set
   * @param total how long a call may take in all; 1 h unless set
   * @param response the largest answer, or null for no limit
   * @param drain how long calls may go on once the program is told to stop; 30 s unless set
   */
  public record Limits(
      ByteSize body,
      Duration bodyTime,
      ByteSize upload,
      Duration connect,
      Duration firstByte,
      Duration idle,
      Duration total,
      @Nullable ByteSize response,
      Duration drain) {
    /** Every default. */
    @SuppressWarnings("NullAway") // null is what a binder gives for what is not set
    public static final Limits DEFAULTS =
        new Limits(null, null, null, null, null, null, null, null, null);

    /** Fills in the defaults. */
    public Limits {
      body = or(body, new ByteSize(BodyPolicy.MAX_BODY));
      bodyTime = or(bodyTime, Duration.ofSeconds(60));
      upload = or(upload, new ByteSize(BodyPolicy.MAX_FORM));
      connect = or(connect, Duration.ofSeconds(5));
      firstByte = or(firstByte, Duration.ofMinutes(10));
      idle = or(idle, Duration.ofMinutes(2));
      total = or(total, Duration.ofHours(1));
      drain = or(drain, Duration.ofSeconds(30));
    }
  }

  /** What happens to a call that asks for more than it may. */
  public enum CeilingMode {
    /** It gets what it may. */
    CLAMP,
    /** It is refused. */
    REFUSE
  }

  /**
   * What a call may ask of a server; null for no ceiling.
   *
   * @param mode what happens to a call that asks for more; it gets what it may unless set
   * @param outputTokens tokens of each answer
   * @param context the largest context
   * @param keepAlive how long a call may keep its model loaded
   * @param minKeepAlive how long a call must at least let its model stay loaded, so that none with
   *     {@code keep_alive} 0 unloads it for everyone
   * @param loadOnly whether a call may have no prompt, which only loads or unloads a model; true
   *     unless set
   * @param loadOptions whether options that make a server load a model anew are allowed; true
   *     unless set
   * @param logprobs log probabilities for each token
   * @param choices answers to one call
   * @param remoteImages whether an image's URL may name a host; false unless set
   * @param serverTools whether a call may make a server run tools; false unless set
   * @param shadow true to count and report what is above a number here, and to change nothing;
   *     images and tools stay as they are set
   */
  public record Ceilings(
      CeilingMode mode,
      @Nullable Long outputTokens,
      @Nullable Long context,
      @Nullable Duration keepAlive,
      @Nullable Duration minKeepAlive,
      Boolean loadOnly,
      Boolean loadOptions,
      @Nullable Integer logprobs,
      @Nullable Integer choices,
      boolean remoteImages,
      boolean serverTools,
      boolean shadow) {
    /** No ceiling that a caller would notice. */
    public static final Ceilings DEFAULTS =
        new Ceilings(
            CeilingMode.CLAMP, null, null, null, null, true, true, null, null, false, false, false);

    /** Fills in the defaults. */
    public Ceilings {
      mode = or(mode, CeilingMode.CLAMP);
      loadOnly = or(loadOnly, true);
      loadOptions = or(loadOptions, true);
    }
  }

  /** When a line of the audit trail counts as written. */
  public enum AuditDurability {
    /** Once the operating system has it. */
    FLUSH,
    /** Once the disk has it. */
    FSYNC
  }

  /** What happens to calls while the audit trail cannot keep up. */
  public enum OnOverflow {
    /** They are refused. */
    REFUSE,
    /** They wait. */
    BLOCK
  }

  /**
   * The audit trail.
   *
   * @param enabled whether there is one; true unless set
   * @param file where it goes; {@code audit.jsonl} in the data directory unless set
   * @param hmacSecret what keys the prompts' hashes, or null for plain SHA-256
   * @param durability when a line counts as written; once the operating system has it unless set
   * @param onOverflow what happens while it cannot keep up; calls are refused unless set
   * @param rotateSize the size from which a new file is begun, or null for one file
   * @param content whether prompts and generated texts are kept in clear; false unless set
   */
  public record Audit(
      Boolean enabled,
      @Nullable Path file,
      @Nullable Secret hmacSecret,
      AuditDurability durability,
      OnOverflow onOverflow,
      @Nullable ByteSize rotateSize,
      boolean content) {
    /** A trail in the data directory. */
    public static final Audit DEFAULTS =
        new Audit(true, null, null, AuditDurability.FLUSH, OnOverflow.REFUSE, null, false);

    /** Fills in the defaults. */
    public Audit {
      enabled = or(enabled, true);
      durability = or(durability, AuditDurability.FLUSH);
      onOverflow = or(onOverflow, OnOverflow.REFUSE);
    }
  }

  /** What becomes of what a content guard finds. */
  public enum FindingMode {
    /** The call, or the rest of the answer, is refused. */
    REFUSE,
    /** The name of its kind stands in its place. */
    REDACT,
    /** It is counted, and nothing else. */
    SHADOW
  }

  /**
   * What prompts and answers may say.
   *
   * @param secrets looks for keys, tokens and passwords, or null for not at all
   * @param personalData looks for what is about a person, or null for not at all
   * @param size how long prompts and answers may be, or null for as long as they like
   */
  public record ContentGuards(
      @Nullable SensitiveGuard secrets,
      @Nullable SensitiveGuard personalData,
      @Nullable SizeGuard size) {
    /** No guard. */
    public static final ContentGuards NONE = new ContentGuards(null, null, null);
  }

  /**
   * A guard that looks for sensitive data; one of prompts and responses is given.
   *
   * @param prompts what becomes of what is found in prompts, or null for not looking
   * @param responses what becomes of what is found in answers, or null for not looking
   * @param kinds what is looked for; unless set, everything that the guard is named for
   */
  public record SensitiveGuard(
      @Nullable FindingMode prompts, @Nullable FindingMode responses, List<SensitiveKind> kinds) {
    /** Copies the list. */
    public SensitiveGuard {
      kinds = copy(kinds);
    }
  }

  /**
   * How long prompts and answers may be; null for no limit.
   *
   * @param shadow true to count and report only
   * @param promptCharacters UTF-16 units of a prompt, with system prompts, tools and schemas
   * @param promptTokens estimated tokens of a prompt
   * @param messages messages of a chat
   * @param responseCharacters UTF-16 units of an answer
   * @param responseTokens estimated tokens of an answer
   */
  public record SizeGuard(
      boolean shadow,
      @Nullable Long promptCharacters,
      @Nullable Long promptTokens,
      @Nullable Long messages,
      @Nullable Long responseCharacters,
      @Nullable Long responseTokens) {}

  /**
   * An issuer whose tokens are taken.
   *
   * @param issuer what tokens say in {@code iss}
   * @param audience whom tokens must be meant for, one of these
   * @param jwksUrl where the issuer's keys are published
   * @param algorithms the signatures that are taken; RS256 and ES256 unless set
   * @param scopesClaim the claim with the scopes, or null for the usual ones
   * @param modelsClaim the claim with the models, or null for {@code models}
   * @param limitsClaim the claim with the caller's limits, or null for {@code limits}
   * @param types what tokens may say in {@code typ}, such as {@code at+jwt}; anything and nothing
   *     unless set
   * @param clockSkew how far the issuer's clock may be off; 60 s unless set
   */
  public record JwtIssuer(
      String issuer,
      List<String> audience,
      String jwksUrl,
      List<String> algorithms,
      @Nullable String scopesClaim,
      @Nullable String modelsClaim,
      @Nullable String limitsClaim,
      List<String> types,
      @Nullable Duration clockSkew) {
    /** Fills in the defaults, and copies the lists. */
    public JwtIssuer {
      audience = copy(audience);
      types = copy(types);
      algorithms =
          algorithms == null || algorithms.isEmpty()
              ? List.of("RS256", "ES256")
              : List.copyOf(algorithms);
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

  /**
   * Client certificates as credentials.
   *
   * @param source where they come from; the connection unless set
   * @param rules which certificates are which caller, at least one
   */
  public record ClientCertificates(CertificateSource source, List<CertificateRule> rules) {
    /** Fills in the default, and copies the list. */
    public ClientCertificates {
      source = or(source, CertificateSource.CONNECTION);
      rules = copy(rules);
    }
  }

  /**
   * Which certificates are which caller: one of subject, san and sha256 is given.
   *
   * @param caller the caller's name
   * @param subject the distinguished name
   * @param san a name, address or URI of the certificate
   * @param sha256 its fingerprint in hex
   * @param scopes what it may be used for; the default scopes unless set
   * @param models which models it may name; all unless set
   */
  public record CertificateRule(
      String caller,
      @Nullable String subject,
      @Nullable String san,
      @Nullable String sha256,
      List<String> scopes,
      List<String> models) {
    /** Copies the lists. */
    public CertificateRule {
      scopes = copy(scopes);
      models = copy(models);
    }
  }
}
