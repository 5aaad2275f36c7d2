package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An application that does not stand at the root: its calls are those of the paths within it. */
public abstract class ContextPathContract extends HttpContract {
  /** Where the application stands. */
  protected static final String CONTEXT = "/shop";

  private static final Recording CHAT = Recording.of("chat-stream");

  @Test
  void aCallIsForwardedUnderItsPathWithinTheApplication() throws Exception {
    try (RawHttp client = connect()) {
      client.post(CONTEXT + CHAT.path(), CHAT.bodyText(), authorization());
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readBody()).isEqualTo(CHAT.responseBody());
      assertThat(upstream.takeRequest().target()).isEqualTo(CHAT.path());
      Ended ended = nextEnded();
      assertThat(ended.exchange().path()).isEqualTo(CHAT.path());
      assertThat(ended.exchange().usage()).isNotNull();
    }
  }

  @Test
  void bodiesAreReadAndModelsJudged() throws Exception {
    try (RawHttp client = connect()) {
      client.post(
          CONTEXT + "/api/chat", "{\"model\":\"b\",\"messages\":[]}", narrowAuthorization());
      assertThat(client.readHead().status()).isEqualTo(403);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:model-not-allowed");
    }
    try (RawHttp client = connect()) {
      client.post(
          CONTEXT + "/api/chat", "{\"model\":\"a\",\"model\":\"b\"}", narrowAuthorization());
      assertThat(client.readHead().status()).isEqualTo(400);
    }
    assertThat(upstream.requests()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/api/chat", "/shop/shop/api/chat", "/%73hop/api/chat", "/shopping/api/chat"})
  void otherWaysToSayThePathReachNobody(String path) throws Exception {
    try (RawHttp client = connect()) {
      client.post(path, "{\"model\":\"b\",\"messages\":[]}", narrowAuthorization());
      assertThat(client.readHead().status()).isGreaterThanOrEqualTo(400);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aRefusalIsInTheDialectOfThePathWithin() throws Exception {
    try (RawHttp client = connect()) {
      client.get(CONTEXT + "/api/version");
      assertThat(client.readHead().status()).isEqualTo(401);
      assertThat(client.readText()).startsWith("{\"error\":\"");
    }
    try (RawHttp client = connect()) {
      client.get(CONTEXT + "/v1/models");
      assertThat(client.readHead().status()).isEqualTo(401);
      assertThat(client.readText()).startsWith("{\"error\":{");
    }
  }
}
