package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who and what is let in. */
public abstract class AdmissionContract extends HttpContract {
  private static final Recording VERSION = Recording.of("version");

  /** Sends a GET that a key with default scopes may make; answers its status. */
  private RawHttp.Head version(RawHttp client, String... headers) throws Exception {
    client.get("/api/version", headers);
    return client.readHead();
  }

  private void assertRefused(int status, String reason, String... headers) throws Exception {
    try (RawHttp client = connect()) {
      RawHttp.Head head = version(client, headers);
      assertThat(head.status()).isEqualTo(status);
      String body = client.readText();
      assertThat(body).startsWith("{\"error\":\"").doesNotContain("sk-");
      assertThat(head.header("Content-Type")).hasValue("application/json");
      if (status == 401) {
        assertThat(head.header("WWW-Authenticate")).isPresent();
      }
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:" + reason);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aCallWithAKeyIsAnsweredByTheUpstream() throws Exception {
    try (RawHttp client = connect()) {
      RawHttp.Head head = version(client, authorization());
      assertThat(head.status()).isEqualTo(200);
      assertThat(client.readBody()).isEqualTo(VERSION.responseBody());
      assertThat(head.headerValues("X-Observed")).containsExactly("yes");
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      assertNothingElseEnded();
    }
  }

  @Test
  void theClientsCredentialAndHostStayHere() throws Exception {
    try (RawHttp client = connect()) {
      version(client, authorization(), "Host: localhost:1234");
      client.readBody();
      ReceivedRequest received = upstream.takeRequest();
      assertThat(received.header("Authorization")).isEmpty();
      assertThat(received.header("Host")).hasValue("127.0.0.1:" + upstream.port());
    }
  }

  @Test
  void withoutAKeyNobodyIsLetIn() throws Exception {
    assertRefused(401, "no-credential");
  }

  @Test
  void aMistypedKeyIsToldFromAWrongOneAndNeitherIsLetIn() throws Exception {
    char last = key.charAt(key.length() - 1);
    String mistyped = key.substring(0, key.length() - 1) + (last == 'a' ? 'b' : 'a');
    String wrong = io.llmguard.key.ApiKey.generate(new java.security.SecureRandom()).reveal();
    List<String> told = new ArrayList<>();
    for (String presented : new String[] {mistyped, wrong}) {
      try (RawHttp client = connect()) {
        assertThat(version(client, "Authorization: Bearer " + presented).status()).isEqualTo(401);
        told.add(client.readText());
        assertThat(nextEnded().exchange().status()).isEqualTo(401);
      }
    }
    assertThat(told).noneMatch(text -> text.contains(mistyped) || text.contains(wrong));
    assertThat(told.get(0)).contains("mistyped");
    assertThat(told.get(1)).doesNotContain("mistyped");
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void anExpiredKeyIsRefused() throws Exception {
    String expired =
        issuer.issue("old", r -> r.expiresAt(Instant.now().minusSeconds(1))).key().reveal();
    keys.refresh();
    try (RawHttp client = connect()) {
      assertThat(version(client, "X-Api-Key: " + expired).status()).isEqualTo(401);
    }
  }

  @Test
  void aBlockedKeyIsRefusedOnAConnectionThatIsOpen() throws Exception {
    io.llmguard.key.IssuedKey blocked = issue("blocked");
    keys.refresh();
    String line = "X-Api-Key: " + blocked.key().reveal();
    try (RawHttp client = connect()) {
      assertThat(version(client, line).status()).isEqualTo(200);
      client.readBody();
      store.block(blocked.record().id());
      keys.refresh();
      assertThat(version(client, line).status()).isEqualTo(401);
    }
  }

  @Test
  void twoCredentialsThatDifferAreRefusedAndTheSameOneTwiceIsNot() throws Exception {
    String other = issue("other").key().reveal();
    keys.refresh();
    try (RawHttp client = connect()) {
      assertThat(version(client, authorization(), "X-Api-Key: " + other).status())
          .isBetween(400, 401);
    }
    try (RawHttp client = connect()) {
      assertThat(version(client, authorization(), "X-Api-Key: " + key).status()).isEqualTo(200);
    }
  }

  @Test
  void aKeyInTheQueryIsNone() throws Exception {
    try (RawHttp client = connect()) {
      client.get("/api/version?api_key=" + key + "&key=" + key);
      assertThat(client.readHead().status()).isBetween(400, 401);
      assertThat(client.readText()).doesNotContain(key);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void anAddressThatAnUntrustedPeerClaimsIsNotBelieved() throws Exception {
    try (RawHttp client = connect()) {
      version(client, authorization(), "X-Forwarded-For: 10.9.8.7", "Forwarded: for=10.9.8.7");
      client.readBody();
      assertThat(nextEnded().exchange().clientAddress().getHostAddress()).isEqualTo("127.0.0.1");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//api/pull",
        "/api/./pull",
        "/api/x/../pull",
        "/api/pull/",
        "/api/pull;jsessionid=1",
        "/api;a=b/pull",
        "/api/pull%2f",
        "/api%2fpull",
        "/api/%2e/pull",
        "/api/pull%00",
        "/api/pull%3bx",
        "/api\\pull"
      })
  void aPathThatCanBeReadInTwoWaysReachesNobody(String path) throws Exception {
    try (RawHttp client = connect()) {
      client.post(path, "{\"model\":\"m\"}", adminAuthorization());
      assertThat(client.readHead().status()).isIn(400, 404);
    }
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void anEncodedPathIsJudgedAsWhatItMeans() throws Exception {
    try (RawHttp client = connect()) {
      client.post("/api/%70ull", "{\"model\":\"m\"}", authorization());
      assertThat(client.readHead().status()).isEqualTo(403);
    }
    assertThat(upstream.requests()).isEmpty();
  }

  @Test
  void anEncodedPathIsForwardedAsItWasJudged() throws Exception {
    try (RawHttp client = connect()) {
      client.get("/api/%76ersion", authorization());
      assertThat(client.readHead().status()).isEqualTo(200);
      client.readBody();
      assertThat(upstream.takeRequest().target()).isEqualTo("/api/version");
    }
  }

  @Test
  void aWrongMethodIsToldTheRightOnes() throws Exception {
    try (RawHttp client = connect()) {
      client.get("/api/chat", authorization());
      RawHttp.Head head = client.readHead();
      assertThat(head.status()).isEqualTo(405);
      assertThat(head.header("Allow")).hasValue("POST");
    }
  }

  @Test
  void anUnknownPathIsRefused() throws Exception {
    try (RawHttp client = connect()) {
      client.get("/slots", authorization());
      assertThat(client.readHead().status()).isEqualTo(404);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aRefusalToHeadHasNoBody() throws Exception {
    try (RawHttp client = connect()) {
      client.request("HEAD", "/api/tags", null);
      assertThat(client.readHead().status()).isEqualTo(401);
      // whatever came after the head would be taken for the next answer
      assertThat(version(client, authorization()).status()).isEqualTo(200);
    }
  }

  @Test
  void aHostNameThatIsNotOursIsRefused() throws Exception {
    try (RawHttp client = connect()) {
      assertThat(version(client, authorization(), "Host: rebind.example").status()).isIn(400, 421);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost/api/version",
        "localhost/api/version?",
        "localhost#",
        "user@localhost",
        "a b"
      })
  void aHostThatIsMoreThanANameMakesNoOtherPathOfACall(String host) throws Exception {
    try (RawHttp client = connect()) {
      client.post("/api/pull", "{\"model\":\"m\"}", authorization(), "Host: " + host);
      assertThat(client.readHead().status()).isEqualTo(400);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aTargetWithAnAuthorityIsJudgedByItsPath() throws Exception {
    try (RawHttp client = connect()) {
      client.post("http://localhost/api/pull", "{\"model\":\"m\"}", authorization());
      assertThat(client.readHead().status()).isIn(400, 403);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void anIdentityThatTheClientChoosesIsNone() throws Exception {
    assertRefused(
        401,
        "no-credential",
        "X-User: admin",
        "X-Forwarded-User: admin",
        "X-Llmguard-Caller: admin",
        "Client-Cert: :AAAA:",
        "X-SSL-Client-Verify: SUCCESS");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/api/pull",
        "/api/push",
        "/api/create",
        "/api/copy",
        "/api/blobs/sha256:abc",
        "/api/me",
        "/api/signout"
      })
  void whatChangesTheServerIsForAdministrators(String path) throws Exception {
    try (RawHttp client = connect()) {
      client.post(path, "{\"model\":\"m\"}", authorization());
      assertThat(client.readHead().status()).isEqualTo(403);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/slots",
        "/props",
        "/lora-adapters",
        "/metrics",
        "/models/apply",
        "/models/delete/m",
        "/models/import-uri",
        "/backends/apply",
        "/backend/shutdown",
        "/api/traces",
        "/api/backend-logs",
        "/api/p2p/token",
        "/stores/get",
        "/v1/face/register",
        "/v1/voice/forget"
      })
  void whatIsNoPartOfTheApiReachesNobodyNotEvenForAdministrators(String path) throws Exception {
    try (RawHttp client = connect()) {
      client.post(path, "{}", adminAuthorization());
      assertThat(client.readHead().status()).isEqualTo(404);
      assertThat(upstream.requests()).isEmpty();
    }
  }
}
