package io.llmguard.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.policy.Endpoint;
import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.wire.Operation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PassedQueryTest {
  private static @Nullable String passed(String method, String path, String query) {
    EndpointCatalogue.Match match = EndpointCatalogue.standard().find(method, path);
    return PassedQuery.of(((EndpointCatalogue.Match.Found) match).endpoint(), query);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/api/chat",
        "/api/generate",
        "/api/show",
        "/api/pull",
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/messages",
        "/v1/audio/transcriptions"
      })
  void noModelBesidesTheJudgedOneIsNamed(String path) {
    assertThat(passed("POST", path, "model=other&stream=true")).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "POST | /v1/messages | beta=true | beta=true",
        "POST | /v1/messages | model=x&beta=true&model=y | beta=true",
        "POST | /v1/messages | beta=a&beta=b | beta=a",
        "POST | /v1/messages | beta=true;model=x | ",
        "POST | /v1/messages | beta=%26model | ",
        "POST | /v1/messages | beta | ",
        "GET | /v1/models | limit=5&after_id=a-1&name=x | limit=5&after_id=a-1",
        "GET | /api/tags | limit=5 | ",
        "POST | /api/me | a=%20b | a=%20b",
        "POST | /api/blobs/sha256:1 | a | a"
      })
  void whatTheOperationKnowsPasses(String method, String path, String query, String passed) {
    assertThat(passed(method, path, query)).isEqualTo(passed);
  }

  @Test
  void theQueryOfAnApplicationsOwnPathPasses() {
    Endpoint own = new Endpoint(Operation.OTHER, null, BodyKind.NONE);
    assertThat(PassedQuery.of(own, "q=a b")).isEqualTo("q=a b");
    assertThat(PassedQuery.of(null, "q")).isEqualTo("q");
    assertThat(PassedQuery.of(own, null)).isNull();
  }
}
