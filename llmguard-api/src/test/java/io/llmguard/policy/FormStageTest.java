package io.llmguard.policy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.testkit.TestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FormStageTest {
  private static final String FORM =
      "--0123456789\r\n"
          + "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
          + "Content-Type: audio/wav\r\n\r\n"
          + "RIFF\0\1\2--012345\r\n"
          + "\r\n--0123456789\r\n"
          + "Content-Disposition: form-data; name=\"model\"\r\n\r\n"
          + "whisper-1"
          + "\r\n--0123456789--\r\n";

  private static final int CALLS = 5000;

  private final Queue<Exchange> leaving = new ConcurrentLinkedQueue<>();

  @TempDir private Path folder = Path.of("");

  private Decision decide(String form, String contentType) {
    Guard guard =
        Guard.builder()
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .stage(new FormStage(folder, 1000))
            .stage(new ModelStage())
            .build();
    TestRequest request = TestRequest.post("/v1/audio/transcriptions", form);
    for (String line : contentType.split("\n", -1)) {
      request.header("Content-Type", line);
    }
    return guard.admit(request).toCompletableFuture().join();
  }

  private String refused(String form, String contentType) throws IOException {
    Decision decision = decide(form, contentType);
    assertThat(decision).isInstanceOf(Decision.Refuse.class);
    try (var files = Files.list(folder)) {
      assertThat(files).as("what a refused call left behind").isEmpty();
    }
    return ((Decision.Refuse) decision).refusal().reason();
  }

  @Test
  void aFormIsForwardedByteForByteFromAFileThatTheCallOwns() throws IOException {
    Exchange exchange =
        ((Decision.Admit) decide(FORM, "multipart/form-data; boundary=0123456789")).exchange();
    assertThat(exchange.call()).isNotNull();
    assertThat(exchange.call().model()).isEqualTo("whisper-1");
    RequestBody.InFile body = (RequestBody.InFile) exchange.body();
    assertThat(Files.readAllBytes(body.file())).isEqualTo(FORM.getBytes(UTF_8));
    exchange.onComplete(Outcome.COMPLETED);
    assertThat(body.file()).doesNotExist();
  }

  @Test
  void whatIsNoFormOrTooLargeOrBrokenIsRefusedAndLeavesNothingBehind() throws IOException {
    String type = "multipart/form-data; boundary=0123456789";
    assertThat(refused(FORM, "application/json")).isEqualTo("no-form");
    assertThat(refused(FORM, type + "\n" + type.replace('9', '8'))).isEqualTo("no-form");
    assertThat(refused(FORM.replace("RIFF", "R".repeat(2000)), type)).isEqualTo("body-too-large");
    assertThat(refused(FORM.substring(0, FORM.length() - 4), type)).isNotEmpty();
    String two = FORM.replace("name=\"file\"; filename=\"a.wav\"", "name=\"model\"");
    assertThat(refused(two, type)).isNotEmpty();
    String cloud = FORM.replace("whisper-1", "whisper:cloud");
    assertThat(refused(cloud, type)).isEqualTo("model-not-allowed");
  }

  @Test
  void aCallThatEndsWhileItsFileIsMadeLeavesNothingBehind() throws Exception {
    Stage captured =
        new Stage() {
          @Override
          public String name() {
            return "captured";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            leaving.add(exchange);
            return exchange.admit();
          }
        };
    Guard guard =
        Guard.builder()
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .stage(captured)
            .stage(new FormStage(folder, 1000))
            .build();
    Thread leaver =
        new Thread(
            () -> {
              for (int call = 0; call < CALLS; call++) {
                Exchange exchange;
                do {
                  exchange = leaving.poll();
                } while (exchange == null);
                // sooner or later, so that all of the file's making is met
                for (int i = 0; i < 50 * (call % 200); i++) {
                  Thread.onSpinWait();
                }
                exchange.onComplete(Outcome.CLIENT_GONE);
              }
            });
    leaver.start();
    for (int call = 0; call < CALLS; call++) {
      TestRequest request =
          TestRequest.post("/v1/audio/transcriptions", FORM)
              .header("Content-Type", "multipart/form-data; boundary=0123456789");
      // what is decided is its own: the client may have left before or after
      guard.admit(request).toCompletableFuture().join();
    }
    leaver.join();
    try (var files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }
}
