package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Guard;
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
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.Part;
import java.io.IOException;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Forms that a guard has read, as the application behind it reads them once more. */
@Tag("container")
class GuardedFormTest extends ChainTestBase {
  private static final String PATH = "/v1/audio/transcriptions";

  /** What begins like the boundary and is none is content. */
  private static final String CONTENT = "\r\n--b0undar\r\n----b0undar-b0undary\u00e4\r\n";

  private static final String FORM =
      """
      --b0undary
      Content-Disposition: form-data; name="file"; filename="a b.wav"
      Content-Type: audio/wav
      X-More: yes

      %s
      --b0undary
      content-disposition: form-data; name=model

      whisper-1
      --b0undary
      Content-Disposition: form-data; name="empty"


      --b0undary
      Content-Disposition: form-data; name="stamps[]"

      one
      --b0undary
      Content-Disposition: form-data; name="stamps[]"

      two
      --b0undary--
      """
          .replace("\n", "\r\n");

  @TempDir private Path folder = Path.of("");

  private void start(Work work) throws Exception {
    start(work, true);
  }

  private void start(Work work, boolean asynchronous) throws Exception {
    StandardGuard.Builder stages =
        StandardGuard.builder()
            .stage(Place.OBSERVE, observer())
            .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()));
    BodyPolicy.builder().formDirectory(folder).build().addTo(stages);
    SensitiveData addresses =
        SensitiveData.of("data", Set.of(SensitiveKind.EMAIL), Reaction.REDACT);
    stages.stage(Place.CONTENT, InspectionStage.builder().prompts(addresses).build());
    Guard guard = stages.build();
    start(
        context -> {
          LlmGuardFilter filter = new LlmGuardFilter(guard);
          filter.addTo(context, "guard", "/*");
          filter.asyncDispatch(asynchronous);
        },
        work);
  }

  private static byte[] form(String content) {
    return FORM.formatted(content).getBytes(StandardCharsets.UTF_8);
  }

  private String answerTo(byte[] form, String query) throws Exception {
    try (RawHttp client = connect()) {
      client.request(
          "POST", PATH + query, form, "Content-Type: multipart/form-data; boundary=\"b0undary\"");
      int status = client.readHead().status();
      String text = client.readText();
      Ended ended = nextEnded();
      assertThat(ended.outcome()).isEqualTo(Outcome.COMPLETED);
      assertThat(status).as(text).isEqualTo(200);
      try (Stream<Path> left = Files.list(folder)) {
        assertThat(left.filter(file -> file.toString().endsWith(".spool"))).isEmpty();
      }
      return text;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void itsBytesAreReadAgain(boolean asynchronous) throws Exception {
    start(
        (request, response) -> {
          byte[] read = request.getInputStream().readAllBytes();
          assertThat(request.getInputStream().isFinished()).isTrue();
          assertThat(request.getContentLengthLong()).isEqualTo(read.length);
          response.getOutputStream().write(read);
        },
        asynchronous);
    byte[] form = form("R".repeat(100_000));
    assertThat(answerTo(form, "")).isEqualTo(new String(form, StandardCharsets.UTF_8));
  }

  @Test
  void itsCharactersAreReadAgain() throws Exception {
    start(
        (request, response) -> {
          String read = request.getReader().lines().collect(Collectors.joining("\n"));
          response.getOutputStream().write(read.getBytes(StandardCharsets.UTF_8));
        });
    assertThat(answerTo(form("x"), "")).contains("name=model").contains("whisper-1");
  }

  @Test
  void whatIsLeftUnreadGoesWithTheCall() throws Exception {
    start((request, response) -> response.getOutputStream().write(request.getInputStream().read()));
    assertThat(answerTo(form("R".repeat(100_000)), "")).isEqualTo("-");
  }

  @Test
  void itsPartsAreFound() throws Exception {
    start(
        (request, response) ->
            response.getOutputStream().write(shown(request).getBytes(StandardCharsets.UTF_8)));
    assertThat(answerTo(form(CONTENT), ""))
        .isEqualTo(
            """
            file a b.wav audio/wav yes %s
            model null null null whisper-1
            empty null null null\s
            stamps[] null null null one
            stamps[] null null null two
            """
                .formatted(CONTENT));
  }

  private static String shown(HttpServletRequest request) throws IOException, ServletException {
    StringBuilder shown = new StringBuilder();
    for (Part part : request.getParts()) {
      byte[] content = part.getInputStream().readAllBytes();
      assertThat(part.getSize()).isEqualTo(content.length);
      shown
          .append(
              "%s %s %s %s "
                  .formatted(
                      part.getName(),
                      part.getSubmittedFileName(),
                      part.getContentType(),
                      part.getHeader("x-more")))
          .append(new String(content, StandardCharsets.UTF_8))
          .append('\n');
    }
    return shown.toString();
  }

  /** A field that a model may read, and others around it. */
  private static byte[] withPrompt(String prompt) {
    return """
        --b0undary
        Content-Disposition: form-data; name="model"

        whisper-1
        --b0undary
        Content-Disposition: form-data; name="prompt"

        %s
        --b0undary
        Content-Disposition: form-data; name="language"

        en
        --b0undary--
        """
        .formatted(prompt)
        .replace("\n", "\r\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void whatWasRedactedInItIsReadAsRedacted() throws Exception {
    start(
        (request, response) -> {
          byte[] read = request.getInputStream().readAllBytes();
          assertThat(request.getContentLengthLong()).isEqualTo(read.length);
          response.getOutputStream().write(read);
        });
    assertThat(answerTo(withPrompt("to alice@example.com, soon"), ""))
        .isEqualTo(new String(withPrompt("to [email], soon"), StandardCharsets.UTF_8));
  }

  @Test
  void whatWasRedactedInItsPartsIsReadAsRedacted() throws Exception {
    start(
        (request, response) -> {
          assertThat(request.getParameter("prompt")).isEqualTo("to [email], soon");
          response.getOutputStream().write(shown(request).getBytes(StandardCharsets.UTF_8));
        });
    assertThat(answerTo(withPrompt("to alice@example.com, soon"), ""))
        .isEqualTo(
            """
            model null null null whisper-1
            prompt null null null to [email], soon
            language null null null en
            """);
  }

  @Test
  void aPartIsFoundByItsNameAndWrittenToAFile() throws Exception {
    Path copy = folder.resolve("copy");
    start(
        (request, response) -> {
          assertThat(request.getPart("nobody")).isNull();
          request.getPart("file").write(copy.toString());
          response.getOutputStream().print("written");
        });
    assertThat(answerTo(form(CONTENT), "")).isEqualTo("written");
    assertThat(Files.readString(copy)).isEqualTo(CONTENT);
  }

  @Test
  void itsTextsAreParametersBehindThoseOfTheQuery() throws Exception {
    start(
        (request, response) -> {
          assertThat(request.getParameter("model")).isEqualTo("whisper-1");
          assertThat(request.getParameter("file")).isNull();
          assertThat(request.getParameterValues("stamps[]")).containsExactly("zero+", "one", "two");
          assertThat(request.getParameter("q")).isEqualTo("a b");
          response
              .getOutputStream()
              .print(String.join(" ", List.copyOf(request.getParameterMap().keySet())));
          assertThat(request.getParameterNames().hasMoreElements()).isTrue();
        });
    assertThat(answerTo(form("x"), "?stamps%5B%5D=zero%2B&q=a+b").split(" "))
        .containsExactlyInAnyOrder("stamps[]", "q", "model", "empty");
  }
}
