package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.TimeSource;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.audit.AuditVerifier;
import io.llmguard.audit.JsonLinesAuditSink;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.NetworkStage;
import io.llmguard.network.TransportStage;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.testkit.RawHttp;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.web.server.WebHandler;

/** Each guard as a filter of its own, over a key store in SQLite. */
@Tag("server")
class WebFiltersTest extends ChainTestBase {
  private static final WebHandler OK = exchange -> answer(exchange, "ok");
  private static final EndpointCatalogue ENDPOINTS = EndpointCatalogue.standard();

  @TempDir private Path folder = Path.of("");

  private static RawHttp.Head get(RawHttp client, String target, String... headers)
      throws Exception {
    client.get(target, headers);
    RawHttp.Head head = client.readHead();
    client.readBody();
    return head;
  }

  private static CallerRateLimitStage limit(InMemoryRateLimitStore counters, RateLimit limit) {
    return new CallerRateLimitStage(counters, new LimitSet(limit, null, null, Map.of()));
  }

  @Test
  void filtersOfOneChainGuardTogetherAndWriteOneLineForEachCall() throws Exception {
    Path trail = folder.resolve("audit.jsonl");
    RateLimit two = new RateLimit(2, Duration.ofHours(1), 1);
    RateLimit many = new RateLimit(1000, Duration.ofSeconds(1), 1000);
    try (SqliteDataSource database = SqliteDataSource.open(folder.resolve("keys.db"));
        InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system())) {
      JdbcKeyStore store = new JdbcKeyStore(database);
      String key = new KeyIssuer(store, TimeSource.system()).issue("ada", r -> r).key().reveal();
      String line = "Authorization: Bearer " + key;
      try (KeyDirectory keys = KeyDirectory.builder(store).open();
          AuditQueue queue = AuditQueue.to(JsonLinesAuditSink.builder(trail).open()).build()) {
        start(
            OK,
            new AuditWebFilter(new AuditStage(queue)),
            new TransportWebFilter(TransportStage.builder().hosts(List.of("localhost")).build()),
            new NetworkWebFilter(new NetworkStage(CidrSet.LOOPBACK, CidrSet.NONE)),
            new AddressRateLimitWebFilter(new AddressRateLimitStage(counters, many)),
            new ApiKeyWebFilter(ApiKeyAuthenticator.builder().keys(keys).build()),
            new EndpointPolicyWebFilter(ENDPOINTS),
            new RateLimitWebFilter(limit(counters, two)),
            new ConcurrencyWebFilter(new ConcurrencyStage(2, 100)),
            new BodyPolicyWebFilter(ENDPOINTS, BodyPolicy.builder().maxBody(1000).build()));
        try (RawHttp client = connect()) {
          assertThat(get(client, "/api/version", line).status()).isEqualTo(200);
          assertThat(get(client, "/api/version").status()).isEqualTo(401);
          assertThat(get(client, "/nowhere", line).status()).isEqualTo(404);
          assertThat(get(client, "/api/version", line, "Host: rebind.example").status())
              .isIn(400, 421);
          client.post("/api/chat", "{\"model\":\"a\",\"model\":\"b\"}", line);
          assertThat(client.readHead().status()).isEqualTo(400);
          client.readBody();
          assertThat(get(client, "/api/version", line).status()).isEqualTo(200);
          RawHttp.Head limited = get(client, "/api/version", line);
          assertThat(limited.status()).isEqualTo(429);
          assertThat(limited.header("Retry-After")).isPresent();
        }
        stop();
      }
    }
    List<String> lines = Files.readAllLines(trail);
    assertThat(lines).hasSize(7);
    assertThat(lines.get(0)).contains("\"outcome\":\"completed\"", "\"caller\":\"ada\"");
    assertThat(lines.get(1)).contains("\"outcome\":\"refused:no-credential\"");
    assertThat(AuditVerifier.verify(trail).intact()).isTrue();
  }

  @Test
  void anAddressBehindATrustedProxyIsJudged() throws Exception {
    CidrSet loopback = CidrSet.LOOPBACK;
    start(
        OK,
        new NetworkWebFilter(
            new NetworkStage(CidrSet.ALL, CidrSet.of("10.0.0.0/8")),
            ClientAddressResolver.behind(loopback)));
    try (RawHttp client = connect()) {
      assertThat(get(client, "/", "X-Forwarded-For: 203.0.113.7").status()).isEqualTo(200);
      assertThat(get(client, "/", "X-Forwarded-For: 10.1.2.3").status()).isEqualTo(403);
    }
  }
}
