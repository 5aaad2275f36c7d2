package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Outcome;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.inspect.InspectionStage;
import io.llmguard.inspect.Reaction;
import io.llmguard.inspect.SensitiveData;
import io.llmguard.inspect.SensitiveKind;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.testkit.RawHttp;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.codec.multipart.FilePart;
import org.springframework.http.codec.multipart.FormFieldPart;
import org.springframework.http.codec.multipart.Part;
import org.springframework.util.MultiValueMap;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;

/** Forms that a guard has read, as the application behind it reads them once more. */
@Tag("server")
class GuardedFormTest extends ChainTestBase {
  /** More than is kept in memory of a part. */
  private static final int LARGE = 600_000;

  private static final byte[] FORM =
      ("--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
              + "R".repeat(LARGE)
              + "\r\n--b0undary\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"
              + "whisper-1\r\n--b0undary--\r\n")
          .getBytes(StandardCharsets.UTF_8);

  @TempDir private Path folder = Path.of("");

  private String answerOf(WebHandler application) throws Exception {
    return answerOf(application, FORM);
  }

  private String answerOf(WebHandler application, byte[] form) throws Exception {
    StandardGuard.Builder stages =
        StandardGuard.builder()
            .stage(Place.OBSERVE, observer())
            .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()));
    BodyPolicy.builder().formDirectory(folder).build().addTo(stages);
    SensitiveData addresses =
        SensitiveData.of("data", Set.of(SensitiveKind.EMAIL), Reaction.REDACT);
    stages.stage(Place.CONTENT, InspectionStage.builder().prompts(addresses).build());
    start(application, new LlmGuardWebFilter(stages.build()));
    try (RawHttp client = connect()) {
      client.request(
          "POST",
          "/v1/audio/transcriptions",
          form,
          "Content-Type: multipart/form-data; boundary=b0undary");
      int status = client.readHead().status();
      String text = client.readText();
      assertThat(status).as(text).isEqualTo(200);
      assertThat(nextEnded().outcome()).isEqualTo(Outcome.COMPLETED);
      return text;
    } finally {
      try (Stream<Path> left = Files.list(folder)) {
        assertThat(left).isEmpty();
      }
    }
  }

  private static Mono<Void> echo(ServerWebExchange exchange) {
    return DataBufferUtils.join(exchange.getRequest().getBody())
        .flatMap(
            body -> {
              byte[] read = new byte[body.readableByteCount()];
              body.read(read);
              DataBufferUtils.release(body);
              assertThat(exchange.getRequest().getHeaders().getContentLength())
                  .isEqualTo(read.length);
              return answer(exchange, new String(read, StandardCharsets.UTF_8));
            });
  }

  @Test
  void itsBytesAreReadAgain() throws Exception {
    assertThat(answerOf(GuardedFormTest::echo)).isEqualTo(new String(FORM, StandardCharsets.UTF_8));
  }

  private static byte[] withPrompt(String prompt) {
    return ("--b0undary\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1"
            + "\r\n--b0undary\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n"
            + prompt
            + "\r\n--b0undary--\r\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void whatWasRedactedInItIsReadAsRedacted() throws Exception {
    assertThat(answerOf(GuardedFormTest::echo, withPrompt("to alice@example.com, soon")))
        .isEqualTo(new String(withPrompt("to [email], soon"), StandardCharsets.UTF_8));
  }

  @Test
  void whatWasRedactedInItsPartsIsReadAsRedacted() throws Exception {
    assertThat(
            answerOf(
                exchange ->
                    exchange
                        .getMultipartData()
                        .map(parts -> (FormFieldPart) List.copyOf(parts.get("prompt")).get(0))
                        .flatMap(prompt -> answer(exchange, prompt.value())),
                withPrompt("to alice@example.com, soon")))
        .isEqualTo("to [email], soon");
  }

  @Test
  void itsPartsAreFound() throws Exception {
    assertThat(
            answerOf(
                exchange ->
                    exchange
                        .getMultipartData()
                        .flatMap(GuardedFormTest::shown)
                        .flatMap(text -> answer(exchange, text))))
        .isEqualTo("file a.wav " + LARGE + ", model whisper-1");
  }

  private static Mono<String> shown(MultiValueMap<String, Part> parts) {
    FilePart file = (FilePart) List.copyOf(parts.get("file")).get(0);
    FormFieldPart model = (FormFieldPart) List.copyOf(parts.get("model")).get(0);
    return file.content()
        .map(
            piece -> {
              int size = piece.readableByteCount();
              DataBufferUtils.release(piece);
              return size;
            })
        .collect(Collectors.summingInt(size -> size))
        .map(size -> "file " + file.filename() + " " + size + ", model " + model.value());
  }
}
