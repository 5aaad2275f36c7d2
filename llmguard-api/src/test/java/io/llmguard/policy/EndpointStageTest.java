package io.llmguard.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.testkit.TestRequest;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointStageTest {
  private static Decision decide(TestRequest request, Scope... scopes) {
    Caller caller = Caller.builder(Caller.Kind.OTHER, "me").scopes(Set.of(scopes)).build();
    Stage authenticated =
        new Stage() {
          @Override
          public String name() {
            return "authenticated";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            exchange.caller(caller);
            return exchange.admit();
          }
        };
    Guard guard =
        Guard.builder()
            .stage(authenticated)
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .build();
    return guard.admit(request).toCompletableFuture().join();
  }

  private static String reason(Decision decision) {
    return decision instanceof Decision.Refuse refuse ? refuse.refusal().reason() : "admitted";
  }

  @ParameterizedTest
  @CsvSource({
    "POST,/api/generate,inference",
    "POST,/api/chat,inference",
    "POST,/v1/chat/completions,inference",
    "POST,/v1/completions,inference",
    "POST,/v1/responses,inference",
    "POST,/v1/messages,inference",
    "POST,/v1/audio/transcriptions,inference",
    "POST,/api/embed,embeddings",
    "POST,/api/embeddings,embeddings",
    "POST,/v1/embeddings,embeddings",
    "POST,/api/show,models:read",
    "GET,/api/ps,models:read",
    "GET,/api/status,models:read",
    "POST,/api/pull,models:write",
    "POST,/api/push,models:write",
    "POST,/api/create,models:write",
    "POST,/api/copy,models:write",
    "DELETE,/api/delete,models:write",
    "POST,/api/blobs/sha256-00,models:write",
    "HEAD,/api/blobs/sha256-00,models:write",
    "POST,/api/me,admin",
    "POST,/api/signout,admin",
    "DELETE,/api/user/keys/abc,admin",
    "POST,/api/experimental/web_search,admin"
  })
  void aCallTakesItsScopeOrAdmin(String method, String path, String word) {
    Scope needed = Scope.of(word);
    for (Scope scope : Scope.values()) {
      boolean enough = scope == needed || scope == Scope.ADMIN;
      assertThat(reason(decide(TestRequest.of(method, path), scope)))
          .as("%s %s with %s", method, path, scope)
          .isEqualTo(enough ? "admitted" : "scope-missing");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GET,/",
    "HEAD,/",
    "GET,/api/tags",
    "HEAD,/api/tags",
    "GET,/api/version",
    "GET,/v1/models",
    "GET,/v1/models/gemma3:270m"
  })
  void listsAndHeartbeatAreForAnyScope(String method, String path) {
    assertThat(reason(decide(TestRequest.of(method, path)))).isEqualTo("admitted");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/slots",
        "/props",
        "/lora-adapters",
        "/metrics",
        "/models/apply",
        "/models/delete/x",
        "/models/import",
        "/models/import-uri",
        "/models/edit/x",
        "/models/reload",
        "/models/toggle-state/x/enable",
        "/backends/apply",
        "/backend/load",
        "/api/traces",
        "/api/backend-traces",
        "/api/backend-logs/x",
        "/api/p2p/token",
        "/stores/set",
        "/v1/face/register",
        "/v1/voice/forget",
        "/api/blobs",
        "/API/chat",
        "/v2/chat"
      })
  void whatIsNotInTheCatalogueIsUnknownEvenToAnAdministrator(String path) {
    for (String method : new String[] {"GET", "POST"}) {
      String reason = reason(decide(TestRequest.of(method, path), Scope.ADMIN));
      assertThat(reason).isIn("unknown-path");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/api/blobs/", "/api/chat/", "//api/pull", "/api/./pull", "/api/chat;a"})
  void anotherSpellingDoesNotPassAnExactBlocklist(String path) {
    assertThat(reason(decide(TestRequest.of("POST", path), Scope.INFERENCE)))
        .isEqualTo("malformed-path");
  }

  @Test
  void anEncodedPathIsJudgedAndForwardedDecoded() {
    assertThat(reason(decide(TestRequest.of("POST", "/api/%70ull"), Scope.INFERENCE)))
        .isEqualTo("scope-missing");
    Decision chat = decide(TestRequest.of("POST", "/api/%63hat"), Scope.INFERENCE);
    assertThat(((Decision.Admit) chat).exchange().path()).isEqualTo("/api/chat");
  }

  @Test
  void aWrongMethodIs405WithAllow() {
    Refusal refusal =
        ((Decision.Refuse) decide(TestRequest.of("GET", "/api/chat"), Scope.INFERENCE)).refusal();
    assertThat(refusal.status()).isEqualTo(405);
    assertThat(refusal.headers().first("Allow")).isEqualTo("POST");
    assertThat(reason(decide(TestRequest.of("post", "/api/chat"), Scope.INFERENCE)))
        .isEqualTo("method-not-allowed");
  }

  @Test
  void aBodyWhereNoneBelongsIsRefused() {
    assertThat(reason(decide(TestRequest.of("GET", "/api/tags").body("{}"))))
        .isEqualTo("unexpected-body");
    TestRequest chunked = TestRequest.of("GET", "/api/tags").header("Transfer-Encoding", "chunked");
    assertThat(reason(decide(chunked))).isEqualTo("unexpected-body");
    TestRequest empty = TestRequest.of("GET", "/api/tags").header("Content-Length", "0");
    assertThat(reason(decide(empty))).isEqualTo("admitted");
  }

  @Test
  void withoutAuthenticationTheDefaultScopesHold() {
    Guard guard = Guard.builder().stage(new EndpointStage(EndpointCatalogue.standard())).build();
    assertThat(
            reason(guard.admit(TestRequest.of("POST", "/api/chat")).toCompletableFuture().join()))
        .isEqualTo("admitted");
    assertThat(
            reason(guard.admit(TestRequest.of("POST", "/api/pull")).toCompletableFuture().join()))
        .isEqualTo("scope-missing");
  }
}
