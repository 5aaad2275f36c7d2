package io.llmguard.auth;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.AsymmetricJWK;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.proc.JWSVerifierFactory;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.TimeSource;
import io.llmguard.key.KeyHash;
import io.llmguard.policy.Scope;
import java.net.URI;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows callers by a token that an issuer signed (JWT, RFC 7519, by the practices of RFC 8725).
 *
 * <p>A token must name the issuer and one of the audiences, carry {@code sub} and {@code exp}, and
 * be signed by one of the issuer's published keys with one of the algorithms that were pinned;
 * these are asymmetric, so that neither {@code none} nor a public key used as a shared secret can
 * pass. Key references in the token itself ({@code jwk}, {@code jku}, {@code x5u}) are not
 * followed, and critical header parameters are refused. A token of another issuer, and what only
 * looks like a token, is another authenticator's business.
 *
 * <p>Keys are fetched on threads of their own: a call that has to wait for them is answered later.
 * A token that was verified is known by its whole SHA-256 digest until it expires or the issuer's
 * keys change. Needs {@code com.nimbusds:nimbus-jose-jwt}. Thread-safe; close it to end fetching.
 */
public final class JwtAuthenticator implements Authenticator, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(JwtAuthenticator.class);

  /** How many keys are tried on a token that does not say which one signed it. */
  private static final int MAX_TRIES = 8;

  private static final CompletionStage<Authentication> ABSENT = done(new Authentication.Absent());
  private static final CompletionStage<Authentication> WRONG =
      done(new Authentication.Rejected(AuthenticationStage.NOT_ACCEPTED));
  private static final CompletionStage<Authentication> UNAVAILABLE =
      done(
          new Authentication.Rejected(
              Refusal.of(
                      503,
                      "issuer-unavailable",
                      "tokens cannot be checked at the moment, as the issuer's keys could not be"
                          + " fetched; try again")
                  .with("Retry-After", "10")));

  private final String issuer;
  private final Set<String> audiences;
  private final Set<JWSAlgorithm> algorithms;
  private final Set<String> types;
  private final Duration skew;
  private final ClaimMapping mapping;
  private final TimeSource time;
  private final KeySets keySets;
  private final JWSVerifierFactory verifiers = new DefaultJWSVerifierFactory();
  private final Cache<KeyHash, Verified> verified;

  /** A token that was verified by keys of one generation. */
  private record Verified(CompletionStage<Authentication> answer, Instant until, long generation) {}

  /** A token that was read but not verified. */
  private record Token(SignedJWT jwt, JWTClaimsSet claims, KeyHash hash) {}

  private JwtAuthenticator(Builder builder, KeySets keySets) {
    this.keySets = keySets;
    issuer = builder.issuer;
    audiences = Set.copyOf(builder.audiences);
    algorithms = Set.copyOf(builder.algorithms);
    types = Set.copyOf(builder.types);
    skew = builder.clockSkew;
    time = builder.time;
    mapping =
        new ClaimMapping(
            new ClaimMapping.Names(
                builder.scopeClaims,
                builder.modelsClaim,
                builder.limitsClaim,
                builder.teamClaim,
                builder.ownerClaim,
                builder.nameClaim),
            builder.scopePrefix,
            builder.withoutScopes);
    verified = Caffeine.newBuilder().maximumSize(builder.tokens).build();
  }

  /**
   * A builder of an authenticator for one issuer; it needs an audience and keys.
   *
   * @param issuer the exact {@code iss} of its tokens
   */
  public static Builder builder(String issuer) {
    return new Builder(issuer);
  }

  @Override
  public CompletionStage<Authentication> authenticate(Exchange exchange) {
    Credential credential = Credential.of(exchange);
    if (credential == null || !credential.looksLikeJwt()) {
      return ABSENT;
    }
    KeySets.KeySet keys = keySets.fresh();
    Verified known = verified.getIfPresent(credential.hash());
    if (keys != null && known != null && known.generation == keys.generation()) {
      return time.now().isBefore(known.until) ? known.answer : WRONG;
    }
    Token token = read(credential);
    if (token == null || !issuer.equals(token.claims.getIssuer())) {
      return ABSENT;
    }
    if (!fits(token)) {
      return WRONG;
    }
    return keys != null
        ? verify(token, keys)
        : keySets
            .load()
            .thenCompose(loaded -> loaded.map(set -> verify(token, set)).orElse(UNAVAILABLE));
  }

  @Override
  public void close() {
    keySets.close();
  }

  private @Nullable Token read(Credential credential) {
    try {
      SignedJWT jwt = SignedJWT.parse(credential.reveal());
      JWTClaimsSet claims = jwt.getJWTClaimsSet();
      return claims == null ? null : new Token(jwt, claims, credential.hash());
    } catch (ParseException | IllegalArgumentException | IllegalStateException e) {
      log.debug("a token could not be read");
      return null;
    }
  }

  /** Checks all that needs no key. */
  private boolean fits(Token token) {
    String why = unfit(token.jwt.getHeader());
    if (why == null) {
      why = unfit(token.claims);
    }
    if (why != null) {
      log.debug("a token of {} refused: {}", issuer, why);
    }
    return why == null;
  }

  private @Nullable String unfit(JWSHeader header) {
    if (!algorithms.contains(header.getAlgorithm())) {
      return "alg";
    }
    JOSEObjectType type = header.getType();
    if (!types.isEmpty() && (type == null || !types.contains(mediaType(type.getType())))) {
      return "typ";
    }
    Set<String> critical = header.getCriticalParams();
    return critical != null && !critical.isEmpty() ? "crit" : null;
  }

  private @Nullable String unfit(JWTClaimsSet claims) {
    if (Collections.disjoint(claims.getAudience(), audiences)) {
      return "aud";
    }
    Instant now = time.now();
    Date expires = claims.getExpirationTime();
    if (expires == null || !now.isBefore(expires.toInstant().plus(skew))) {
      return "exp";
    }
    Instant latest = now.plus(skew);
    Date from = claims.getNotBeforeTime();
    if (from != null && from.toInstant().isAfter(latest)) {
      return "nbf";
    }
    Date issued = claims.getIssueTime();
    return issued != null && issued.toInstant().isAfter(latest) ? "iat" : null;
  }

  private CompletionStage<Authentication> verify(Token token, KeySets.KeySet keys) {
    List<JWK> candidates = candidates(token, keys);
    String keyId = token.jwt.getHeader().getKeyID();
    if (signedByOne(token, candidates)) {
      return accept(token, keys);
    }
    if (keyId != null && !candidates.isEmpty()) {
      // the key is known and did not sign this
      return WRONG;
    }
    return keySets
        .newerThan(keys)
        .thenCompose(
            newer ->
                newer.generation() != keys.generation()
                        && signedByOne(token, candidates(token, newer))
                    ? accept(token, newer)
                    : WRONG);
  }

  private static List<JWK> candidates(Token token, KeySets.KeySet keys) {
    JWKMatcher matcher = JWKMatcher.forJWSHeader(token.jwt.getHeader());
    return matcher == null
        ? List.of()
        : keys.keys().stream().filter(matcher::matches).limit(MAX_TRIES).toList();
  }

  private boolean signedByOne(Token token, List<JWK> candidates) {
    for (JWK key : candidates) {
      try {
        if (key instanceof AsymmetricJWK asymmetric) {
          JWSVerifier verifier =
              verifiers.createJWSVerifier(token.jwt.getHeader(), asymmetric.toPublicKey());
          if (token.jwt.verify(verifier)) {
            return true;
          }
        }
      } catch (JOSEException | RuntimeException e) {
        log.debug("the key {} of {} cannot verify a token", key.getKeyID(), issuer);
      }
    }
    return false;
  }

  private CompletionStage<Authentication> accept(Token token, KeySets.KeySet keys) {
    Date expires = token.claims.getExpirationTime();
    try {
      Caller caller = mapping.caller(issuer, token.claims.getClaims());
      CompletionStage<Authentication> answer = done(new Authentication.Authenticated(caller));
      if (expires != null) {
        verified.put(
            token.hash, new Verified(answer, expires.toInstant().plus(skew), keys.generation()));
      }
      return answer;
    } catch (ClaimMapping.UnusableClaimException e) {
      log.debug("a token of {} refused: {}", issuer, e.getMessage());
      return WRONG;
    }
  }

  /** RFC 7515, section 4.1.9: {@code application/} may be left out. */
  private static String mediaType(String type) {
    String lower = type.toLowerCase(Locale.ROOT);
    return lower.startsWith("application/") ? lower.substring(12) : lower;
  }

  private static CompletionStage<Authentication> done(Authentication authentication) {
    return CompletableFuture.completedFuture(authentication);
  }

  /** Collects what is expected of tokens. Not thread-safe. */
  public static final class Builder {
    private final String issuer;
    private final Set<String> audiences = new HashSet<>();
    private final Set<JWSAlgorithm> algorithms =
        new HashSet<>(Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256));
    private final Set<String> types = new HashSet<>();
    private @Nullable URI uri;
    private @Nullable String json;
    private boolean plainHttp;
    private Duration clockSkew = Duration.ofSeconds(60);
    private Duration freshFor = Duration.ofMinutes(5);
    private Duration tolerance = Duration.ofHours(4);
    private Duration interval = Duration.ofSeconds(10);
    private Duration timeout = Duration.ofSeconds(5);
    private long tokens = 10_000;
    private List<String> scopeClaims = List.of("scope", "scp");
    private String scopePrefix = "";
    private Set<Scope> withoutScopes = Set.of();
    private String modelsClaim = "models";
    private String limitsClaim = "limits";
    private String teamClaim = "team";
    private String ownerClaim = "sub";
    private String nameClaim = "sub";
    private TimeSource time = TimeSource.system();

    private Builder(String issuer) {
      if (issuer.isBlank()) {
        throw new IllegalArgumentException("an issuer has a name");
      }
      this.issuer = issuer;
    }

    /** An audience of which a token must name one; at least one is needed. */
    public Builder audience(String value) {
      audiences.add(value);
      return this;
    }

    /**
     * Where the issuer publishes its keys (JWK set, RFC 7517), by HTTPS or on this machine.
     *
     * @see #allowPlainHttp
     */
    public Builder jwks(URI value) {
      uri = value;
      return this;
    }

    /** The issuer's keys themselves (JWK set, RFC 7517), where they are not published. */
    public Builder jwks(String value) {
      json = value;
      return this;
    }

    /** Fetches keys by plain HTTP also from other machines: whoever is on the way can forge. */
    public Builder allowPlainHttp() {
      plainHttp = true;
      return this;
    }

    /**
     * The algorithms of signatures that are accepted; {@code RS256} and {@code ES256} unless set.
     *
     * @throws IllegalArgumentException if one is not of the families RS, PS and ES
     */
    public Builder algorithms(List<String> names) {
      if (names.isEmpty()) {
        throw new IllegalArgumentException("at least one algorithm is needed");
      }
      algorithms.clear();
      for (String name : names) {
        JWSAlgorithm algorithm = JWSAlgorithm.parse(name);
        if (!JWSAlgorithm.Family.RSA.contains(algorithm)
            && !JWSAlgorithm.Family.EC.contains(algorithm)) {
          throw new IllegalArgumentException(
              "the algorithm '" + name + "' is not of the families RS, PS and ES");
        }
        algorithms.add(algorithm);
      }
      return this;
    }

    /** A {@code typ} that is accepted, such as {@code at+jwt}; any and none unless called. */
    public Builder type(String value) {
      types.add(mediaType(value));
      return this;
    }

    /** How far the issuer's clock may be off; 60 s unless set. */
    public Builder clockSkew(Duration value) {
      clockSkew = notNegative(value);
      return this;
    }

    /** How long fetched keys are fresh; 5 min unless set. They are fetched again before. */
    public Builder keysFreshFor(Duration value) {
      freshFor = notNegative(value);
      return this;
    }

    /** How much longer they are used while they cannot be fetched; 4 h unless set. */
    public Builder outageTolerance(Duration value) {
      tolerance = notNegative(value);
      return this;
    }

    /**
     * The shortest time from one fetch to the next; 10 s unless set. So long may a token of a new
     * key have to wait after a fetch, and so often can made-up key ids cause one.
     */
    public Builder fetchInterval(Duration value) {
      interval = notNegative(value);
      return this;
    }

    /** The longest time that a fetch may take to its last byte; 5 s unless set. */
    public Builder fetchTimeout(Duration value) {
      timeout = notNegative(value);
      return this;
    }

    /** How many verified tokens are remembered; 10,000 unless set. */
    public Builder rememberTokens(int value) {
      tokens = value;
      return this;
    }

    /** The claim of scopes; {@code scope}, else {@code scp} unless set. */
    public Builder scopesClaim(String value) {
      scopeClaims = List.of(value);
      return this;
    }

    /**
     * What stands before each scope in the claim, such as {@code llmguard:}; nothing unless set.
     */
    public Builder scopePrefix(String value) {
      scopePrefix = value;
      return this;
    }

    /** The scopes of a token without the claim of scopes; none unless set. */
    public Builder scopesWithoutClaim(Set<Scope> value) {
      withoutScopes = Set.copyOf(value);
      return this;
    }

    /** The claim of allowed models, words or an array; {@code models} unless set. */
    public Builder modelsClaim(String value) {
      modelsClaim = value;
      return this;
    }

    /**
     * The claim of the caller's limits; {@code limits} unless set. It is an object with any of
     * {@code requests} and {@code tokens} (each {@code {"amount":10,"per":"PT1M","burst":5}}),
     * {@code concurrency} (a number), {@code per_model} (such objects by model), {@code ceilings}
     * and {@code priority} (a number). A token with a null among them is refused: null is no way to
     * say that nothing is limited.
     */
    public Builder limitsClaim(String value) {
      limitsClaim = value;
      return this;
    }

    /** The claim of the team; {@code team} unless set. */
    public Builder teamClaim(String value) {
      teamClaim = value;
      return this;
    }

    /** The claim of the owner; {@code sub} unless set. */
    public Builder ownerClaim(String value) {
      ownerClaim = value;
      return this;
    }

    /** The claim of the name for people; {@code sub} unless set. */
    public Builder nameClaim(String value) {
      nameClaim = value;
      return this;
    }

    /** Where expiry and freshness are measured; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = value;
      return this;
    }

    /**
     * The authenticator, which begins to fetch the keys.
     *
     * @throws IllegalArgumentException if there is no audience, or not one source of keys, or keys
     *     would come by plain HTTP from another machine
     */
    public JwtAuthenticator build() {
      if (audiences.isEmpty()) {
        throw new IllegalArgumentException(
            "tokens of " + issuer + " need an audience, or those for other programs would pass");
      }
      String text = json;
      URI from = uri;
      if ((text == null) == (from == null)) {
        throw new IllegalArgumentException("one source of keys is needed for " + issuer);
      }
      if (text != null) {
        return new JwtAuthenticator(this, new FixedKeySets(text));
      }
      if (from == null || !trustworthy(from)) {
        throw new IllegalArgumentException(
            "the keys of " + issuer + " would not come by HTTPS, but from " + from);
      }
      return new JwtAuthenticator(
          this,
          new RemoteKeySets(
              new RemoteKeySets.Policy(from, freshFor, tolerance, interval, timeout), time));
    }

    private boolean trustworthy(URI from) {
      String host = Optional.ofNullable(from.getHost()).orElse("");
      return "https".equalsIgnoreCase(from.getScheme())
          || ("http".equalsIgnoreCase(from.getScheme())
              && (plainHttp
                  || Set.of("localhost", "127.0.0.1", "[::1]")
                      .contains(host.toLowerCase(Locale.ROOT))));
    }

    private static Duration notNegative(Duration value) {
      if (value.isNegative()) {
        throw new IllegalArgumentException("a duration is not negative: " + value);
      }
      return value;
    }
  }
}
