package io.llmguard.servlet;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.TimeSource;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditVerifier;
import io.llmguard.audit.JsonLinesAuditSink;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyHash;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.network.CidrSet;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.TestAuthority;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each guard as a filter of its own, registered in code and by init-params. */
@Tag("container")
class FiltersTest extends ChainTestBase {
  private static final Work OK = (request, response) -> response.getOutputStream().print("ok");

  @TempDir private Path folder = Path.of("");

  private static void add(
      ServletContext context, Class<? extends Filter> type, Map<String, String> params) {
    FilterRegistration.Dynamic registration = context.addFilter(type.getSimpleName(), type);
    params.forEach(registration::setInitParameter);
    registration.setAsyncSupported(true);
    registration.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), true, "/*");
  }

  private int status(RawHttp client, String target, String... headers) throws Exception {
    client.get(target, headers);
    int status = client.readHead().status();
    client.readBody();
    return status;
  }

  @Test
  void filtersOfOneChainShareWhatTheyFindAndEndTogether() throws Exception {
    MemoryKeyStore store = new MemoryKeyStore();
    String key = new KeyIssuer(store, TimeSource.system()).issue("ada", r -> r).key().reveal();
    try (KeyDirectory keys = KeyDirectory.builder(store).open();
        InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system())) {
      RateLimit one = new RateLimit(1, Duration.ofHours(1), 0);
      start(
          context -> {
            map(context, "observer", new GuardFilter(observed()));
            map(
                context,
                "keys",
                new ApiKeyFilter(ApiKeyAuthenticator.builder().keys(keys).build()));
            map(
                context,
                "limit",
                new RateLimitFilter(
                    new CallerRateLimitStage(counters, new LimitSet(one, null, null, Map.of()))));
          },
          OK);
      try (RawHttp client = connect()) {
        assertThat(status(client, "/", "X-Api-Key: " + key)).isEqualTo(200);
        Ended first = nextEnded();
        assertThat(first.outcome().word()).isEqualTo("completed");
        assertThat(String.valueOf(first.exchange().caller())).contains("API_KEY");
        assertThat(first.exchange().responseBytes()).isEqualTo(2);

        client.get("/", "X-Api-Key: " + key);
        RawHttp.Head limited = client.readHead();
        assertThat(limited.status()).isEqualTo(429);
        assertThat(limited.header("Retry-After")).isPresent();
        client.readBody();
        assertThat(nextEnded().outcome().word()).startsWith("refused:");

        assertThat(status(client, "/")).isEqualTo(401);
        assertThat(nextEnded().outcome().word()).isEqualTo("refused:no-credential");
        assertThat(nothingElseEnded()).isTrue();
      }
    }
  }

  /** The application's own, around the limiter: whatever is thrown below, it carries on. */
  private static Filter carryingOn(AtomicInteger caught) {
    return (request, response, chain) -> {
      try {
        chain.doFilter(request, response);
      } catch (Exception | Error e) {
        caught.incrementAndGet();
        response.getOutputStream().print("carried on");
      }
    };
  }

  /** lollms_hub raises its 429 where everything is caught: here a refusal is a value. */
  @Test
  void lessonTheLimiterStandsInACatchOfEverythingAndNeverRejects() throws Exception {
    RateLimit two = new RateLimit(2, Duration.ofHours(1), 1);
    AtomicInteger caught = new AtomicInteger();
    AtomicInteger worked = new AtomicInteger();
    try (InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system())) {
      start(
          context -> {
            map(context, "outside", carryingOn(caught));
            map(
                context,
                "limit",
                new AddressRateLimitFilter(new AddressRateLimitStage(counters, two)));
            map(context, "inside", carryingOn(caught));
          },
          (request, response) -> {
            worked.incrementAndGet();
            throw new IllegalStateException("the application's own");
          });
      try (RawHttp client = connect()) {
        assertThat(status(client, "/")).isEqualTo(200);
        assertThat(status(client, "/")).isEqualTo(200);
        for (int i = 0; i < 3; i++) {
          assertThat(status(client, "/")).isEqualTo(429);
        }
      }
      assertThat(worked).hasValue(2);
      // its own failures only: the limiter threw nothing that could be caught
      assertThat(caught).hasValue(2);
    }
  }

  private Guard observed() {
    return StandardGuard.builder().stage(StandardGuard.Place.OBSERVE, observer()).build();
  }

  @Test
  void aWholeChainFromInitParamsGuardsAndWritesOneLineForEachCall() throws Exception {
    Path database = folder.resolve("keys.db");
    String key;
    try (SqliteDataSource source = SqliteDataSource.open(database)) {
      key =
          new KeyIssuer(new JdbcKeyStore(source), TimeSource.system())
              .issue("ada", r -> r)
              .key()
              .reveal();
    }
    Path trail = folder.resolve("audit.jsonl");
    start(
        context -> {
          add(context, AuditFilter.class, Map.of("file", trail.toString()));
          add(context, TransportFilter.class, Map.of("hosts", "localhost, api.example"));
          add(context, NetworkFilter.class, Map.of("allow", "127.0.0.0/8, ::1"));
          add(context, AddressRateLimitFilter.class, Map.of("limit", "100 per 1m burst 50"));
          add(context, ApiKeyFilter.class, Map.of("database", database.toString()));
          add(context, EndpointPolicyFilter.class, Map.of());
          add(context, RateLimitFilter.class, Map.of("limit", "10 per 1m burst 1"));
          add(context, ConcurrencyFilter.class, Map.of("per-caller", "2", "in-all", "100"));
          add(context, BodyPolicyFilter.class, Map.of("max-body", "1000"));
        },
        OK);
    try (RawHttp client = connect()) {
      String line = "Authorization: Bearer " + key;
      assertThat(status(client, "/api/version", line)).isEqualTo(200);
      assertThat(status(client, "/api/version")).isEqualTo(401);
      assertThat(status(client, "/nowhere", line)).isEqualTo(404);
      client.post("/api/chat", "{\"model\":\"a\",\"model\":\"b\"}", line);
      assertThat(client.readHead().status()).isEqualTo(400);
    }
    try (RawHttp client = connect()) {
      client.post("/api/chat", "{\"model\":\"a\"}", "Authorization: Bearer " + key);
      assertThat(client.readHead().status()).isEqualTo(200);
    }
    try (RawHttp client = connect()) {
      client.post("/api/chat", "{\"model\":\"a\"}", "Authorization: Bearer " + key);
      assertThat(client.readHead().status()).isEqualTo(429);
    }
    stop();
    List<String> lines = Files.readAllLines(trail);
    assertThat(lines).hasSize(6);
    assertThat(lines.get(0)).contains("\"outcome\":\"completed\"", "\"caller\":\"ada\"");
    assertThat(lines.get(1)).contains("\"outcome\":\"refused:no-credential\"");
    assertThat(lines.get(4)).contains("\"model\":\"a\"", "\"status\":200");
    assertThat(AuditVerifier.verify(trail).intact()).isTrue();
  }

  @Test
  void theWholeGuardComesFromInitParamsToo() throws Exception {
    Path database = folder.resolve("keys.db");
    String key;
    try (SqliteDataSource source = SqliteDataSource.open(database)) {
      key =
          new KeyIssuer(new JdbcKeyStore(source), TimeSource.system())
              .issue("ada", r -> r)
              .key()
              .reveal();
    }
    start(
        context ->
            add(
                context,
                LlmGuardFilter.class,
                Map.of(
                    "database",
                    database.toString(),
                    "per-key",
                    "10 per 1m",
                    "allow",
                    "127.0.0.1/32",
                    "body-deadline",
                    "5s")),
        OK);
    try (RawHttp client = connect()) {
      assertThat(status(client, "/api/version", "X-Api-Key: " + key)).isEqualTo(200);
      assertThat(status(client, "/api/version", "X-Api-Key: " + key)).isEqualTo(429);
      assertThat(status(client, "/api/version")).isEqualTo(401);
    }
  }

  @Test
  void tokensModelsAndCeilingsAreLimitedByInitParamsToo() throws Exception {
    Path database = folder.resolve("keys.db");
    String key;
    try (SqliteDataSource source = SqliteDataSource.open(database)) {
      key =
          new KeyIssuer(new JdbcKeyStore(source), TimeSource.system())
              .issue("ada", r -> r)
              .key()
              .reveal();
    }
    Map<String, String> params =
        Map.of(
            "database", database.toString(),
            "tokens-per-key", "2000 per 1h",
            "per-model", "llama3:* = 1 per 1h; * = 100 per 1h burst 99",
            "ceiling-mode", "refuse",
            "ceiling-output-tokens", "100",
            "ceiling-keep-alive", "5m",
            "ceiling-choices", "1");
    start(context -> add(context, LlmGuardFilter.class, params), OK);
    try (RawHttp client = connect()) {
      String line = "X-Api-Key: " + key;
      String llama = "{\"model\":\"llama3:8b\",\"messages\":[]}";
      assertThat(chat(client, llama, line).status()).isEqualTo(200);
      RawHttp.Head limited = chat(client, llama, line);
      assertThat(limited.status()).isEqualTo(429);
      assertThat(limited.headerValues("RateLimit-Policy"))
          .anyMatch(policy -> policy.startsWith("\"per-model\""));
      String above = "{\"model\":\"m\",\"messages\":[],\"options\":{\"num_predict\":101}}";
      assertThat(chat(client, above, line).status()).isEqualTo(403);
      String pinned = "{\"model\":\"m\",\"messages\":[],\"keep_alive\":-1}";
      assertThat(chat(client, pinned, line).status()).isEqualTo(403);
      String large =
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\""
              + "word ".repeat(1_000)
              + "\"}]}";
      assertThat(chat(client, large, line).status()).isEqualTo(200);
      RawHttp.Head spent = chat(client, large, line);
      assertThat(spent.status()).isEqualTo(429);
      assertThat(spent.headerValues("RateLimit-Policy"))
          .anyMatch(policy -> policy.startsWith("\"tokens-per-key\""));
    }
  }

  private static RawHttp.Head chat(RawHttp client, String body, String... headers)
      throws Exception {
    client.post("/api/chat", body, headers);
    RawHttp.Head head = client.readHead();
    client.readBody();
    return head;
  }

  @Test
  void anAddressBehindATrustedProxyIsFoundOnceForAllFilters() throws Exception {
    start(
        context -> {
          map(context, "observer", new GuardFilter(observed()));
          add(
              context,
              AddressRateLimitFilter.class,
              Map.of("limit", "1 per 1h", "trusted-proxies", "127.0.0.1"));
          add(context, NetworkFilter.class, Map.of("deny", "10.0.0.0/8"));
        },
        OK);
    try (RawHttp client = connect()) {
      assertThat(status(client, "/", "X-Forwarded-For: 203.0.113.7")).isEqualTo(200);
      assertThat(nextEnded().exchange().clientAddress().getHostAddress()).isEqualTo("203.0.113.7");
      assertThat(status(client, "/", "X-Forwarded-For: 203.0.113.7")).isEqualTo(429);
      assertThat(status(client, "/", "X-Forwarded-For: 10.1.2.3")).isEqualTo(403);
    }
  }

  private void assertRefusesToStart(
      Class<? extends Filter> type, Map<String, String> params, String... said) {
    assertThatThrownBy(() -> start(context -> add(context, type, params), OK))
        .satisfies(
            e ->
                assertThat(messages(e))
                    .as(type.getSimpleName() + params)
                    .anySatisfy(
                        message ->
                            assertThat(message)
                                .startsWith("filter " + type.getSimpleName() + ": ")
                                .contains(said)));
  }

  private static List<String> messages(Throwable e) {
    return Stream.iterate(e, Objects::nonNull, Throwable::getCause)
        .map(cause -> String.valueOf(cause.getMessage()))
        .toList();
  }

  @Test
  void aWrongInitParamRefusesToStartAndIsNamedWithItsFilter() {
    assertRefusesToStart(
        NetworkFilter.class, Map.of("allow", "10.0.0.0/99"), "allow", "10.0.0.0/99");
    assertRefusesToStart(NetworkFilter.class, Map.of(), "allow", "deny", "missing");
    assertRefusesToStart(
        NetworkFilter.class, Map.of("alow", "10.0.0.0/8", "deny", "::1"), "alow", "no such");
    assertRefusesToStart(
        AddressRateLimitFilter.class, Map.of("trusted-proxies", "me"), "trusted-proxies", "me");
    assertRefusesToStart(RateLimitFilter.class, Map.of("limit", "fast"), "limit", "fast");
    assertRefusesToStart(RateLimitFilter.class, Map.of("limit", "0 per 1m"), "limit", "amount");
    assertRefusesToStart(RateLimitFilter.class, Map.of("limit", "1 per moon"), "limit", "moon");
    assertRefusesToStart(ApiKeyFilter.class, Map.of(), "database", "missing");
    assertRefusesToStart(
        ApiKeyFilter.class, Map.of("database", "/no/such/folder/keys.db"), "database", "/no/such");
    assertRefusesToStart(
        ApiKeyFilter.class,
        Map.of("master-key-variable", "LLMGUARD_NO_SUCH_VARIABLE"),
        "master-key-variable",
        "LLMGUARD_NO_SUCH_VARIABLE");
    assertRefusesToStart(
        TransportFilter.class, Map.of("plain-http", "maybe"), "plain-http", "maybe", "redirect");
    assertRefusesToStart(
        TransportFilter.class, Map.of("plain-http", "redirect"), "hosts", "redirecting");
    assertRefusesToStart(TransportFilter.class, Map.of("redirect-port", "0"), "redirect-port");
    assertRefusesToStart(ConcurrencyFilter.class, Map.of("in-all", "0"), "in-all", "0");
    assertRefusesToStart(ConcurrencyFilter.class, Map.of(), "per-caller", "missing");
    assertRefusesToStart(JwtFilter.class, Map.of("issuer", "https://i"), "audience", "missing");
    assertRefusesToStart(
        JwtFilter.class,
        Map.of("issuer", "https://i", "audience", "a", "jwks", "https://i/k", "algorithms", "none"),
        "algorithms",
        "none");
    assertRefusesToStart(
        ClientCertificateFilter.class, Map.of(), "subjects", "names", "fingerprints");
    assertRefusesToStart(
        ClientCertificateFilter.class, Map.of("subjects", "nobody"), "subjects", "nobody");
    assertRefusesToStart(
        ClientCertificateFilter.class,
        Map.of("names", "a.example", "source", "nginx"),
        "source",
        "proxies");
    assertRefusesToStart(
        ClientCertificateFilter.class,
        Map.of("names", "a.example", "scopes", "everything"),
        "scopes",
        "everything");
    assertRefusesToStart(AuditFilter.class, Map.of(), "file", "missing");
    assertRefusesToStart(
        EndpointPolicyFilter.class, Map.of("async-dispatch", "si"), "async-dispatch", "si");
    assertRefusesToStart(
        BodyPolicyFilter.class, Map.of("body-deadline", "soon"), "body-deadline", "soon");
    assertRefusesToStart(
        BodyPolicyFilter.class, Map.of("body-deadline", "0s"), "body-deadline", "1 ms");
    assertRefusesToStart(BodyPolicyFilter.class, Map.of("max-body", "much"), "max-body", "much");
    assertRefusesToStart(BodyPolicyFilter.class, Map.of("max-form", "0"), "max-form", "0");
    assertRefusesToStart(
        BodyPolicyFilter.class, Map.of("form-directory", "/no/such"), "form-directory", "/no/such");
    assertRefusesToStart(
        BodyPolicyFilter.class, Map.of("ceiling-mode", "soft"), "ceiling-mode", "refuse");
    assertRefusesToStart(
        BodyPolicyFilter.class, Map.of("ceiling-choices", "0"), "ceiling-choices", "0");
    assertRefusesToStart(
        LlmGuardFilter.class, Map.of("tokens-per-key", "few"), "tokens-per-key", "few");
    assertRefusesToStart(LlmGuardFilter.class, Map.of("per-model", "a"), "per-model", "'a'");
    assertRefusesToStart(
        LlmGuardFilter.class,
        Map.of("per-model", "a = 1 per 1m; a = 2 per 1m"),
        "per-model",
        "two limits");
    assertRefusesToStart(LlmGuardFilter.class, Map.of(), "database", "nobody could call");
    assertRefusesToStart(LlmGuardFilter.class, Map.of("jwks", "https://i/k"), "issuer", "missing");
    assertRefusesToStart(
        LlmGuardFilter.class,
        Map.of("certificate-source", "nginx", "master-key-variable", "PATH"),
        "certificate-subjects",
        "missing");
  }

  @Test
  void whatRefusesToStartLeavesItsAuditFileToTheNextStart() throws Exception {
    Path trail = folder.resolve("audit.jsonl");
    Map<String, String> params =
        Map.of("audit-file", trail.toString(), "master-key-variable", "PATH");
    Map<String, String> wrong = new HashMap<>(params);
    wrong.put("max-body", "much");
    assertRefusesToStart(LlmGuardFilter.class, wrong, "max-body", "much");
    start(context -> add(context, LlmGuardFilter.class, params), OK);
    try (RawHttp client = connect()) {
      assertThat(status(client, "/api/version")).isEqualTo(401);
    }
    stop();
    assertThat(Files.readAllLines(trail)).hasSize(1);
  }

  @Test
  void aFilterMadeInCodeTakesOnlyTheParametersOfEveryFilter() {
    assertThatThrownBy(
            () ->
                start(
                    context ->
                        map(context, "made", new GuardFilter(observed()))
                            .setInitParameter("limit", "1 per 1m"),
                    OK))
        .satisfies(
            e ->
                assertThat(messages(e))
                    .anySatisfy(m -> assertThat(m).contains("made", "limit", "no such")));
  }

  @Test
  void theWholeGuardIsBuiltInCodeToo() throws Exception {
    MemoryKeyStore store = new MemoryKeyStore();
    String key = new KeyIssuer(store, TimeSource.system()).issue("ada", r -> r).key().reveal();
    Path trail = folder.resolve("audit.jsonl");
    try (KeyDirectory keys = KeyDirectory.builder(store).open()) {
      start(
          context ->
              LlmGuardFilter.builder()
                  .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
                  .perCaller(new RateLimit(1, Duration.ofHours(1), 1))
                  .network(CidrSet.LOOPBACK, CidrSet.NONE)
                  .concurrency(1, 2)
                  .bodies(BodyPolicy.builder().maxBody(100).build())
                  .audit(AuditQueue.to(JsonLinesAuditSink.builder(trail).open()).build())
                  .build()
                  .addTo(context, "llmguard", "/*"),
          OK);
      try (RawHttp client = connect()) {
        String line = "X-Api-Key: " + key;
        assertThat(status(client, "/api/version", line)).isEqualTo(200);
        assertThat(status(client, "/api/pull", line)).isEqualTo(405);
        assertThat(status(client, "/api/version")).isEqualTo(401);
        assertThat(status(client, "/api/version", line)).isEqualTo(200);
        assertThat(status(client, "/api/version", line)).isEqualTo(429);
      }
      stop();
    }
    // the queue was closed with the filter, and every line is there
    assertThat(Files.readAllLines(trail)).hasSize(5);
  }

  @Test
  void withoutAnAuthenticatorNothingIsBuilt() {
    assertThatThrownBy(() -> LlmGuardFilter.builder().build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("authenticator");
  }

  @Test
  void aTokenLetsItsHolderIn() throws Exception {
    RSAKey signer = new RSAKeyGenerator(2048).keyID("k1").generate();
    HttpServer issuer =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    issuer.createContext(
        "/jwks",
        exchange -> {
          byte[] jwks = new JWKSet(signer.toPublicJWK()).toString().getBytes(UTF_8);
          exchange.sendResponseHeaders(200, jwks.length);
          exchange.getResponseBody().write(jwks);
          exchange.close();
        });
    issuer.start();
    String address = "http://127.0.0.1:" + issuer.getAddress().getPort();
    try {
      start(
          context ->
              add(
                  context,
                  JwtFilter.class,
                  Map.of("issuer", address, "audience", "llm, other", "jwks", address + "/jwks")),
          (request, response) -> response.getOutputStream().print(request.getRemoteUser()));
      try (RawHttp client = connect()) {
        client.get("/", "Authorization: Bearer " + token(signer, address, "llm"));
        assertThat(client.readHead().status()).isEqualTo(200);
        assertThat(client.readText()).isEqualTo("ada");
        assertThat(status(client, "/", "Authorization: Bearer " + token(signer, address, "else")))
            .isEqualTo(401);
        assertThat(
                status(client, "/", "Authorization: Bearer " + token(signer, "https://x", "llm")))
            .isEqualTo(401);
        assertThat(status(client, "/")).isEqualTo(401);
      }
    } finally {
      issuer.stop(0);
    }
  }

  private static String token(RSAKey signer, String issuer, String audience) throws Exception {
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(signer.getKeyID()).build(),
            new JWTClaimsSet.Builder()
                .issuer(issuer)
                .subject("ada")
                .audience(audience)
                .expirationTime(Date.from(Instant.now().plusSeconds(60)))
                .build());
    token.sign(new RSASSASigner(signer));
    return token.serialize();
  }

  @Test
  void theCertificateThatTheContainerHasVerifiedLetsItsHolderIn() throws Exception {
    TestAuthority authority =
        new TestAuthority(folder)
            .issue("server", "CN=localhost")
            .issue("app", "CN=app,O=Example")
            .issue("stranger", "CN=stranger,O=Example");
    start(
        context ->
            add(
                context,
                ClientCertificateFilter.class,
                Map.of("subjects", "CN=other; CN=app,O=Example", "scopes", "embeddings")),
        (request, response) -> {
          assertThat(request.getAuthType()).isEqualTo("CLIENT_CERT");
          assertThat(request.isUserInRole("embeddings")).isTrue();
          assertThat(request.isUserInRole("inference")).isFalse();
          response.getOutputStream().print(request.getRemoteUser());
        },
        authority);
    try (RawHttp client = connect(authority.context("app"))) {
      client.get("/");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).isEqualTo("CN=app,O=Example");
      // a certificate does not make up for a bad key
      assertThat(status(client, "/", "X-Api-Key: sk-wrong")).isEqualTo(401);
    }
    try (RawHttp client = connect(authority.context("stranger"))) {
      assertThat(status(client, "/")).isEqualTo(401);
    }
    try (RawHttp client = connect(authority.context(""))) {
      assertThat(status(client, "/")).isEqualTo(401);
      // nobody here takes a certificate's word from a header
      assertThat(status(client, "/", "Client-Cert: :" + der(authority, "app") + ":"))
          .isEqualTo(401);
    }
  }

  @Test
  void aCertificateThatATrustedProxyHasVerifiedLetsItsHolderIn() throws Exception {
    TestAuthority authority = new TestAuthority(folder).issue("app", "CN=app");
    start(
        context ->
            add(
                context,
                ClientCertificateFilter.class,
                Map.of(
                    "fingerprints",
                    KeyHash.of(authority.certificate("app").getEncoded()).hex(),
                    "source",
                    "client-cert",
                    "trusted-proxies",
                    "127.0.0.1")),
        OK);
    try (RawHttp client = connect()) {
      assertThat(status(client, "/", "Client-Cert: :" + der(authority, "app") + ":"))
          .isEqualTo(200);
      assertThat(status(client, "/")).isEqualTo(401);
      assertThat(status(client, "/", "Client-Cert: nonsense")).isEqualTo(400);
    }
  }

  private static String der(TestAuthority authority, String alias) throws Exception {
    return Base64.getEncoder().encodeToString(authority.certificate(alias).getEncoded());
  }
}
