package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.Authenticator;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.network.NetworkStage;
import io.llmguard.network.TransportStage;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelStage;
import io.llmguard.servlet.internal.Assembly;
import io.llmguard.wire.RequestReader;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The whole guard as one filter: whatever stages its {@link Guard} has, in their order.
 *
 * <pre>{@code
 * LlmGuardFilter.builder()
 *     .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
 *     .perCaller(new RateLimit(10, Duration.ofMinutes(1), 5))
 *     .build()
 *     .addTo(servletContext, "llmguard", "/*");
 * }</pre>
 *
 * <p>From init-params it has transport, network, both rate limits, concurrency, authentication,
 * endpoints, bodies and models, and audit where a file is named: {@code trusted-proxies}, {@code
 * plain-http}, {@code hosts}, {@code redirect-port}, {@code hsts}, {@code allow}, {@code deny},
 * {@code per-ip} ({@code 30 per 1m burst 10} unless set), {@code per-key} ({@code 10 per 1m burst
 * 5} unless set), {@code concurrency-per-caller}, {@code concurrency-in-all}, {@code max-body},
 * {@code audit-file}, {@code fsync}; and for at least one kind of credential {@code database} or
 * {@code master-key-variable} as {@link ApiKeyFilter} has them, {@code issuer}, {@code audience},
 * {@code jwks} and {@code algorithms} as {@link JwtFilter} has them, {@code certificate-subjects}
 * and the like as {@link ClientCertificateFilter} has them without the prefix; and {@code realm}.
 */
public final class LlmGuardFilter extends GuardFilter {
  /** For the container, which gives the init-params. */
  public LlmGuardFilter() {}

  /** A filter over a guard, which stays its owner's to close. */
  public LlmGuardFilter(Guard guard) {
    super(guard);
  }

  private LlmGuardFilter(Guard guard, AutoCloseable owned) {
    super(guard, owned);
  }

  /** A builder of a filter with the defaults of init-params, and without an authenticator. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  void assemble(Assembly parts) {
    parts.audit("audit-file", false);
    parts.clientAddress();
    parts.transport();
    parts.network(false);
    parts.addressLimit("per-ip");
    parts.tokens(false);
    parts.apiKeys(false);
    parts.certificates("certificate-", false);
    parts.someAuthenticator();
    parts.endpoints();
    parts.callerLimit("per-key");
    parts.concurrency("concurrency-", false);
    parts.bodies();
  }

  /**
   * Collects what a filter guards with. Not thread-safe.
   *
   * <p>What is given here and can be closed stays the caller's, but for stages, authenticators and
   * the audit queue: these are closed with the filter.
   */
  public static final class Builder {
    private final StandardGuard.Builder guard = StandardGuard.builder();
    private final AuthenticationStage.Builder authentication = AuthenticationStage.builder();
    private boolean authenticated;
    private CidrSet trustedProxies = CidrSet.NONE;
    private TransportStage transport = TransportStage.builder().build();
    private NetworkStage network = new NetworkStage(CidrSet.ALL, CidrSet.NONE);
    private @Nullable RateLimitStore counters;
    private RateLimit perAddress = Assembly.PER_ADDRESS;
    private RateLimit perCaller = Assembly.PER_CALLER;
    private ConcurrencyStage concurrency = new ConcurrencyStage(0, 0);
    private EndpointCatalogue endpoints = EndpointCatalogue.standard();
    private int maxBody = Assembly.MAX_BODY;

    private Builder() {}

    /** Adds a kind of credential; at least one is needed. */
    public Builder authenticator(Authenticator value) {
      authentication.authenticator(value);
      authenticated = true;
      return this;
    }

    /** What a 401's challenge calls the protected space; {@code llmguard} unless set. */
    public Builder realm(String value) {
      authentication.realm(value);
      return this;
    }

    /** Whose {@code Forwarded} and {@code X-Forwarded-For} are believed; nobody's unless set. */
    public Builder trustedProxies(CidrSet value) {
      trustedProxies = Objects.requireNonNull(value);
      return this;
    }

    /** What becomes of plain HTTP and foreign hosts; plain HTTP from elsewhere is refused. */
    public Builder transport(TransportStage value) {
      transport = Objects.requireNonNull(value);
      return this;
    }

    /** Which addresses may call; all unless set. */
    public Builder network(CidrSet allowed, CidrSet denied) {
      network = new NetworkStage(allowed, denied);
      return this;
    }

    /** Where rates are counted; in the memory of this filter unless set. */
    public Builder counters(RateLimitStore value) {
      counters = Objects.requireNonNull(value);
      return this;
    }

    /** What an address may call; 30 a minute with a burst of 10 unless set. */
    public Builder perAddress(RateLimit value) {
      perAddress = Objects.requireNonNull(value);
      return this;
    }

    /** What a caller without a limit of its own may call; 10 a minute, burst 5 unless set. */
    public Builder perCaller(RateLimit value) {
      perCaller = Objects.requireNonNull(value);
      return this;
    }

    /** How many calls may be under way at once; 0 for no limit, which is so unless set. */
    public Builder concurrency(int perCallerAtOnce, int inAll) {
      concurrency = new ConcurrencyStage(perCallerAtOnce, inAll);
      return this;
    }

    /** Which endpoints there are; {@link EndpointCatalogue#standard()} unless set. */
    public Builder endpoints(EndpointCatalogue value) {
      endpoints = Objects.requireNonNull(value);
      return this;
    }

    /** How many bytes a JSON body may have; 32 MiB unless set. */
    public Builder maxBody(int bytes) {
      maxBody = bytes;
      return this;
    }

    /** Where the audit lines go; nowhere unless set. */
    public Builder audit(AuditQueue value) {
      return stage(Place.OBSERVE, new AuditStage(value));
    }

    /** Adds a stage of any other kind at its place: metrics, ceilings, token limits. */
    public Builder stage(Place place, Stage stage) {
      guard.stage(place, stage);
      return this;
    }

    /**
     * The filter.
     *
     * @throws IllegalStateException if there is no authenticator: nobody could call
     */
    public LlmGuardFilter build() {
      if (!authenticated) {
        throw new IllegalStateException("nobody could call: there is no authenticator");
      }
      RateLimitStore given = counters;
      RateLimitStore store =
          given != null ? given : new InMemoryRateLimitStore(TimeSource.system());
      Guard built =
          guard
              .stage(
                  Place.CLIENT_ADDRESS,
                  new ClientAddressStage(ClientAddressResolver.behind(trustedProxies)))
              .stage(Place.TRANSPORT, transport)
              .stage(Place.NETWORK, network)
              .stage(Place.ADDRESS_LIMIT, new AddressRateLimitStage(store, perAddress))
              .stage(Place.AUTHENTICATION, authentication.build())
              .stage(Place.ENDPOINT, new EndpointStage(endpoints))
              .stage(
                  Place.CALLER_LIMIT,
                  new CallerRateLimitStage(store, new LimitSet(perCaller, null, null, Map.of())))
              .stage(Place.CALLER_LIMIT, concurrency)
              .stage(Place.BODY, new BodyStage(RequestReader.create(), maxBody))
              .stage(Place.MODEL, new ModelStage())
              .build();
      return new LlmGuardFilter(built, new Owned(built, given == null ? store : null));
    }
  }

  /** What a filter of a builder has made itself. */
  private record Owned(Guard guard, @Nullable RateLimitStore counters) implements AutoCloseable {
    @Override
    public void close() {
      guard.close();
      if (counters != null) {
        counters.close();
      }
    }
  }
}
