package io.llmguard.servlet.internal;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.assembly.GuardBuilder;
import io.llmguard.assembly.GuardSettings.RateLimits;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.audit.Durability;
import io.llmguard.audit.JsonLinesAuditSink;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.Authenticator;
import io.llmguard.auth.Caller;
import io.llmguard.auth.CertificateRule;
import io.llmguard.auth.ClientCertificateAuthenticator;
import io.llmguard.auth.JwtAuthenticator;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.ModelLimit;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.network.NetworkStage;
import io.llmguard.network.TransportStage;
import io.llmguard.network.TransportStage.PlainHttp;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.Scope;
import io.llmguard.wire.Ceilings;
import jakarta.servlet.FilterConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Makes a guard from init-params, stage by stage; each method reads the parameters of its stage.
 * What was opened for it is closed with it.
 */
public final class Assembly implements AutoCloseable {
  /** Who verified the chain of a client's certificate. */
  private enum CertificateSource {
    CONNECTION,
    CLIENT_CERT,
    NGINX
  }

  private final InitParams params;
  private final StandardGuard.Builder guard = StandardGuard.builder();
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final List<Authenticator> authenticators = new ArrayList<>();
  private @Nullable RateLimitStore counters;
  private @Nullable GuardBuilder<Guard> whole;

  /** An assembly without stages. */
  public Assembly(FilterConfig config) {
    params = InitParams.of(config);
  }

  /** The parameters, for those that are no stage's. */
  public InitParams params() {
    return params;
  }

  /** The guard, once every stage is there. */
  public Guard finish() {
    GuardBuilder<Guard> all = whole;
    if (all != null) {
      params.refuseUnknown();
      return all.build();
    }
    if (!authenticators.isEmpty()) {
      AuthenticationStage.Builder stage = AuthenticationStage.builder();
      authenticators.forEach(stage::authenticator);
      String realm = params.text("realm");
      if (realm != null) {
        stage.realm(realm);
      }
      stage(Place.AUTHENTICATION, stage.build());
    }
    params.refuseUnknown();
    return opened(guard.build());
  }

  /** The whole guard, of every parameter. */
  public void whole() {
    GuardBuilder<Guard> all =
        new GuardBuilder<>(
            (made, owned) -> {
              opened(owned);
              return made;
            });
    AuditQueue trail = auditQueue("audit-file", false);
    if (trail != null) {
      all.audit(trail);
    }
    RateLimits usual = RateLimits.DEFAULTS;
    all.trustedProxies(params.blocks("trusted-proxies"))
        .transport(transportStage())
        .counters(counters())
        .perAddress(params.limit("per-ip", usual.perIp().limit()))
        .perCaller(params.limit("per-key", usual.perKey().limit()))
        .bodies(bodyPolicy());
    CidrSet allowed = params.blocks("allow");
    all.network(allowed.isEmpty() ? CidrSet.ALL : allowed, params.blocks("deny"));
    RateLimit tokens = params.tokens("tokens-per-key");
    if (tokens != null) {
      all.tokens(tokens);
    }
    params.limits("per-model").forEach((m, limit) -> all.perModel(new ModelLimit(m, limit, false)));
    all.concurrency(atOnce("concurrency-per-caller"), atOnce("concurrency-in-all"));
    tokens(false);
    apiKeys(false);
    certificates("certificate-", false);
    someAuthenticator();
    authenticators.forEach(all::authenticator);
    String realm = params.text("realm");
    if (realm != null) {
      all.realm(realm);
    }
    whole = all;
  }

  private <T extends AutoCloseable> T opened(T resource) {
    opened.push(resource);
    return resource;
  }

  /** Closes what was opened, the last first; a guard that was not finished has no other owner. */
  @Override
  public void close() {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        LoggerFactory.getLogger(Assembly.class).warn("closing a guard failed", e);
      }
    }
  }

  private void stage(Place place, Stage stage) {
    guard.stage(place, stage);
  }

  private RateLimitStore counters() {
    RateLimitStore store = counters;
    if (store == null) {
      store = opened(new InMemoryRateLimitStore(TimeSource.system()));
      counters = store;
    }
    return store;
  }

  /** {@code trusted-proxies}; without them an earlier filter's finding stands. */
  public void clientAddress() {
    CidrSet proxies = params.blocks("trusted-proxies");
    if (!proxies.isEmpty()) {
      stage(Place.CLIENT_ADDRESS, new ClientAddressStage(ClientAddressResolver.behind(proxies)));
    }
  }

  /** {@code plain-http}, {@code hosts}, {@code redirect-port}, {@code hsts}. */
  public void transport() {
    stage(Place.TRANSPORT, transportStage());
  }

  private TransportStage transportStage() {
    TransportStage.Builder builder =
        TransportStage.builder()
            .plainHttp(params.choice("plain-http", PlainHttp.class, PlainHttp.REFUSE))
            .redirectPort(params.number("redirect-port", 1, 65_535, 443))
            .hsts(params.duration("hsts", Duration.ofDays(365)), false);
    List<String> hosts = params.list("hosts");
    try {
      if (!hosts.isEmpty()) {
        builder.hosts(hosts);
      }
      return builder.build();
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw params.wrong("hosts", String.valueOf(e.getMessage()));
    }
  }

  /** {@code allow}, {@code deny}; at least one of them. */
  public void network() {
    CidrSet allowed = params.blocks("allow");
    CidrSet denied = params.blocks("deny");
    if (allowed.isEmpty() && denied.isEmpty()) {
      throw params.wrong("allow", "is missing, and so is deny: which addresses may call");
    }
    stage(Place.NETWORK, new NetworkStage(allowed.isEmpty() ? CidrSet.ALL : allowed, denied));
  }

  /** A limit for each address, under this parameter. */
  public void addressLimit(String name) {
    stage(
        Place.ADDRESS_LIMIT,
        new AddressRateLimitStage(
            counters(), params.limit(name, RateLimits.DEFAULTS.perIp().limit())));
  }

  /** A limit for each caller, under this parameter. */
  public void callerLimit(String name) {
    RateLimit limit = params.limit(name, RateLimits.DEFAULTS.perKey().limit());
    stage(
        Place.CALLER_LIMIT,
        new CallerRateLimitStage(counters(), new LimitSet(limit, null, null, Map.of())));
  }

  /** {@code per-caller} and {@code in-all}; at least one of them. */
  public void concurrency() {
    int perCaller = atOnce("per-caller");
    int inAll = atOnce("in-all");
    if (perCaller == 0 && inAll == 0) {
      throw params.wrong("per-caller", "is missing, and so is in-all: how many calls at once");
    }
    stage(Place.CALLER_LIMIT, new ConcurrencyStage(perCaller, inAll));
  }

  private int atOnce(String name) {
    return params.number(name, 1, Integer.MAX_VALUE, 0);
  }

  /** {@code database}, {@code master-key-variable}; at least one of them where needed. */
  public void apiKeys(boolean needed) {
    ApiKeyAuthenticator.Builder authenticator = ApiKeyAuthenticator.builder();
    DataSource database = database();
    String masterKey = params.secret("master-key-variable");
    if (database == null && masterKey == null) {
      if (needed) {
        throw params.wrong(
            "database", "is missing: the file where keys are kept; or set master-key-variable");
      }
      return;
    }
    if (database != null) {
      authenticator.keys(opened(KeyDirectory.builder(new JdbcKeyStore(database)).open()));
    }
    if (masterKey != null) {
      authenticator.masterKey(masterKey);
    }
    authenticators.add(authenticator.build());
  }

  /** Refuses a filter that lets nobody in. */
  private void someAuthenticator() {
    if (authenticators.isEmpty()) {
      throw params.wrong(
          "database",
          "is missing, and so are master-key-variable, issuer and every certificate parameter:"
              + " nobody could call");
    }
  }

  private @Nullable DataSource database() {
    String file = params.text("database");
    if (file == null) {
      return null;
    }
    try {
      return opened(SqliteDataSource.open(Path.of(file)));
    } catch (IOException e) {
      throw params.wrong("database", "'" + file + "' cannot be opened: " + e.getMessage());
    }
  }

  /** {@code issuer}, {@code audience}, {@code jwks}, {@code algorithms}; all missing or not. */
  public void tokens(boolean needed) {
    List<String> audiences = params.list("audience");
    List<String> algorithms = params.list("algorithms");
    String jwks = params.text("jwks");
    if (!needed
        && params.text("issuer") == null
        && jwks == null
        && audiences.isEmpty()
        && algorithms.isEmpty()) {
      return;
    }
    String issuer = params.required("issuer", "who signs the tokens");
    if (audiences.isEmpty()) {
      throw params.wrong("audience", "is missing: whom tokens must be meant for");
    }
    if (jwks == null) {
      throw params.wrong("jwks", "is missing: where the issuer's keys are published");
    }
    JwtAuthenticator.Builder authenticator = JwtAuthenticator.builder(issuer);
    audiences.forEach(authenticator::audience);
    try {
      if (!algorithms.isEmpty()) {
        authenticator.algorithms(algorithms);
      }
    } catch (IllegalArgumentException e) {
      throw params.wrong("algorithms", String.valueOf(e.getMessage()));
    }
    try {
      authenticators.add(opened(authenticator.jwks(URI.create(jwks)).build()));
    } catch (IllegalArgumentException e) {
      throw params.wrong("jwks", String.valueOf(e.getMessage()));
    }
  }

  /**
   * {@code subjects}, {@code names}, {@code fingerprints}, {@code scopes} and {@code source}, under
   * names with this prefix; one of the first three where needed.
   */
  public void certificates(String prefix, boolean needed) {
    ClientCertificateAuthenticator.Builder builder = ClientCertificateAuthenticator.builder();
    Set<Scope> scopes = scopes(prefix + "scopes");
    int rules =
        rules(prefix + "subjects", true, scopes, CertificateRule::subject, builder)
            + rules(prefix + "names", false, scopes, Assembly::name, builder)
            + rules(prefix + "fingerprints", false, scopes, CertificateRule::fingerprint, builder);
    CertificateSource source =
        params.choice(prefix + "source", CertificateSource.class, CertificateSource.CONNECTION);
    if (rules == 0) {
      if (needed || source != CertificateSource.CONNECTION) {
        throw params.wrong(
            prefix + "subjects",
            "is missing, and so are "
                + prefix
                + "names and "
                + prefix
                + "fingerprints: whose certificates are known");
      }
      return;
    }
    try {
      CidrSet proxies = params.blocks("trusted-proxies");
      switch (source) {
        case CONNECTION -> {
          // the chain that the container has verified is always looked at
        }
        case CLIENT_CERT -> builder.clientCertFrom(proxies);
        case NGINX -> builder.nginxCertFrom(proxies);
      }
      authenticators.add(builder.build());
    } catch (IllegalArgumentException e) {
      throw params.wrong(prefix + "source", String.valueOf(e.getMessage()));
    }
  }

  private int rules(
      String name,
      boolean byLine,
      Set<Scope> scopes,
      BiFunction<String, Caller, CertificateRule> rule,
      ClientCertificateAuthenticator.Builder builder) {
    List<String> values = byLine ? params.lines(name) : params.list(name);
    for (String value : values) {
      Caller caller =
          Caller.builder(Caller.Kind.CERTIFICATE, "cert:" + value)
              .name(value)
              .scopes(scopes)
              .build();
      try {
        builder.rule(rule.apply(value, caller));
      } catch (IllegalArgumentException e) {
        throw params.wrong(name, "'" + value + "': " + e.getMessage());
      }
    }
    return values.size();
  }

  private static CertificateRule name(String name, Caller caller) {
    if (name.indexOf(':') >= 0) {
      return CertificateRule.uri(name, caller);
    }
    return name.indexOf('@') >= 0
        ? CertificateRule.email(name, caller)
        : CertificateRule.dnsName(name, caller);
  }

  private Set<Scope> scopes(String name) {
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (String word : params.list(name)) {
      Scope scope = Scope.of(word);
      if (scope == null) {
        throw params.wrong(
            name, "there is no scope '" + word + "', only " + List.of(Scope.values()));
      }
      scopes.add(scope);
    }
    return scopes.isEmpty() ? Scope.DEFAULTS : scopes;
  }

  /** The standard endpoints; no parameter. */
  public void endpoints() {
    stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()));
  }

  /**
   * {@code max-body} and {@code max-form}, in bytes, {@code form-directory}, and the ceilings,
   * whose names begin with {@code ceiling-}.
   */
  public void bodies() {
    bodyPolicy().addTo(guard);
  }

  private BodyPolicy bodyPolicy() {
    int most = Integer.MAX_VALUE - 16;
    BodyPolicy.Builder policy =
        BodyPolicy.builder()
            .maxBody(params.number("max-body", 1, most, BodyPolicy.MAX_BODY))
            .maxForm(params.number("max-form", 1, Long.MAX_VALUE, BodyPolicy.MAX_FORM))
            .ceilings(ceilings());
    String directory = params.text("form-directory");
    if (directory != null) {
      Path path = Path.of(directory);
      if (!Files.isWritable(path) || !Files.isDirectory(path)) {
        throw params.wrong("form-directory", "'" + directory + "' is no directory to write into");
      }
      policy.formDirectory(path);
    }
    return policy.build();
  }

  private Ceilings ceilings() {
    Ceilings.Builder ceilings =
        Ceilings.builder()
            .mode(params.choice("ceiling-mode", Ceilings.Mode.class, Ceilings.Mode.CLAMP))
            .loadOptions(params.flag("ceiling-load-options", true))
            .loadOnly(params.flag("ceiling-load-only", true))
            .remoteMedia(params.flag("ceiling-remote-images", false))
            .serverTools(params.flag("ceiling-server-tools", false));
    long tokens = params.number("ceiling-output-tokens", 1, Long.MAX_VALUE, 0);
    if (tokens > 0) {
      ceilings.maxOutputTokens(tokens);
    }
    long context = params.number("ceiling-context", 1, Long.MAX_VALUE, 0);
    if (context > 0) {
      ceilings.maxContextTokens(context);
    }
    if (params.text("ceiling-keep-alive") != null) {
      ceilings.maxKeepAlive(params.duration("ceiling-keep-alive", Duration.ZERO));
    }
    if (params.text("ceiling-min-keep-alive") != null) {
      ceilings.minKeepAlive(params.duration("ceiling-min-keep-alive", Duration.ZERO));
    }
    int logprobs = params.number("ceiling-logprobs", 0, Integer.MAX_VALUE, -1);
    if (logprobs >= 0) {
      ceilings.maxLogprobs(logprobs);
    }
    int choices = params.number("ceiling-choices", 1, Integer.MAX_VALUE, 0);
    if (choices > 0) {
      ceilings.maxChoices(choices);
    }
    try {
      return ceilings.build();
    } catch (IllegalArgumentException e) {
      throw params.wrong("ceiling-min-keep-alive", String.valueOf(e.getMessage()));
    }
  }

  /** The audit file, under this parameter, and {@code fsync}. */
  public void audit(String name) {
    AuditQueue queue = auditQueue(name, true);
    if (queue != null) {
      stage(Place.OBSERVE, new AuditStage(queue));
    }
  }

  private @Nullable AuditQueue auditQueue(String name, boolean needed) {
    String file =
        needed ? params.required(name, "the file that the audit lines go to") : params.text(name);
    boolean sync = params.flag("fsync", false);
    if (file == null) {
      return null;
    }
    try {
      JsonLinesAuditSink sink =
          JsonLinesAuditSink.builder(Path.of(file))
              .durability(sync ? Durability.FSYNC : Durability.FLUSH)
              .open();
      return opened(AuditQueue.to(sink).build());
    } catch (IOException e) {
      throw params.wrong(name, "'" + file + "' cannot be written: " + e.getMessage());
    }
  }
}
