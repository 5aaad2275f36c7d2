package io.llmguard.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.RequestReader;
import org.junit.jupiter.api.Test;

class ModelStageTest {
  /** A guard that reads JSON only. */
  private static Guard withoutForms() {
    return StandardGuard.builder()
        .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
        .stage(Place.BODY, new BodyStage(RequestReader.create(), 1000))
        .stage(Place.MODEL, new ModelStage())
        .build();
  }

  private static Guard withoutBodies() {
    return StandardGuard.builder()
        .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
        .stage(Place.MODEL, new ModelStage())
        .build();
  }

  private static String word(Guard guard, TestRequest request) {
    Decision decision = guard.admit(request).toCompletableFuture().join();
    return decision instanceof Decision.Refuse refuse
        ? refuse.refusal().status() + " " + refuse.refusal().reason()
        : "admitted";
  }

  @Test
  void aFormThatNobodyHasReadIsNotLetPast() {
    TestRequest form =
        TestRequest.post("/v1/audio/transcriptions", "--b\r\n")
            .header("Content-Type", "multipart/form-data; boundary=b");
    assertThat(word(withoutForms(), form)).isEqualTo("500 body-unread");
  }

  @Test
  void aBodyThatNobodyHasReadIsNotLetPast() {
    assertThat(word(withoutBodies(), TestRequest.post("/api/chat", "{\"model\":\"a\"}")))
        .isEqualTo("500 body-unread");
  }

  @Test
  void callsWhoseBodyNobodyIsToReadPass() {
    assertThat(word(withoutBodies(), TestRequest.of("GET", "/api/tags"))).isEqualTo("admitted");
    assertThat(word(withoutForms(), TestRequest.post("/api/chat", "{\"model\":\"a\"}")))
        .isEqualTo("admitted");
  }
}
