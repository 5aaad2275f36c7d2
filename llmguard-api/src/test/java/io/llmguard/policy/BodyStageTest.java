package io.llmguard.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.RequestReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BodyStageTest {
  private static final String CHAT =
      "{\"model\":\"gemma3:270m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

  private static Decision decide(TestRequest request, String... models) {
    Caller caller =
        Caller.builder(Caller.Kind.OTHER, "me")
            .scopes(Set.of(Scope.ADMIN))
            .models(models.length == 0 ? ModelAccess.ALL : ModelAccess.of(List.of(models)))
            .build();
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
            .stage(new BodyStage(RequestReader.create(), 1000))
            .stage(new ModelStage())
            .stage(new CeilingStage(Ceilings.builder().maxOutputTokens(50).build()))
            .build();
    return guard.admit(request).toCompletableFuture().join();
  }

  private static Refusal refusal(TestRequest request, String... models) {
    Decision decision = decide(request, models);
    assertThat(decision).isInstanceOf(Decision.Refuse.class);
    return ((Decision.Refuse) decision).refusal();
  }

  private static String forwarded(TestRequest request) {
    Decision decision = decide(request);
    assertThat(decision).isInstanceOf(Decision.Admit.class);
    RequestBody body = ((Decision.Admit) decision).exchange().body();
    return StandardCharsets.UTF_8.decode(((RequestBody.InMemory) body).content()).toString();
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  @Test
  void whatWasCheckedIsWhatGoesUpstream() {
    String odd =
        " {\"options\":{ \"num_predict\":50},\"messages\" : [ ] ,\t\"model\":\"\\u0067emma3:270m\"}\n";
    assertThat(forwarded(TestRequest.post("/api/chat", odd))).isEqualTo(odd);
  }

  @Test
  void aCeilingIsWrittenIntoWhatGoesUpstream() {
    String body = "{\"model\":\"m\",\"messages\":[],\"options\":{\"num_predict\":-1}}";
    assertThat(forwarded(TestRequest.post("/api/chat", body))).isEqualTo(body.replace("-1", "50"));
  }

  @Test
  void theCallSaysModelStreamAndPrompt() {
    Exchange exchange = ((Decision.Admit) decide(TestRequest.post("/api/chat", CHAT))).exchange();
    assertThat(exchange.call()).isNotNull();
    assertThat(exchange.call().model()).isEqualTo("gemma3:270m");
    assertThat(exchange.call().stream()).isTrue();
    assertThat(exchange.call().prompt()).isNotNull();
    assertThat(exchange.call().prompt().length()).isEqualTo("user: hi".length());
  }

  @Test
  void aModelInAnotherCaseThatTheUpstreamWouldPreferIsRefused() {
    Refusal refusal =
        refusal(TestRequest.post("/api/chat", "{\"model\":\"a\",\"MODEL\":\"b\"}"), "a");
    assertThat(refusal.status()).isEqualTo(400);
  }

  @Test
  void aBodyOverTheLimitIs413() {
    Refusal refusal = refusal(TestRequest.post("/api/chat", " ".repeat(1001)));
    assertThat(refusal.status()).isEqualTo(413);
    assertThat(refusal.detail()).contains("1000");
  }

  @Test
  void aBodyUnderGzipIsDecodedAndGoesUpstreamDecoded() throws IOException {
    TestRequest request =
        TestRequest.of("POST", "/api/chat")
            .header("Content-Encoding", "gzip")
            .body(gzip(CHAT.getBytes(StandardCharsets.UTF_8)));
    assertThat(forwarded(request)).contains("\"gemma3:270m\"", "\"hi\"");
  }

  @Test
  void aSmallBodyThatGzipBlowsUpIsCutOffAtTheLimit() throws IOException {
    TestRequest request =
        TestRequest.of("POST", "/api/chat")
            .header("Content-Encoding", "gzip")
            .body(gzip(new byte[100_000]));
    assertThat(refusal(request).status()).isEqualTo(413);
  }

  @Test
  void whatIsNoGzipIs400() {
    TestRequest request = TestRequest.post("/api/chat", CHAT).header("Content-Encoding", "gzip");
    assertThat(refusal(request).status()).isEqualTo(400);
  }

  @ParameterizedTest
  @ValueSource(strings = {"zstd", "br", "deflate", "gzip, gzip", "x"})
  void anotherCodingIs415AndSaysWhichAreTaken(String coding) {
    Refusal refusal =
        refusal(TestRequest.post("/api/chat", CHAT).header("Content-Encoding", coding));
    assertThat(refusal.status()).isEqualTo(415);
    assertThat(refusal.headers().first("Accept-Encoding")).isEqualTo("gzip, identity");
  }

  @Test
  void anotherCharsetIs415() {
    TestRequest request =
        TestRequest.post("/api/chat", CHAT)
            .header("Content-Type", "application/json; Charset=utf-16");
    assertThat(refusal(request).status()).isEqualTo(415);
    TestRequest quoted =
        TestRequest.post("/api/chat", CHAT)
            .header("Content-Type", "application/json; charset=\"UTF-8\"; x=y");
    assertThat(forwarded(quoted)).contains("gemma3:270m");
  }

  @Test
  void aBlobIsNeverRead() {
    TestRequest request = TestRequest.post("/api/blobs/sha256-00", "x".repeat(5000));
    Decision decision = decide(request);
    assertThat(((Decision.Admit) decision).exchange().body())
        .isInstanceOf(RequestBody.PassThrough.class);
    assertThat(request.bodyReads()).isZero();
  }

  @Test
  void aModelThatTheCallerMayNotNameIs403WhateverTheCall() {
    assertThat(refusal(TestRequest.post("/api/chat", CHAT), "mistral").reason())
        .isEqualTo("model-not-allowed");
    String copy = "{\"source\":\"mistral\",\"destination\":\"other\"}";
    assertThat(refusal(TestRequest.post("/api/copy", copy), "mistral").reason())
        .isEqualTo("model-not-allowed");
    assertThat(refusal(TestRequest.of("GET", "/v1/models/gemma3%3A270m"), "mistral").reason())
        .isEqualTo("model-not-allowed");
    assertThat(decide(TestRequest.of("GET", "/v1/models/mistral"), "mistral"))
        .isInstanceOf(Decision.Admit.class);
  }

  @Test
  void aModelAtTheServerOwnersExpenseTakesItsNameOnTheKey() {
    String cloud = CHAT.replace("gemma3:270m", "gpt-oss:120b-cloud");
    assertThat(refusal(TestRequest.post("/api/chat", cloud)).reason())
        .isEqualTo("model-not-allowed");
    assertThat(decide(TestRequest.post("/api/chat", cloud), "gpt-oss:120b-cloud"))
        .isInstanceOf(Decision.Admit.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/x-www-form-urlencoded",
        "text/plain;charset=UTF-8",
        ""
      })
  void whatClientsCallAJsonBodyIsTaken(String type) {
    TestRequest request = TestRequest.post("/api/chat", CHAT).header("Content-Type", type);
    assertThat(forwarded(request)).contains("gemma3");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/xml",
        "text/xml; charset=utf-8",
        "multipart/form-data; boundary=0123456789",
        "application/msgpack",
        "application/json, application/xml"
      })
  void aBodyOfAnotherTypeIsRefused(String type) {
    Refusal refusal = refusal(TestRequest.post("/api/chat", CHAT).header("Content-Type", type));
    assertThat(refusal.status()).isEqualTo(415);
    assertThat(refusal.reason()).isEqualTo("content-type");
  }

  @Test
  void twoTypesOfOneBodyAreRefused() {
    TestRequest request =
        TestRequest.post("/api/chat", CHAT)
            .header("Content-Type", "application/json")
            .header("content-type", "application/xml");
    assertThat(refusal(request).reason()).isEqualTo("content-type");
  }
}
