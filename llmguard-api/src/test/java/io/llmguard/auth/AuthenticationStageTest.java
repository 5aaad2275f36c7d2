package io.llmguard.auth;

import static io.llmguard.auth.Verdicts.admitted;
import static io.llmguard.auth.Verdicts.caller;
import static io.llmguard.auth.Verdicts.refused;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.key.ApiKey;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyHash;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyLookup;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

class AuthenticationStageTest {
  private static final String MASTER = "sk-my \"master\" kéy, of any form";

  private final ManualTime time = new ManualTime();
  private final MemoryKeyStore store = new MemoryKeyStore();
  private final KeyIssuer issuer = new KeyIssuer(store, time);
  private final IssuedKey issued =
      issuer.issue("alice's laptop", key -> key.owner("alice").team("research"));
  private final String key = issued.key().reveal();
  private final KeyDirectory directory =
      KeyDirectory.builder(store)
          .time(time)
          .refreshEvery(Duration.ofDays(1))
          .maxStaleness(Duration.ofDays(9999))
          .open();
  private final ApiKeyAuthenticator keys =
      ApiKeyAuthenticator.builder().keys(directory).masterKey(MASTER).time(time).build();
  private final Guard guard = guard(AuthenticationStage.builder().authenticator(keys).build());

  @AfterEach
  void close() {
    directory.close();
  }

  private Guard guard(AuthenticationStage stage) {
    return Guard.builder().stage(stage).time(time).build();
  }

  private static TestRequest chat() {
    return TestRequest.post("/api/chat", "{}");
  }

  @Test
  void aRightKeyIsTakenFromBothHeaders() {
    for (TestRequest request :
        List.of(
            chat().bearer(key),
            chat().header("authorization", "bEARER   " + key + "  "),
            chat().header("X-Api-Key", key),
            chat().header("x-api-key", " " + key))) {
      Exchange exchange = admitted(guard, request);
      Caller caller = caller(guard, request);
      assertThat(caller.kind()).isEqualTo(Caller.Kind.API_KEY);
      assertThat(caller.keyId()).isEqualTo(issued.record().id());
      assertThat(caller.getName()).isEqualTo("alice's laptop");
      assertThat(caller.owner()).isEqualTo("alice");
      assertThat(caller.team()).isEqualTo("research");
      assertThat(exchange.credentialHash()).isEqualTo(issued.key().hash().hex());
    }
  }

  @Test
  void absentIsRefusedNotLetThrough() {
    Refusal refusal = refused(guard, chat());
    assertThat(refusal.status()).isEqualTo(401);
    assertThat(refusal.reason()).isEqualTo("no-credential");
    // RFC 6750, section 3.1: no error code where no credential was sent
    assertThat(refusal.headers().all("WWW-Authenticate"))
        .containsExactly("Bearer realm=\"llmguard\"");
    assertThat(refused(guard, chat().header("Authorization", "Bearer ")).reason())
        .isEqualTo("no-credential");
    assertThat(refused(guard, chat().header("X-Api-Key", "  ")).reason())
        .isEqualTo("no-credential");
    assertThat(refused(guard, chat().header("Authorization", "Basic dXNlcjpwYXNz")).status())
        .isEqualTo(401);
    assertThat(refused(guard, chat().header("Authorization", key)).status()).isEqualTo(401);
  }

  @Test
  void anonymousCallsPassOnlyWhereSomebodySaidWhoTheyAre() {
    Caller anybody = Caller.builder(Caller.Kind.OTHER, "anonymous").build();
    Guard open =
        guard(AuthenticationStage.builder().authenticator(keys).anonymous(anybody).build());
    assertThat(caller(open, chat())).isEqualTo(anybody);
    // a bad credential is not the same as none
    assertThat(refused(open, chat().bearer("nonsense")).status()).isEqualTo(401);
    assertThat(refused(open, TestRequest.of("GET", "/api/tags?api_key=" + key)).status())
        .isEqualTo(401);
  }

  @Test
  void anIdentityThatTheClientChoosesIsNone() {
    Refusal refusal =
        refused(
            guard,
            chat()
                .header("X-User-Id", "alice")
                .header("X-Forwarded-User", "alice")
                .header("X-Llmguard-Caller", issued.record().id())
                .header("X-Api-Key-Id", issued.record().id()));
    assertThat(refusal.status()).isEqualTo(401);
  }

  @Test
  void aRefusalNeverSaysWhetherAKeyExists() {
    IssuedKey expired = issuer.issue("e", k -> k.expiresAt(time.now().plusSeconds(1)));
    IssuedKey blocked = issuer.issue("b", UnaryOperator.identity());
    IssuedKey revoked = issuer.issue("r", UnaryOperator.identity());
    IssuedKey replaced = issuer.issue("p", UnaryOperator.identity());
    IssuedKey deleted = issuer.issue("d", UnaryOperator.identity());
    store.block(blocked.record().id());
    store.revoke(revoked.record().id());
    assertThat(issuer.rotate(replaced.record().id(), Duration.ZERO)).isNotNull();
    store.delete(deleted.record().id());
    directory.refresh();
    time.advance(Duration.ofSeconds(1));
    Set<String> answers = new HashSet<>();
    for (String wrong :
        List.of(
            expired.key().reveal(),
            blocked.key().reveal(),
            revoked.key().reveal(),
            replaced.key().reveal(),
            deleted.key().reveal(),
            ApiKey.generate(new SecureRandom()).reveal(),
            "anything",
            "sk-1234",
            "' OR '1'='1",
            "sk-'; DROP TABLE llmguard_key; --",
            "\" UNION SELECT hash FROM llmguard_key --")) {
      Refusal refusal = refused(guard, chat().bearer(wrong));
      answers.add(
          refusal.status()
              + refusal.reason()
              + refusal.detail()
              + refusal.headers().all("WWW-Authenticate"));
    }
    assertThat(answers).hasSize(1);
    assertThat(answers.iterator().next())
        .startsWith("401invalid-credential")
        .contains("Bearer realm=\"llmguard\", error=\"invalid_token\"");
  }

  @Test
  void aMistypedKeyGetsAHintThatDoesNotDependOnAnyKey() {
    char last = key.charAt(51);
    String typo = key.substring(0, 51) + (last == 'a' ? 'b' : 'a');
    String other = ApiKey.generate(new SecureRandom()).reveal();
    String otherTypo = other.substring(0, 51) + (other.charAt(51) == 'a' ? 'b' : 'a');
    Refusal ofKnown = refused(guard, chat().bearer(typo));
    Refusal ofUnknown = refused(guard, chat().bearer(otherTypo));
    assertThat(ofKnown.status()).isEqualTo(401);
    assertThat(ofKnown.reason()).isEqualTo("invalid-credential");
    assertThat(ofKnown.detail()).contains("mistyped").isEqualTo(ofUnknown.detail());
  }

  @Test
  void aWrongCredentialIsAuditedByItsHash() {
    String wrong = ApiKey.generate(new SecureRandom()).reveal();
    CompletableFuture<String> hash = new CompletableFuture<>();
    Guard watched =
        Guard.builder()
            .stage(
                new io.llmguard.Stage() {
                  @Override
                  public String name() {
                    return "watch";
                  }

                  @Override
                  public java.util.concurrent.CompletionStage<Decision> decide(Exchange exchange) {
                    return exchange.admit();
                  }

                  @Override
                  public void settle(Exchange exchange, io.llmguard.Outcome outcome) {
                    hash.complete(String.valueOf(exchange.credentialHash()));
                  }
                })
            .stage(AuthenticationStage.builder().authenticator(keys).build())
            .build();
    assertThat(refused(watched, chat().bearer(wrong)).status()).isEqualTo(401);
    assertThat(hash.join()).isEqualTo(KeyHash.of(wrong).hex());
  }

  @Test
  void twoCredentialsThatDifferAreRefused() {
    String other = issuer.issue("other", UnaryOperator.identity()).key().reveal();
    for (TestRequest request :
        List.of(
            chat().bearer(key).header("X-Api-Key", other),
            chat().bearer(key).bearer(other),
            chat().header("X-Api-Key", key).header("x-api-key", other),
            chat().bearer(key).header("X-Api-Key", key).header("X-Api-Key", "nonsense"),
            chat().header("Authorization", "Basic x").bearer(key).header("X-Api-Key", "y"))) {
      Refusal refusal = refused(guard, request);
      assertThat(refusal.status()).isEqualTo(400);
      assertThat(refusal.reason()).isEqualTo("ambiguous-credentials");
    }
  }

  @Test
  void theSameCredentialTwiceIsOne() {
    admitted(guard, chat().bearer(key).header("X-Api-Key", key));
    admitted(guard, chat().bearer(key).bearer(key));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "key=K",
        "api_key=K",
        "apikey=K",
        "api-key=K",
        "access_token=K",
        "token=K",
        "API_KEY=K",
        "%6Bey=K",
        "api%5Fkey=K",
        "a=b&key=K",
        "a=b;key=K",
        "key",
        "key="
      })
  void aKeyInTheQueryIsRefused(String query) {
    String target = "/api/tags?" + query.replace("=K", "=" + key);
    Refusal alone = refused(guard, TestRequest.of("GET", target));
    assertThat(alone.status()).isEqualTo(401);
    assertThat(alone.reason()).isEqualTo("credential-in-query");
    assertThat(alone.detail()).contains("Authorization: Bearer").doesNotContain(key);
    assertThat(alone.headers().contains("WWW-Authenticate")).isTrue();
    Refusal beside = refused(guard, TestRequest.of("GET", target).bearer(key));
    assertThat(beside.status()).isEqualTo(400);
    assertThat(beside.reason()).isEqualTo("credential-in-query");
  }

  @Test
  void otherParametersAreNoCredentials() {
    admitted(guard, TestRequest.of("GET", "/api/tags?monkey=1&keys=2&x=key&%zz=1&%6").bearer(key));
  }

  @Test
  void anOversizedCredentialIsRefused() {
    Refusal refusal = refused(guard, chat().bearer("a".repeat(16 * 1024 + 1)));
    assertThat(refusal.status()).isEqualTo(400);
    assertThat(refusal.reason()).isEqualTo("credential-too-large");
    assertThat(refused(guard, chat().bearer("a".repeat(16 * 1024))).status()).isEqualTo(401);
  }

  @Test
  void otherHeadersAreReadOnlyWhereSwitchedOn() {
    assertThat(refused(guard, chat().header("x-goog-api-key", key)).status()).isEqualTo(401);
    assertThat(refused(guard, chat().header("api-key", key)).status()).isEqualTo(401);
    Guard both =
        guard(
            AuthenticationStage.builder()
                .authenticator(keys)
                .readGoogleApiKey()
                .readAzureApiKey()
                .build());
    admitted(both, chat().header("X-Goog-Api-Key", key));
    admitted(both, chat().header("Api-Key", key));
    assertThat(refused(both, chat().header("api-key", key).bearer("other")).status())
        .isEqualTo(400);
  }

  @Test
  void theMasterKeyIsAnyStringAndHasEveryScope() {
    Caller caller = caller(guard, chat().bearer(MASTER));
    assertThat(caller.kind()).isEqualTo(Caller.Kind.MASTER_KEY);
    assertThat(caller.scopes()).isEqualTo(EnumSet.allOf(Scope.class));
    assertThat(caller.toString()).doesNotContain(MASTER);
    // as a container that reads fields as ISO 8859-1 hands it over
    String asLatin1 =
        new String(
            MASTER.getBytes(java.nio.charset.StandardCharsets.UTF_8),
            java.nio.charset.StandardCharsets.ISO_8859_1);
    assertThat(caller(guard, chat().bearer(asLatin1))).isEqualTo(caller);
    for (String near :
        List.of(
            MASTER + "x",
            MASTER.substring(1),
            MASTER.substring(0, 3),
            "SK-" + MASTER.substring(3))) {
      assertThat(refused(guard, chat().bearer(near)).status()).isEqualTo(401);
    }
  }

  @Test
  void theMasterKeyWorksWhileTheKeysDoNot() {
    KeyLookup down = hash -> CompletableFuture.completedFuture(new KeyLookup.Answer.Unavailable());
    Guard degraded =
        guard(
            AuthenticationStage.builder()
                .authenticator(ApiKeyAuthenticator.builder().keys(down).masterKey(MASTER).build())
                .build());
    assertThat(caller(degraded, chat().bearer(MASTER)).kind()).isEqualTo(Caller.Kind.MASTER_KEY);
    Refusal refusal = refused(degraded, chat().bearer(key));
    assertThat(refusal.status()).isEqualTo(503);
    assertThat(refusal.headers().first("Retry-After")).isEqualTo("1");
  }

  @Test
  void aReplacedKeyWorksOverTheWholeGraceAndNotBeyond() {
    Duration grace = Duration.ofDays(7);
    IssuedKey next = issuer.rotate(issued.record().id(), grace);
    assertThat(next).isNotNull();
    String newKey = next == null ? "" : next.key().reveal();
    directory.refresh();
    for (int hour = 0; hour < 7 * 24; hour++) {
      assertThat(caller(guard, chat().bearer(key)).keyId()).isEqualTo(issued.record().id());
      admitted(guard, chat().bearer(newKey));
      time.advance(Duration.ofHours(1));
    }
    assertThat(refused(guard, chat().bearer(key)).status()).isEqualTo(401);
    admitted(guard, chat().bearer(newKey));
  }

  @Test
  void aReplacedKeyWorksToTheLastMillisecondOfItsGrace() {
    assertThat(issuer.rotate(issued.record().id(), Duration.ofMinutes(1))).isNotNull();
    directory.refresh();
    time.advance(Duration.ofMillis(59_999));
    admitted(guard, chat().bearer(key));
    time.advance(Duration.ofMillis(1));
    assertThat(refused(guard, chat().bearer(key)).status()).isEqualTo(401);
  }

  @Test
  void revokingEndsTheReplacedKeyToo() {
    assertThat(issuer.rotate(issued.record().id(), Duration.ofDays(1))).isNotNull();
    store.revoke(issued.record().id());
    directory.refresh();
    assertThat(refused(guard, chat().bearer(key)).status()).isEqualTo(401);
  }

  @Test
  void expiryIsLookedAtDuringTheCall() {
    IssuedKey brief = issuer.issue("brief", k -> k.expiresAt(time.now().plusSeconds(60)));
    directory.refresh();
    time.advance(Duration.ofMillis(59_999));
    admitted(guard, chat().bearer(brief.key().reveal()));
    time.advance(Duration.ofMillis(1));
    assertThat(refused(guard, chat().bearer(brief.key().reveal())).status()).isEqualTo(401);
  }

  @Test
  void aKeyWithNetworksIsGoodFromThereOnly() {
    IssuedKey bound =
        issuer.issue("bound", k -> k.networks(List.of("10.0.1.0/24", "2001:db8::/32")));
    directory.refresh();
    String secret = bound.key().reveal();
    admitted(guard, chat().bearer(secret).peer("10.0.1.5"));
    admitted(guard, chat().bearer(secret).peer("2001:db8::1"));
    Refusal elsewhere = refused(guard, chat().bearer(secret).peer("10.0.2.5"));
    Refusal wrong = refused(guard, chat().bearer("sk-wrong").peer("10.0.2.5"));
    assertThat(elsewhere.detail()).isEqualTo(wrong.detail());
    assertThat(elsewhere.status()).isEqualTo(401);
    // a header that anybody can send does not move the caller
    assertThat(
            refused(
                    guard,
                    chat().bearer(secret).peer("10.0.2.5").header("X-Forwarded-For", "10.0.1.5"))
                .status())
        .isEqualTo(401);
  }

  @Test
  void anAnswerThatComesLaterDecidesLater() {
    CompletableFuture<KeyLookup.Answer> later = new CompletableFuture<>();
    Guard slow =
        guard(
            AuthenticationStage.builder()
                .authenticator(ApiKeyAuthenticator.builder().keys(hash -> later).time(time).build())
                .build());
    CompletableFuture<Decision> decision = slow.admit(chat().bearer(key)).toCompletableFuture();
    assertThat(decision).isNotDone();
    later.complete(new KeyLookup.Answer.Found(issued.record()));
    assertThat(decision.join()).isInstanceOf(Decision.Admit.class);
  }

  @Test
  void aLookUpThatBreaksOpensNothing() {
    Guard broken =
        guard(
            AuthenticationStage.builder()
                .authenticator(
                    ApiKeyAuthenticator.builder()
                        .keys(
                            hash ->
                                CompletableFuture.failedFuture(
                                    new IllegalStateException("no such table")))
                        .build())
                .build());
    assertThat(refused(broken, chat().bearer(key)).status()).isEqualTo(500);
  }

  @Test
  void noSecretReachesALogWhateverGoesWrong() {
    Logger logger = (Logger) LoggerFactory.getLogger("io.llmguard");
    Level before = logger.getLevel();
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    logger.addAppender(lines);
    logger.setLevel(Level.TRACE);
    try {
      String wrong = ApiKey.generate(new SecureRandom()).reveal();
      store.block(issued.record().id());
      directory.refresh();
      KeyLookup breaks =
          hash -> CompletableFuture.failedFuture(new IllegalStateException("at " + hash.hex()));
      Guard broken =
          guard(
              AuthenticationStage.builder()
                  .authenticator(
                      ApiKeyAuthenticator.builder().keys(breaks).masterKey(MASTER).build())
                  .build());
      for (Guard each : List.of(guard, broken)) {
        for (String secret : List.of(key, wrong, MASTER, "head.er.secret-token")) {
          assertThat(Verdicts.decision(each, chat().bearer(secret)).toString())
              .doesNotContain(secret);
          assertThat(
                  Verdicts.decision(each, chat().bearer(secret).header("X-Api-Key", "other"))
                      .toString())
              .doesNotContain(secret);
          assertThat(
                  Verdicts.decision(each, TestRequest.of("GET", "/?key=" + secret.substring(0, 12)))
                      .toString())
              .doesNotContain(secret.substring(0, 12));
        }
      }
      assertThat(lines.list).isNotEmpty();
      for (ILoggingEvent line : lines.list) {
        assertThat(line.getFormattedMessage())
            .doesNotContain(key, wrong, MASTER, "secret-token")
            .doesNotContain(KeyHash.of(wrong).hex());
      }
    } finally {
      logger.setLevel(before);
      logger.detachAppender(lines);
    }
  }

  @Test
  void aChallengeCannotBeBrokenOutOf() {
    assertThat(
            new BearerChallenge("a\"b\\c", "invalid_token", "say \"no\"\r\nSet-Cookie: x=é")
                .value())
        .isEqualTo(
            "Bearer realm=\"a\\\"b\\\\c\", error=\"invalid_token\","
                + " error_description=\"say \\\"no\\\"??Set-Cookie: x=?\"");
  }
}
