package io.llmguard.auth;

import static io.llmguard.auth.Verdicts.caller;
import static io.llmguard.auth.Verdicts.guard;
import static io.llmguard.auth.Verdicts.refused;
import static io.llmguard.auth.Verdicts.status;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.llmguard.Decision;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.key.KeyHash;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.CallerCeilings;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JwtAuthenticatorTest {
  private static final String ISSUER = "https://issuer.example";
  private static final String AUDIENCE = "llm";

  private static RSAKey rsa;
  private static RSAKey otherRsa;
  private static ECKey ec;

  private final ManualTime time = new ManualTime();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private JwksServer server;

  @BeforeAll
  static void makeKeys() throws JOSEException {
    rsa = new RSAKeyGenerator(2048).keyID("rsa-1").generate();
    otherRsa = new RSAKeyGenerator(2048).keyID("rsa-2").generate();
    ec = new ECKeyGenerator(Curve.P_256).keyID("ec-1").generate();
  }

  @BeforeEach
  void startServer() throws Exception {
    server = new JwksServer(json(rsa, ec));
    opened.add(server);
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable one : opened) {
      one.close();
    }
  }

  private static String json(JWK... keys) {
    return new JWKSet(List.of(keys)).toString(true);
  }

  private JwtAuthenticator.Builder builder() {
    return JwtAuthenticator.builder(ISSUER).audience(AUDIENCE).time(time);
  }

  private Guard remote(UnaryOperator<JwtAuthenticator.Builder> options) {
    return guarded(options.apply(builder().jwks(server.uri())));
  }

  private Guard fixed(UnaryOperator<JwtAuthenticator.Builder> options) {
    return guarded(options.apply(builder().jwks(json(rsa, ec))));
  }

  private Guard guarded(JwtAuthenticator.Builder builder) {
    JwtAuthenticator authenticator = builder.build();
    opened.add(authenticator);
    return guard(time, authenticator);
  }

  private JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .subject("alice")
        .issueTime(Date.from(time.now()))
        .expirationTime(Date.from(time.now().plusSeconds(600)))
        .claim("scope", "inference models:read");
  }

  private static String sign(JWSHeader header, JWTClaimsSet claims, JWSSigner signer) {
    try {
      SignedJWT jwt = new SignedJWT(header, claims);
      jwt.sign(signer);
      return jwt.serialize();
    } catch (JOSEException e) {
      throw new AssertionError(e);
    }
  }

  private static String signed(RSAKey key, JWTClaimsSet claims) {
    try {
      return sign(
          new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID()).build(),
          claims,
          new RSASSASigner(key));
    } catch (JOSEException e) {
      throw new AssertionError(e);
    }
  }

  private static TestRequest chat(String token) {
    return TestRequest.post("/api/chat", "{}").bearer(token);
  }

  private static String base64(String text) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  // ---- good tokens

  @Test
  void aGoodTokenIsKnownByEitherAlgorithm() throws JOSEException {
    Guard guard = remote(b -> b);
    Caller caller = caller(guard, chat(signed(rsa, claims().build())));
    assertThat(caller.kind()).isEqualTo(Caller.Kind.JWT);
    assertThat(caller.id()).isEqualTo(ISSUER + "#alice");
    assertThat(caller.scopes()).containsExactlyInAnyOrder(Scope.INFERENCE, Scope.MODELS_READ);
    String byEc =
        sign(
            new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("ec-1").build(),
            claims().build(),
            new ECDSASigner(ec));
    assertThat(caller(guard, chat(byEc))).isEqualTo(caller);
    // a token that does not name its key
    String unnamed =
        sign(new JWSHeader(JWSAlgorithm.RS256), claims().build(), new RSASSASigner(rsa));
    assertThat(caller(guard, chat(unnamed))).isEqualTo(caller);
  }

  @Test
  void claimsBecomeScopesModelsLimitsTeamAndOwner() {
    Guard guard =
        fixed(
            b ->
                b.scopesClaim("realm_access.roles")
                    .scopePrefix("llm:")
                    .ownerClaim("email")
                    .nameClaim("https://example.org/name"));
    JWTClaimsSet claims =
        claims()
            .claim("realm_access", Map.of("roles", List.of("llm:embeddings", "admin", "llm:x")))
            .claim("models", List.of("gemma3:*"))
            .claim("team", "blue")
            .claim("email", "a@example.org")
            .claim("https://example.org/name", "Alice")
            .claim(
                "limits",
                Map.of(
                    "requests", Map.of("amount", 10, "per", "PT1M", "burst", 5),
                    "concurrency", 2,
                    "priority", -7,
                    "ceilings", Map.of("output_tokens", 64, "load_only", false),
                    "per_model", Map.of("gemma3", Map.of("amount", 1, "per", "PT1S"))))
            .build();
    Caller caller = caller(guard, chat(signed(rsa, claims)));
    assertThat(caller.scopes()).containsExactly(Scope.EMBEDDINGS);
    assertThat(caller.models().allows("gemma3:270m")).isTrue();
    assertThat(caller.models().allows("llama3")).isFalse();
    assertThat(caller.team()).isEqualTo("blue");
    assertThat(caller.owner()).isEqualTo("a@example.org");
    assertThat(caller.getName()).isEqualTo("Alice");
    assertThat(caller.limits().requests()).isEqualTo(new RateLimit(10, Duration.ofMinutes(1), 5));
    assertThat(caller.limits().tokens()).isNull();
    assertThat(caller.limits().concurrency()).isEqualTo(2);
    assertThat(caller.limits().priority()).isEqualTo(-7);
    assertThat(caller.limits().ceilings())
        .isEqualTo(CallerCeilings.parse(Map.of("output_tokens", 64, "load_only", false)));
    assertThat(caller.limits().perModel())
        .isEqualTo(Map.of("gemma3", new RateLimit(1, Duration.ofSeconds(1), 0)));
  }

  @Test
  void aTokenWithoutScopesHasNoneUnlessSaidOtherwise() {
    JWTClaimsSet claims = claims().claim("scope", null).build();
    assertThat(caller(fixed(b -> b), chat(signed(rsa, claims))).scopes()).isEmpty();
    Guard generous = fixed(b -> b.scopesWithoutClaim(Scope.DEFAULTS));
    assertThat(caller(generous, chat(signed(rsa, claims))).scopes()).isEqualTo(Scope.DEFAULTS);
    // a claim that names only other programs' scopes is not a missing one
    JWTClaimsSet other = claims().claim("scope", "openid profile").build();
    assertThat(caller(generous, chat(signed(rsa, other))).scopes()).isEmpty();
  }

  @Test
  void aRestrictionThatCannotBeUnderstoodIsNotDropped() {
    Guard guard = fixed(b -> b);
    for (JWTClaimsSet claims :
        List.of(
            claims().serializeNullClaims(true).claim("models", null).build(),
            claims().serializeNullClaims(true).claim("scope", null).build(),
            claims().serializeNullClaims(true).claim("limits", null).build(),
            claims().serializeNullClaims(true).claim("team", null).build(),
            claims().claim("models", 7).build(),
            claims().claim("models", List.of("a", 7)).build(),
            claims().claim("scope", Map.of("inference", true)).build(),
            claims().claim("limits", "few").build(),
            claims().claim("limits", Map.of("requests", 10)).build(),
            claims().claim("limits", Map.of("concurrency", "2")).build(),
            claims().claim("limits", Map.of("concurrency", 0)).build(),
            claims().claim("limits", Map.of("priority", "high")).build(),
            claims().claim("limits", Map.of("priority", 1_001)).build(),
            claims().claim("limits", Map.of("priority", 1L << 32)).build(),
            claims().claim("limits", Map.of("per_model", "x")).build(),
            claims().claim("limits", Map.of("ceilings", 64)).build(),
            claims().claim("limits", Map.of("ceilings", Map.of("output", 64))).build(),
            claims()
                .claim("limits", Map.of("requests", Map.of("amount", 1, "per", "a while")))
                .build(),
            claims().claim("team", List.of("blue")).build(),
            claims().subject(null).build(),
            claims().subject("").build(),
            claims().subject("a\nb").build(),
            claims().subject("a".repeat(256)).build())) {
      assertThat(status(guard, chat(signed(rsa, claims)))).as(claims.toString()).isEqualTo(401);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"requests\":null}",
        "{\"tokens\":null}",
        "{\"concurrency\":null}",
        "{\"per_model\":null}",
        "{\"per_model\":{\"m\":null}}",
        "{\"ceilings\":null}",
        "{\"priority\":null}",
        "{\"ceilings\":{\"output_tokens\":null}}",
        "{\"requests\":{\"amount\":1,\"per\":null}}",
        "{\"requests\":{\"amount\":null,\"per\":\"PT1M\"}}",
        "{\"requests\":{\"amount\":1,\"per\":\"PT1M\",\"burst\":null}}"
      })
  void aNullAmongTheLimitsIsNotReadAsNoLimit(String limits) throws Exception {
    JWTClaimsSet bad =
        claims().serializeNullClaims(true).claim("limits", JSONObjectUtils.parse(limits)).build();
    String token = signed(rsa, bad);
    assertThat(SignedJWT.parse(token).getPayload().toString()).contains("null");
    assertThat(status(fixed(b -> b), chat(token))).isEqualTo(401);
  }

  // ---- bad tokens

  @Test
  void noneOfTheBadTokensPassesAndAllGetOneAnswer() throws JOSEException {
    Guard guard = remote(b -> b);
    String good = signed(rsa, claims().build());
    String[] parts = good.split("\\.", -1);
    List<String> bad = new ArrayList<>();
    // alg none, in several spellings, with and without a signature
    for (String none : List.of("none", "None", "NONE", "nOnE", "")) {
      String header = base64("{\"alg\":\"" + none + "\",\"kid\":\"rsa-1\"}");
      bad.add(header + "." + parts[1] + ".");
      bad.add(header + "." + parts[1] + "." + parts[2]);
    }
    bad.add(base64("{\"kid\":\"rsa-1\"}") + "." + parts[1] + "." + parts[2]);
    // a public key used as a shared secret, in each form that a server may have it
    for (byte[] secret :
        List.of(
            rsa.toRSAPublicKey().getEncoded(),
            rsa.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8),
            pem(rsa).getBytes(StandardCharsets.UTF_8))) {
      for (JWSAlgorithm hmac : List.of(JWSAlgorithm.HS256, JWSAlgorithm.HS512)) {
        bad.add(
            sign(
                new JWSHeader.Builder(hmac).keyID("rsa-1").build(),
                claims().build(),
                new MACSigner(secret)));
      }
    }
    // wrong or missing claims
    bad.add(signed(rsa, claims().issuer("https://evil.example").build()));
    bad.add(signed(rsa, claims().issuer(ISSUER + "/").build()));
    bad.add(signed(rsa, claims().issuer(null).build()));
    bad.add(signed(rsa, claims().audience("other").build()));
    bad.add(signed(rsa, claims().audience(AUDIENCE + "x").build()));
    bad.add(signed(rsa, claims().audience((String) null).build()));
    bad.add(signed(rsa, claims().expirationTime(null).build()));
    bad.add(signed(rsa, claims().expirationTime(Date.from(time.now().minusSeconds(60))).build()));
    bad.add(signed(rsa, claims().notBeforeTime(Date.from(time.now().plusSeconds(61))).build()));
    bad.add(signed(rsa, claims().issueTime(Date.from(time.now().plusSeconds(61))).build()));
    // wrong keys
    bad.add(signed(otherRsa, claims().build()));
    RSAKey impostor = new RSAKeyGenerator(2048).keyID("rsa-1").generate();
    bad.add(signed(impostor, claims().build()));
    bad.add(sign(new JWSHeader(JWSAlgorithm.RS256), claims().build(), new RSASSASigner(impostor)));
    // a key that the token brings along, or points to
    bad.add(
        sign(
            new JWSHeader.Builder(JWSAlgorithm.RS256)
                .jwk(impostor.toPublicJWK())
                .jwkURL(URI.create("https://evil.example/jwks"))
                .build(),
            claims().build(),
            new RSASSASigner(impostor)));
    // an algorithm that was not pinned, though the key is right
    bad.add(
        sign(
            new JWSHeader.Builder(JWSAlgorithm.RS512).keyID("rsa-1").build(),
            claims().build(),
            new RSASSASigner(rsa)));
    // an unknown critical parameter
    bad.add(
        sign(
            new JWSHeader.Builder(JWSAlgorithm.RS256)
                .keyID("rsa-1")
                .criticalParams(Set.of("x"))
                .customParam("x", 1)
                .build(),
            claims().build(),
            new RSASSASigner(rsa)));
    // changed after signing
    bad.add(parts[0] + "." + base64("{\"sub\":\"root\"}") + "." + parts[2]);
    bad.add(parts[0] + "." + parts[1] + "." + base64("signature"));
    bad.add(parts[0] + "." + parts[1] + ".");
    // no tokens at all
    bad.add("..");
    bad.add("a.b.c");
    bad.add(base64("[".repeat(4000)) + ".e30.x");
    bad.add(base64("{\"alg\":\"RS256\"}") + "." + base64("{\"a\":".repeat(2000)) + ".x");
    Set<String> answers = new HashSet<>();
    for (String token : bad) {
      Refusal refusal = refused(guard, chat(token));
      answers.add(refusal.status() + refusal.reason() + refusal.detail());
    }
    assertThat(answers).hasSize(1);
    assertThat(answers.iterator().next()).startsWith("401invalid-credential");
    assertThat(status(guard, chat(good))).isEqualTo(200);
  }

  private static String pem(RSAKey key) throws JOSEException {
    return "-----BEGIN PUBLIC KEY-----\n"
        + Base64.getMimeEncoder().encodeToString(key.toRSAPublicKey().getEncoded())
        + "\n-----END PUBLIC KEY-----\n";
  }

  @Test
  void theTypeIsCheckedWhereItIsSet() throws JOSEException {
    Guard guard = fixed(b -> b.type("at+jwt"));
    for (String type : List.of("at+jwt", "AT+JWT", "application/at+jwt")) {
      assertThat(status(guard, chat(typed(type)))).as(type).isEqualTo(200);
    }
    assertThat(status(guard, chat(typed("JWT")))).isEqualTo(401);
    assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(401);
  }

  private String typed(String type) throws JOSEException {
    return sign(
        new JWSHeader.Builder(JWSAlgorithm.RS256)
            .keyID("rsa-1")
            .type(new JOSEObjectType(type))
            .build(),
        claims().build(),
        new RSASSASigner(rsa));
  }

  @Test
  void theSkewIsGivenAndNoMore() {
    Guard guard = fixed(b -> b.clockSkew(Duration.ofSeconds(30)));
    String token = signed(rsa, claims().build());
    time.advance(Duration.ofSeconds(629));
    assertThat(status(guard, chat(token))).isEqualTo(200);
    // also from memory
    time.advance(Duration.ofSeconds(1));
    assertThat(status(guard, chat(token))).isEqualTo(401);
    assertThat(status(fixed(b -> b.clockSkew(Duration.ofSeconds(30))), chat(token))).isEqualTo(401);
  }

  @Test
  void tokensThatShareAPrefixAreTwoUsers() {
    Guard guard = fixed(b -> b);
    String alice = signed(rsa, claims().subject("alice").build());
    String bob = signed(rsa, claims().subject("bob").build());
    assertThat(alice.substring(0, 60)).isEqualTo(bob.substring(0, 60));
    for (int i = 0; i < 3; i++) {
      assertThat(caller(guard, chat(alice)).getName()).isEqualTo("alice");
      assertThat(caller(guard, chat(bob)).getName()).isEqualTo("bob");
    }
    // the same claims and key with another signature are not the remembered token
    String forged = alice.substring(0, alice.lastIndexOf('.') + 1) + Base64URL.encode("x");
    assertThat(status(guard, chat(forged))).isEqualTo(401);
  }

  @Test
  void aTokenOfAnotherIssuerIsTheNextAuthenticatorsBusiness() {
    JwtAuthenticator first = builder().jwks(json(otherRsa)).build();
    JwtAuthenticator second =
        JwtAuthenticator.builder("https://second.example")
            .audience(AUDIENCE)
            .jwks(json(rsa))
            .time(time)
            .build();
    Guard both = guard(time, first, second);
    String token = signed(rsa, claims().issuer("https://second.example").build());
    assertThat(caller(both, chat(token)).id()).isEqualTo("https://second.example#alice");
    // the first issuer's name does not make the second one's keys good for it
    assertThat(status(both, chat(signed(rsa, claims().build())))).isEqualTo(401);
  }

  @Test
  void aMasterKeyThatLooksLikeATokenIsStillTheMasterKey() {
    ApiKeyAuthenticator master =
        ApiKeyAuthenticator.builder().masterKey("my.master.key").time(time).build();
    Guard either = guard(time, builder().jwks(json(rsa)).build(), master);
    assertThat(caller(either, chat("my.master.key")).kind()).isEqualTo(Caller.Kind.MASTER_KEY);
    assertThat(status(either, chat("my.other.key"))).isEqualTo(401);
  }

  @Test
  void aTokenIsAuditedByItsWholeHash() {
    String token = signed(rsa, claims().build());
    assertThat(Verdicts.admitted(fixed(b -> b), chat(token)).credentialHash())
        .isEqualTo(KeyHash.of(token).hex());
  }

  // ---- keys that have to be fetched

  @Test
  void keysAreFetchedOnceForManyCalls() throws Exception {
    server.hold();
    Guard guard = remote(b -> b);
    String token = signed(rsa, claims().build());
    List<CompletableFuture<Decision>> calls = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      calls.add(guard.admit(chat(token)).toCompletableFuture());
    }
    // nobody was blocked by the slow issuer
    assertThat(calls).noneMatch(CompletableFuture::isDone);
    server.release();
    for (CompletableFuture<Decision> call : calls) {
      assertThat(call.get(30, TimeUnit.SECONDS)).isInstanceOf(Decision.Admit.class);
    }
    assertThat(server.requests()).isEqualTo(1);
  }

  @Test
  void anIssuerThatIsTooSlowIsUnavailable() throws Exception {
    server.hold();
    Guard guard = remote(b -> b.fetchTimeout(Duration.ofMillis(200)));
    Refusal refusal = refused(guard, chat(signed(rsa, claims().build())));
    assertThat(refusal.status()).isEqualTo(503);
    assertThat(refusal.reason()).isEqualTo("issuer-unavailable");
    assertThat(refusal.headers().first("Retry-After")).isEqualTo("10");
  }

  @Test
  void keysDownAtStartAreFoundLater() {
    server.answer(500, "down");
    Guard guard = remote(b -> b.fetchInterval(Duration.ofSeconds(10)));
    String token = signed(rsa, claims().build());
    assertThat(status(guard, chat(token))).isEqualTo(503);
    server.answer(200, json(rsa));
    // not asked again before the interval is over
    assertThat(status(guard, chat(token))).isEqualTo(503);
    assertThat(server.requests()).isEqualTo(1);
    time.advance(Duration.ofSeconds(10));
    assertThat(status(guard, chat(token))).isEqualTo(200);
    assertThat(server.requests()).isEqualTo(2);
  }

  @Test
  void anOutageIsToleratedForAsLongAsSet() {
    Guard guard =
        remote(b -> b.keysFreshFor(Duration.ofMinutes(5)).outageTolerance(Duration.ofMinutes(60)));
    assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(200);
    server.answer(503, "down");
    for (int minute = 0; minute < 65; minute++) {
      time.advance(Duration.ofMinutes(1));
      assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(200);
    }
    time.advance(Duration.ofMinutes(1));
    assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(503);
    server.answer(200, json(rsa));
    time.advance(Duration.ofMinutes(1));
    assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(200);
  }

  @Test
  void keysAreRefreshedBeforeTheyAreStale() throws Exception {
    Guard guard = remote(b -> b.keysFreshFor(Duration.ofMinutes(5)));
    String token = signed(rsa, claims().build());
    assertThat(status(guard, chat(token))).isEqualTo(200);
    time.advance(Duration.ofMinutes(4).plusSeconds(1));
    server.hold();
    // served from memory while the keys are fetched
    assertThat(guard.admit(chat(token)).toCompletableFuture()).isDone();
    assertThat(server.awaitRequests(2)).isTrue();
    server.release();
  }

  @Test
  void aNewKeyIsFetchedWhenATokenNamesIt() {
    Guard guard = remote(b -> b.fetchInterval(Duration.ofSeconds(10)));
    assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(200);
    server.answer(200, json(rsa, otherRsa));
    String byNewKey = signed(otherRsa, claims().build());
    assertThat(status(guard, chat(byNewKey))).isEqualTo(401);
    time.advance(Duration.ofSeconds(10));
    assertThat(status(guard, chat(byNewKey))).isEqualTo(200);
    assertThat(server.requests()).isEqualTo(2);
  }

  @Test
  void madeUpKeyIdsCannotMakeTheIssuerBusy() throws JOSEException {
    Guard guard = remote(b -> b.fetchInterval(Duration.ofSeconds(10)));
    for (int i = 0; i < 100; i++) {
      String token =
          sign(
              new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("made-up-" + i).build(),
              claims().build(),
              new RSASSASigner(otherRsa));
      assertThat(status(guard, chat(token))).isEqualTo(401);
      time.advance(Duration.ofMillis(100));
    }
    assertThat(server.requests()).isLessThanOrEqualTo(2);
  }

  @Test
  void aWithdrawnKeyEndsTheTokensThatAreRemembered() {
    Guard guard = remote(b -> b.keysFreshFor(Duration.ofMinutes(5)));
    String token = signed(rsa, claims().build());
    assertThat(status(guard, chat(token))).isEqualTo(200);
    server.answer(200, json(otherRsa));
    time.advance(Duration.ofMinutes(5).plusSeconds(1));
    assertThat(status(guard, chat(token))).isEqualTo(401);
  }

  @Test
  void nonsenseInPlaceOfKeysChangesNothing() {
    Guard guard = remote(b -> b.keysFreshFor(Duration.ofMinutes(5)));
    assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(200);
    for (String nonsense :
        List.of(
            "",
            "<html>",
            "{}",
            "{\"keys\":[]}",
            "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
            "{\"keys\":" + "[".repeat(100_000),
            "{\"keys\":[],\"x\":\"" + "x".repeat(600_000) + "\"}")) {
      server.answer(200, nonsense);
      time.advance(Duration.ofMinutes(6));
      assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(200);
    }
    server.answer(302, json(otherRsa));
    time.advance(Duration.ofMinutes(6));
    assertThat(status(guard, chat(signed(rsa, claims().build())))).isEqualTo(200);
  }

  // ---- settings

  @Test
  void unsafeSettingsAreRefused() {
    for (List<String> algorithms :
        List.of(List.of("none"), List.of("HS256"), List.of("RS256", "HS512"), List.<String>of())) {
      assertThatThrownBy(() -> builder().algorithms(algorithms))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> JwtAuthenticator.builder(ISSUER).jwks(json(rsa)).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("audience");
    assertThatThrownBy(() -> builder().build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("keys");
    for (String uri : List.of("http://issuer.example/jwks", "file:///etc/keys", "jwks.json")) {
      assertThatThrownBy(() -> builder().jwks(URI.create(uri)).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("HTTPS");
    }
    assertThatThrownBy(() -> builder().jwks("{\"keys\":[]}").build())
        .isInstanceOf(IllegalArgumentException.class);
  }
}
