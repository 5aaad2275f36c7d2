package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.validate.Validation;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a reverse proxy is told that asks at {@code /validate} whether a call may pass. */
public abstract class ValidationContract {
  private static final EndpointCatalogue ENDPOINTS = EndpointCatalogue.standard();
  private static final RateLimit FOUR = new RateLimit(1, Duration.ofHours(1), 3);

  private final MemoryKeyStore store = new MemoryKeyStore();
  private final InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system());
  private final Reports<String> ended = new Reports<>();
  private String line = "";
  private KeyDirectory keys;
  private Guard calls;
  private Guard callers;
  private HttpContract.@Nullable Server server;

  /** Starts a server that answers at {@code /validate} and below. */
  protected abstract HttpContract.Server start(Validation validation) throws Exception;

  @BeforeEach
  void prepare() {
    String key = new KeyIssuer(store, TimeSource.system()).issue("ada", r -> r).key().reveal();
    line = "Authorization: Bearer " + key;
    keys = KeyDirectory.builder(store).open();
    calls = guard(true);
    callers = guard(false);
  }

  @AfterEach
  void stop() throws Exception {
    if (server != null) {
      server.close();
    }
    calls.close();
    callers.close();
    keys.close();
    counters.close();
  }

  private Guard guard(boolean endpoints) {
    StandardGuard.Builder guard =
        StandardGuard.builder()
            .stage(Place.OBSERVE, new EndObserver(this::ended))
            .stage(
                Place.AUTHENTICATION,
                AuthenticationStage.builder()
                    .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
                    .build())
            .stage(
                Place.CALLER_LIMIT,
                new CallerRateLimitStage(counters, new LimitSet(FOUR, null, null, Map.of())));
    if (endpoints) {
      guard.stage(Place.ENDPOINT, new EndpointStage(ENDPOINTS));
    }
    return guard.build();
  }

  private void ended(Exchange exchange, Outcome outcome) {
    ended.add(exchange.status() + " " + outcome.word());
  }

  private RawHttp client(CidrSet trusted) throws Exception {
    HttpContract.Server started =
        start(new Validation(calls, callers, ClientAddressResolver.behind(trusted), ENDPOINTS));
    server = started;
    return RawHttp.connect(started.port());
  }

  private RawHttp.Head askAt(RawHttp client, String method, String target, String... headers)
      throws Exception {
    client.request(method, target, null, headers);
    RawHttp.Head head = client.readHead();
    client.readBody();
    return head;
  }

  private RawHttp.Head ask(RawHttp client, String... headers) throws Exception {
    return askAt(client, "GET", "/validate", headers);
  }

  private void assertEnded(String word) throws InterruptedException {
    assertThat(ended.next()).isEqualTo(word);
  }

  @Test
  void whoMayPassIsNamed() throws Exception {
    try (RawHttp client = client(CidrSet.LOOPBACK)) {
      RawHttp.Head yes = ask(client, line);
      assertThat(yes.status()).isEqualTo(204);
      assertThat(yes.header("X-Llmguard-Caller")).hasValue("ada");
      assertThat(yes.header("X-Llmguard-Key-Id")).hasValue(store.list().get(0).id());
      assertThat(yes.header("X-Llmguard-Scopes")).hasValue("embeddings inference models:read");
      assertEnded("204 completed");
      RawHttp.Head no = ask(client);
      assertThat(no.status()).isEqualTo(401);
      assertThat(no.header("WWW-Authenticate")).isPresent();
      assertThat(no.header("X-Llmguard-Caller")).isEmpty();
    }
  }

  @Test
  void nginxIsToldInTheTwoStatusesThatItPassesOn() throws Exception {
    try (RawHttp client = client(CidrSet.LOOPBACK)) {
      String chat = "X-Original-URI: /api/chat";
      assertThat(ask(client, line, chat).status()).isEqualTo(204);
      RawHttp.Head unknown = ask(client, line, "X-Original-URI: /slots?all=1");
      assertThat(unknown.status()).isEqualTo(403);
      assertThat(unknown.header("X-Llmguard-Status")).hasValue("404");
      assertThat(unknown.header("X-Llmguard-Reason")).hasValue("unknown-path");
      assertThat(ask(client, line, chat, "X-Original-Method: DELETE").header("X-Llmguard-Status"))
          .hasValue("405");
      for (int i = 0; i < 3; i++) {
        assertThat(ask(client, line, chat, "X-Original-Method: POST").status()).isEqualTo(204);
      }
      RawHttp.Head limited = ask(client, line, chat);
      assertThat(limited.status()).isEqualTo(403);
      assertThat(limited.header("X-Llmguard-Status")).hasValue("429");
      assertThat(Integer.parseInt(limited.header("Retry-After").orElse("0"))).isPositive();
      assertThat(ask(client, chat).status()).isEqualTo(401);
    }
  }

  @Test
  void traefikAndCaddyAreToldTheStatusItself() throws Exception {
    try (RawHttp client = client(CidrSet.LOOPBACK)) {
      String chat = "X-Forwarded-Uri: /api/chat";
      assertThat(ask(client, line, "X-Forwarded-Uri: /slots").status()).isEqualTo(404);
      assertThat(ask(client, line, chat, "X-Forwarded-Method: GET").status()).isEqualTo(405);
      for (int i = 0; i < 4; i++) {
        assertThat(ask(client, line, chat, "X-Forwarded-Method: POST").status()).isEqualTo(204);
      }
      RawHttp.Head limited = ask(client, line, chat);
      assertThat(limited.status()).isEqualTo(429);
      assertThat(limited.header("X-Llmguard-Status")).hasValue("429");
      assertThat(limited.header("Retry-After")).isPresent();
    }
  }

  @Test
  void envoyNamesTheCallByItsOwnMethodAndPath() throws Exception {
    // and it is no proxy whose word has to be taken
    try (RawHttp client = client(CidrSet.NONE)) {
      RawHttp.Head yes = askAt(client, "GET", "/validate/api/tags?x=1", line);
      assertThat(yes.status()).isEqualTo(200);
      assertThat(yes.header("X-Llmguard-Caller")).hasValue("ada");
      assertEnded("200 completed");
      assertThat(askAt(client, "POST", "/validate/api/chat", line).status()).isEqualTo(200);
      assertThat(askAt(client, "GET", "/validate/api/chat", line).status()).isEqualTo(405);
      assertThat(askAt(client, "POST", "/validate/slots", line).status()).isEqualTo(404);
      assertThat(askAt(client, "POST", "/validate/api/pull", line).status()).isEqualTo(403);
      assertThat(askAt(client, "POST", "/validate/api/%70ull", line).status()).isEqualTo(403);
      assertThat(askAt(client, "POST", "/validate/api/chat").status()).isEqualTo(401);
    }
  }

  @Test
  void aClientDoesNotChooseWhichCallIsJudged() throws Exception {
    String[][] conflicts = {
      // Traefik's and Caddy's own field, and what the client sent
      {"X-Forwarded-Uri: /api/pull", "X-Original-URI: /api/version"},
      // nginx's own field, and what the client sent
      {"X-Original-URI: /api/pull", "X-Forwarded-Uri: /api/version"},
      {"X-Original-URI: /api/version", "X-Original-URI: /api/pull"},
      {
        "X-Original-URI: /api/tags",
        "X-Forwarded-Uri: /api/tags",
        "X-Original-Method: GET",
        "X-Forwarded-Method: POST"
      },
    };
    try (RawHttp client = client(CidrSet.LOOPBACK)) {
      for (String[] fields : conflicts) {
        String[] all = java.util.Arrays.copyOf(fields, fields.length + 1);
        all[fields.length] = line;
        RawHttp.Head no = ask(client, all);
        assertThat(no.status()).isEqualTo(403);
        assertThat(no.header("X-Llmguard-Status")).hasValue("400");
        assertThat(no.header("X-Llmguard-Reason")).hasValue("call-conflict");
        assertEnded("400 refused:call-conflict");
      }
      RawHttp.Head no =
          askAt(client, "POST", "/validate/api/pull", line, "X-Original-URI: /api/version");
      assertThat(no.header("X-Llmguard-Reason")).hasValue("call-conflict");
      RawHttp.Head third =
          askAt(
              client,
              "POST",
              "/validate/api/tags",
              line,
              "X-Original-URI: /api/tags",
              "X-Forwarded-Uri: /api/tags",
              "X-Forwarded-Method: GET");
      assertThat(third.header("X-Llmguard-Reason")).hasValue("call-conflict");
      // the same call in both ways is no conflict, and only that call is judged
      String pull = "X-Forwarded-Uri: /api/pull";
      assertThat(ask(client, line, pull, "X-Original-URI: /api/pull").status()).isEqualTo(403);
    }
  }

  @Test
  void whatAnUntrustedPeerNamesIsNotJudged() throws Exception {
    try (RawHttp client = client(CidrSet.NONE)) {
      assertThat(ask(client, line, "X-Original-URI: /slots").status()).isEqualTo(204);
      assertThat(ask(client, line, "X-Forwarded-Uri: /slots").status()).isEqualTo(204);
      assertThat(ask(client, "X-Forwarded-Uri: /slots").status()).isEqualTo(401);
    }
  }
}
