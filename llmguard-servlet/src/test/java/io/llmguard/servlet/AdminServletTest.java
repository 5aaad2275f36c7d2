package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.admin.AdminApi;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.testkit.RawHttp;
import jakarta.servlet.ServletRegistration;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("container")
class AdminServletTest extends ChainTestBase {
  private static final String MASTER = "Authorization: Bearer the master key";

  private final MemoryKeyStore store = new MemoryKeyStore();
  private final AdminApi api = AdminApi.builder(store).build();

  private void start(boolean guarded) throws Exception {
    Guard guard =
        StandardGuard.builder()
            .stage(Place.OBSERVE, observer())
            .stage(
                Place.AUTHENTICATION,
                AuthenticationStage.builder()
                    .authenticator(
                        ApiKeyAuthenticator.builder().masterKey("the master key").build())
                    .queryNamesKeysAt(AdminApi.pathsWithKeysInQuery())
                    .build())
            .stage(
                Place.ENDPOINT, new EndpointStage(api.addTo(EndpointCatalogue.builder()).build()))
            .stage(Place.BODY, api.bodies())
            .build();
    start(
        context -> {
          if (guarded) {
            new LlmGuardFilter(guard).addTo(context, "guard", "/*");
          }
          ServletRegistration.Dynamic servlet = context.addServlet("admin", new AdminServlet(api));
          servlet.setAsyncSupported(true);
          servlet.addMapping(api.servletPatterns().toArray(String[]::new));
        },
        (request, response) -> response.sendError(418));
  }

  @Test
  void aKeyIsMadeOverHttpAlsoWhereTheBodyComesInPieces() throws Exception {
    start(true);
    try (RawHttp client = connect()) {
      client.post("/key/generate", "{\"key_alias\":\"ci\"}", MASTER);
      RawHttp.Head head = client.readHead();
      assertThat(head.status()).isEqualTo(200);
      assertThat(head.header("Cache-Control")).hasValue("no-store");
      assertThat(client.readText()).contains("\"key\":\"sk-").contains("\"key_alias\":\"ci\"");
    }
    assertThat(nextEnded().exchange().status()).isEqualTo(200);
    try (RawHttp client = connect()) {
      client.send(
          "POST /admin/key/generate HTTP/1.1\r\nHost: localhost\r\n"
              + MASTER
              + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
      client.send("4\r\n{\"us\r\n");
      client.send("d\r\ner_id\":\"u1\"}\n\r\n0\r\n\r\n");
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readText()).contains("\"user_id\":\"u1\"");
    }
    assertThat(store.list()).hasSize(2);
  }

  @Test
  void whatIsWrongIsAnsweredAsTheApiSays() throws Exception {
    start(true);
    try (RawHttp client = connect()) {
      client.post("/key/generate", "{\"no_field\":1}", MASTER);
      assertThat(client.readHead().status()).isEqualTo(400);
      assertThat(client.readText()).contains("no_field").contains("\"error\":");
    }
    try (RawHttp client = connect()) {
      client.post("/key/generate", "{}");
      assertThat(client.readHead().status()).isEqualTo(401);
      assertThat(client.readText()).contains("\"error\":");
    }
    try (RawHttp client = connect()) {
      client.request(
          "POST",
          "/key/generate",
          new byte[AdminApi.MAX_BODY + 1],
          MASTER,
          "Content-Type: application/json");
      assertThat(client.readHead().status()).isEqualTo(413);
    }
    assertThat(store.list()).isEmpty();
  }

  @Test
  void withoutAGuardBeforeItNothingIsDone() throws Exception {
    start(false);
    try (RawHttp client = connect()) {
      client.request(
          "POST",
          "/key/generate",
          "{}".getBytes(StandardCharsets.UTF_8),
          MASTER,
          "Content-Type: application/json");
      assertThat(client.readHead().status()).isEqualTo(500);
    }
    assertThat(store.list()).isEmpty();
  }
}
