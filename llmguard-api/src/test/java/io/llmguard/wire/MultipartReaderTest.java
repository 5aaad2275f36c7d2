package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MultipartReaderTest {
  private static final String BOUNDARY = "b0undary-b0undary";
  private static final String TYPE = "multipart/form-data; boundary=" + BOUNDARY;
  private static final String FILE =
      part("form-data; name=\"file\"; filename=\"a.wav\"", "RIFF\r\n--b0und\r\n--\u0000\u0001");
  private static final String MODEL = part("form-data; name=\"model\"", "whisper-1");

  private static String part(String disposition, String value) {
    return "--"
        + BOUNDARY
        + "\r\nContent-Disposition: "
        + disposition
        + "\r\n\r\n"
        + value
        + "\r\n";
  }

  private static String form(String... parts) {
    return String.join("", parts) + "--" + BOUNDARY + "--\r\n";
  }

  private static MultipartReader reader() {
    return Objects.requireNonNull(MultipartReader.create(TYPE));
  }

  private static FormReading read(String form) {
    byte[] body = form.getBytes(StandardCharsets.ISO_8859_1);
    MultipartReader whole = reader();
    whole.accept(ByteBuffer.wrap(body));
    FormReading reading = whole.end();
    MultipartReader bytewise = reader();
    for (int i = 0; i < body.length; i++) {
      bytewise.accept(ByteBuffer.wrap(body, i, 1));
    }
    assertThat(bytewise.end()).isEqualTo(reading);
    return reading;
  }

  private static CheckedForm checked(String form) {
    FormReading reading = read(form);
    assertThat(reading).isInstanceOf(CheckedForm.class);
    return (CheckedForm) reading;
  }

  private static void refused(String form) {
    assertThat(read(form)).as(form).isInstanceOf(MalformedBody.class);
  }

  private static List<String> texts(CheckedForm form, String whole) {
    byte[] bytes = whole.getBytes(StandardCharsets.ISO_8859_1);
    return form.texts().stream()
        .map(
            text -> {
              String there =
                  new String(bytes, (int) text.offset(), text.length(), StandardCharsets.UTF_8);
              assertThat(there).isEqualTo(text.text());
              return there;
            })
        .toList();
  }

  @Test
  void whatAModelMayReadIsKeptWithItsPlace() {
    String prompt = part("form-data; name=\"prompt\"", "a\r\n--b0undary \u00c3\u00bc");
    String file = part("form-data; name=\"prompt\"; filename=\"p\"", "as a file");
    String words = part("form-data; name=\"hotwords\"", "llmguard");
    String language = part("form-data; name=\"language\"", "en");
    String sound = part("form-data; name=\"more\"; filename=\"b.wav\"", "RIFF");
    String whole = form(prompt, FILE, words, language, MODEL, sound);
    CheckedForm form = checked(whole);
    assertThat(texts(form, whole)).containsExactly("a\r\n--b0undary ü", "llmguard");
    assertThat(form.textsComplete()).isTrue();
    // some servers take it as it comes
    whole = form(FILE, MODEL, file);
    assertThat(texts(checked(whole), whole)).containsExactly("as a file");
    assertThat(checked(form(FILE, MODEL)).texts()).isEmpty();
  }

  @Test
  void whatCannotBeKeptIsSaid() {
    String latin = part("form-data; name=\"prompt\"", "caf\u00e9");
    String utf16 =
        part("form-data; name=\"prompt\"\r\nContent-Type: text/plain; charset=utf-16", "a");
    String half = "a".repeat(40_000);
    for (String form :
        new String[] {
          form(latin, MODEL),
          form(utf16, MODEL),
          form(part("form-data; name=\"prompt\"", "a".repeat(65_537)), MODEL),
          form(part("form-data; name=\"prompt\"", half), MODEL, part("form-data; name=\"x\"", half))
        }) {
      assertThat(checked(form).textsComplete()).isFalse();
    }
    CheckedForm most = checked(form(part("form-data; name=\"prompt\"", "a".repeat(65_000)), MODEL));
    assertThat(most.textsComplete()).isTrue();
    assertThat(most.texts().get(0).length()).isEqualTo(65_000);
  }

  @Test
  void fieldsAreFoundBeforeAndAfterTheFile() {
    String stream = part("form-data; name=stream", "true");
    String format = part("form-data; name=\"response_format\"", "verbose_json");
    for (String form :
        new String[] {
          form(FILE, MODEL, stream, format),
          form(MODEL, stream, format, FILE),
          form(stream, FILE, format, MODEL)
        }) {
      CheckedForm checked = checked(form);
      assertThat(checked.call().model()).isEqualTo("whisper-1");
      assertThat(checked.call().operation()).isEqualTo(Operation.OPENAI_TRANSCRIPTIONS);
      assertThat(checked.call().stream()).isTrue();
      assertThat(checked.call().details().models()).containsExactly("whisper-1");
      assertThat(checked.responseFormat()).isEqualTo("verbose_json");
      int at = (int) checked.modelOffset();
      assertThat(form.substring(at, at + checked.modelLength())).isEqualTo("whisper-1");
    }
  }

  @Test
  void otherFieldsListsAndTypesPass() {
    CheckedForm checked =
        checked(
            form(
                part("form-data; name=\"timestamp_granularities[]\"", "word"),
                part("form-data; name=\"timestamp_granularities[]\"", "segment"),
                part("form-data; name=\"language\"", ""),
                part(
                    "form-data; name=\"model\"\r\nContent-Type: text/plain; charset=UTF-8"
                        + "\r\nContent-Length: 1",
                    "m"),
                part(
                    "form-data; name=\"file\"; filename=\"\u00c3\u00a9.wav\"; filename*=utf-8''x"
                        + "\r\nContent-Type: audio/wav",
                    "")));
    assertThat(checked.call().model()).isEqualTo("m");
    assertThat(checked.call().stream()).isFalse();
    assertThat(checked.responseFormat()).isNull();
  }

  @Test
  void aModelThatComesTwiceOrInAnotherCaseIsRefused() {
    refused(form(FILE, MODEL, MODEL));
    refused(form(MODEL, part("form-data; name=\"Model\"", "x")));
    refused(form(part("form-data; name=\"MODEL\"", "x")));
    refused(form(MODEL, part("form-data; name=\"x\"", "1"), part("form-data; name=\"X\"", "1")));
    refused(form(MODEL, part("form-data; name=\"model\"; name=\"file\"", "x")));
    refused(form(MODEL, part("form-data; name=\"file\"; NAME=\"model\"", "x")));
    refused(form(MODEL, part("form-data; name*=utf-8''model", "x")));
    refused(form(MODEL, part("form-data; name=\"_charset_\"", "utf-16")));
  }

  @Test
  void aModelThatComesAsAFileOrInAnotherEncodingIsRefused() {
    refused(form(part("form-data; name=\"model\"; filename=\"x\"", "m")));
    refused(form(part("form-data; name=\"model\"; filename*=utf-8''x", "m")));
    refused(
        form(part("form-data; name=\"model\"\r\nContent-Type: text/plain; charset=utf-16", "m")));
    refused(form(part("form-data; name=\"model\"\r\nContent-Type: application/json", "m")));
    refused(form(part("form-data; name=\"model\"\r\nContent-Transfer-Encoding: base64", "bQ==")));
    refused(form(part("form-data; name=\"model\"", "m\u00ff")));
    refused(form(part("form-data; name=\"model\"", "m\u0000")));
    refused(form(part("form-data; name=\"model\"", "m".repeat(1_025))));
    refused(form(part("form-data; name=\"model\"", "m".repeat(1_000_000))));
    refused(form(MODEL, part("form-data; name=\"stream\"", "1")));
  }

  @Test
  void aFormWithoutAModelIsRefused() {
    assertThat(read(form(FILE)))
        .isInstanceOfSatisfying(
            MalformedBody.class, why -> assertThat(why.reason()).isEqualTo("model-missing"));
    refused(form(part("form-data; name=\"model\"", "")));
    refused(form());
    refused("");
  }

  @Test
  void theBoundaryStandsOnLinesOfItsOwnFromTheFirstByteToTheLast() {
    String whole = form(FILE, MODEL);
    checked(whole);
    checked(whole.substring(0, whole.length() - 2));
    for (int cut = 0; cut < whole.length() - 2; cut++) {
      refused(whole.substring(0, cut));
    }
    refused(whole.substring(0, whole.length() - 1));
    refused("\r\n" + whole);
    refused("preamble\r\n" + whole);
    refused(whole + "x");
    refused(whole + whole);
    refused(whole.replace("\r\n", "\n"));
    refused(whole.replaceFirst("RIFF", "RIFF\n--" + BOUNDARY));
    refused(whole.replaceFirst("RIFF", "RIFF--" + BOUNDARY));
    refused(whole.replaceFirst("RIFF", "RIFF\r\n--" + BOUNDARY + "x"));
    refused(whole.replaceFirst("RIFF", "RIFF\r\n--" + BOUNDARY + " "));
    refused(whole.replaceFirst("RIFF\r\n", "--" + BOUNDARY));
    refused(form(MODEL, "--" + BOUNDARY + "\r\n\r\nx\r\n"));
    refused(form(MODEL, "--" + BOUNDARY + "\r\nContent-Type: a/b\r\n\r\nx\r\n"));
  }

  @Test
  void headersThatReadersReadDifferentlyAreRefused() {
    refused(form(MODEL, part("form-data;\r\n name=\"file\"", "x")));
    refused(form(MODEL, part("form-data; name=\"file\"\r\n\tx: y", "x")));
    refused(form(MODEL, part("form-data; name=\"file\"\nX: y", "x")));
    refused(form(MODEL, part("form-data; name=\"file\"\r\nContent-Disposition: form-data", "x")));
    refused(form(MODEL, part("form-data; name=\"file\"\r\nno header", "x")));
    refused(form(MODEL, part("form-data; name=\"fi\\\"le\"", "x")));
    refused(form(MODEL, part("form-data; name=\"file\"; filename=\"\\\"; name=\\\"model\"", "x")));
    refused(form(MODEL, part("form-data; name=\"file", "x")));
    refused(form(MODEL, part("form-data; name=\"file\" x=y", "x")));
    refused(form(MODEL, part("form-data; name=\"file\"; x=y", "x")));
    refused(form(MODEL, part("form-data", "x")));
    refused(form(MODEL, part("attachment; name=\"file\"", "x")));
    refused(
        form(MODEL, part("form-data; name=\"file\"; filename=\"" + "x".repeat(9_000) + "\"", "x")));
    refused(form(MODEL, part("form-data; name=\"a[]\"", "x").repeat(100)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/json",
        "multipart/mixed; boundary=b0undary-b0undary",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=short",
        "multipart/form-data; boundary=\"b0undary b0undary\"",
        "multipart/form-data; boundary=\"b0undary\\b0undary\"",
        "multipart/form-data; boundary=b0undary-1; boundary=b0undary-2",
        "multipart/form-data; boundary=b0undary-1; charset=utf-16",
        "multipart/form-data; boundary=b0undary-b0undary-b0undary-b0undary-b0undary-b0undary-"
            + "b0undary-b0undary",
        "multipart/form-data boundary=b0undary-b0undary",
        "multipart/form-data, multipart/form-data; boundary=b0undary-b0undary"
      })
  void oddContentTypesAreNoForms(String type) {
    assertThat(MultipartReader.create(type)).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "multipart/form-data; boundary=b0undary-b0undary",
    "Multipart/Form-Data; Boundary=\"b0undary-b0undary\"",
    "multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"
  })
  void usualContentTypesAre(String type) {
    assertThat(MultipartReader.create(type)).isNotNull();
  }

  @Test
  void noPartOfAFormIsQuotedInARefusal() {
    FormReading reading = read(form(part("form-data; name=\"hunter2\"; hunter2=1", "hunter2")));
    assertThat(reading.toString()).doesNotContain("hunter2");
  }

  @Test
  void randomDamageNeverThrowsAndNeverDependsOnTheSplit() {
    Random random = new Random(23);
    byte[] whole = form(FILE, MODEL).getBytes(StandardCharsets.ISO_8859_1);
    int passed = 0;
    for (int round = 0; round < 20_000; round++) {
      byte[] body = whole.clone();
      for (int i = random.nextInt(3); i >= 0; i--) {
        body[random.nextInt(body.length)] =
            random.nextBoolean() ? (byte) random.nextInt(256) : body[random.nextInt(body.length)];
      }
      FormReading reading = read(new String(body, StandardCharsets.ISO_8859_1));
      passed += reading instanceof CheckedForm ? 1 : 0;
    }
    assertThat(passed).isBetween(100, 15_000);
  }

  @Test
  void aLargeFilePassesThroughTheSpoolAndIsDeleted(@TempDir Path directory) throws IOException {
    byte[] head =
        part("form-data; name=\"file\"; filename=\"a\"", "").getBytes(StandardCharsets.US_ASCII);
    byte[] fill = new byte[1 << 16];
    new Random(5).nextBytes(fill);
    MultipartReader reader = reader();
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    Path file;
    try (Spool spool = Spool.create(directory, 100_000_000)) {
      file = spool.file();
      pass(head, reader, spool, sent);
      for (int i = 0; i < 160; i++) {
        pass(fill, reader, spool, sent);
      }
      pass(("\r\n" + form(MODEL)).getBytes(StandardCharsets.US_ASCII), reader, spool, sent);
      assertThat(((CheckedForm) reader.end()).call().model()).isEqualTo("whisper-1");
      assertThat(spool.length()).isEqualTo(sent.size());
      assertThat(Files.readAllBytes(file)).isEqualTo(sent.toByteArray());
    }
    assertThat(file).doesNotExist();
  }

  private static void pass(
      byte[] bytes, MultipartReader reader, Spool spool, ByteArrayOutputStream sent)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    assertThat(reader.accept(buffer)).isNull();
    assertThat(spool.write(buffer)).isTrue();
    sent.writeBytes(bytes);
  }

  @Test
  void aSpoolTakesNoMoreThanItsLimit(@TempDir Path directory) throws IOException {
    try (Spool spool = Spool.create(directory, 5)) {
      assertThat(spool.write(ByteBuffer.wrap(new byte[3]))).isTrue();
      assertThat(spool.write(ByteBuffer.wrap(new byte[3]))).isFalse();
      assertThat(spool.length()).isEqualTo(3);
      assertThat(spool.write(ByteBuffer.wrap(new byte[2]))).isTrue();
    }
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void onlyItsOwnerMayReadASpool(@TempDir Path directory) throws IOException {
    Assumptions.assumeTrue(
        FileSystems.getDefault().supportedFileAttributeViews().contains("posix"),
        "a file system without modes");
    try (Spool spool = Spool.create(directory, 5)) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(spool.file())))
          .isEqualTo("rw-------");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"whisper:cloud ", " whisper", "whisper: cloud", "whisper\u00c2\u00a0"})
  void aModelsNameHasNothingInvisibleInIt(String model) {
    assertThat(read(form(FILE, MODEL.replace("whisper-1", model))))
        .isInstanceOf(MalformedBody.class);
  }
}
