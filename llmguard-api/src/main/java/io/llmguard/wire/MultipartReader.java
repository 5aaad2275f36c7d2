package io.llmguard.wire;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the fields of a {@code multipart/form-data} body (RFC 7578) as its bytes pass on to a
 * spool, split anywhere, and keeps nothing of its files. Of the texts that a model may read it
 * keeps up to 64 KiB in all.
 *
 * <p>A form passes only if every reader that an upstream may use finds the same fields in it: it
 * begins and ends with its boundary, lines end with CRLF, the boundary stands nowhere else, headers
 * are not folded, no field comes twice (those aside whose name ends in {@code []}), and none that
 * the guard knows is spelled in another case. Fields that policy reads have no file name and are
 * UTF-8.
 *
 * <p>One reader reads one body, by one thread at a time.
 */
public final class MultipartReader {
  private static final int LONGEST_HEAD = 8_192;
  private static final int LONGEST_VALUE = 1_024;
  private static final int LONGEST_TEXT = 65_536;
  private static final int MOST_PARTS = 64;
  private static final int SHORTEST_BOUNDARY = 8;
  private static final int LONGEST_BOUNDARY = 70;
  private static final int RECENT = 128;

  private static final Set<String> READ = Set.of("model", "stream", "response_format");
  private static final Set<String> KNOWN =
      Set.of(
          "model",
          "stream",
          "response_format",
          "file",
          "language",
          "prompt",
          "temperature",
          "task");

  private enum State {
    START,
    AFTER_DELIMITER,
    HEAD,
    DATA,
    END
  }

  private final byte[] delimiter;
  private final int[] fallback;
  private final byte[] recent = new byte[RECENT];
  private State state = State.START;
  private long offset;
  private int matched;
  private int tail;
  private long dataStart;
  private final ByteArrayOutputStream text = new ByteArrayOutputStream();
  private @Nullable String field;
  private boolean kept;
  private boolean tooLong;
  private int textBytes;
  private final List<CheckedForm.Text> texts = new ArrayList<>(1);
  private final List<CheckedForm.Part> parts = new ArrayList<>(4);
  private List<String> lines = List.of();
  private String name = "";
  private @Nullable String fileName;
  private boolean textsComplete = true;
  private final Set<String> names = new HashSet<>();
  private final Map<String, String> values = new HashMap<>();
  private long modelOffset;
  private int modelLength;
  private int count;
  private @Nullable MalformedBody malformed;

  private MultipartReader(String boundary) {
    this.delimiter = ("--" + boundary).getBytes(StandardCharsets.US_ASCII);
    this.fallback = fallback(delimiter);
  }

  /**
   * A reader of one body; null if this is not the content type of a form, or its boundary is not
   * one of 8 to 70 letters, digits and {@code '()+_,-./:=?}: the call is to be refused with 415.
   *
   * @param contentType the call's {@code Content-Type}
   */
  public static @Nullable MultipartReader create(@Nullable String contentType) {
    FormHeader type = contentType == null ? null : FormHeader.parse(contentType);
    if (type == null || !type.value().equals("multipart/form-data")) {
      return null;
    }
    String boundary = type.parameters().get("boundary");
    if (boundary == null || type.parameters().size() != 1 || !isBoundary(boundary)) {
      return null;
    }
    return new MultipartReader(boundary);
  }

  private static boolean isBoundary(String boundary) {
    if (boundary.length() < SHORTEST_BOUNDARY || boundary.length() > LONGEST_BOUNDARY) {
      return false;
    }
    for (int i = 0; i < boundary.length(); i++) {
      char c = boundary.charAt(i);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!letter && "'()+_,-./:=?".indexOf(c) < 0) {
        return false;
      }
    }
    return true;
  }

  /** How much of the pattern still matches after its first {@code i} bytes did and one did not. */
  private static int[] fallback(byte[] pattern) {
    int[] table = new int[pattern.length + 1];
    int length = 0;
    for (int i = 1; i < pattern.length; i++) {
      while (length > 0 && pattern[i] != pattern[length]) {
        length = table[length];
      }
      if (pattern[i] == pattern[length]) {
        length++;
      }
      table[i + 1] = length;
    }
    return table;
  }

  /**
   * Reads the remaining bytes and leaves their position as it was.
   *
   * @return why the form is refused, as soon as that is known, else null
   */
  public @Nullable MalformedBody accept(ByteBuffer bytes) {
    for (int i = bytes.position(); i < bytes.limit() && malformed == null; i++) {
      byte b = bytes.get(i);
      accept(b);
      recent[(int) (offset & (RECENT - 1))] = b;
      offset++;
    }
    return malformed;
  }

  /** Ends the reading, once the whole body was read. */
  public FormReading end() {
    if (malformed == null && (state != State.END || (tail != 0 && tail != 2))) {
      bad("the form does not end with its boundary");
    }
    String model = values.get("model");
    if (malformed != null) {
      return malformed;
    }
    if (model == null || model.isEmpty()) {
      return new MalformedBody("model-missing", "the form names no model", offset, "model");
    }
    Call call =
        new Call(
            Operation.OPENAI_TRANSCRIPTIONS,
            model,
            "true".equals(values.get("stream")),
            null,
            null,
            CallDetails.ofModel(model));
    return new CheckedForm(
        call,
        values.get("response_format"),
        modelOffset,
        modelLength,
        texts,
        textsComplete,
        new String(delimiter, StandardCharsets.US_ASCII),
        parts);
  }

  private void accept(byte b) {
    switch (state) {
      case START -> {
        if (b != delimiter[matched]) {
          bad("the form does not begin with its boundary");
        } else if (++matched == delimiter.length) {
          afterDelimiter();
        }
      }
      case AFTER_DELIMITER -> delimiterEnd(b);
      case HEAD -> head(b);
      case DATA -> data(b);
      case END -> {
        if (tail > 1 || b != (tail == 0 ? '\r' : '\n')) {
          bad("something stands after the form's end");
        }
        tail++;
      }
    }
  }

  private void afterDelimiter() {
    matched = 0;
    tail = 0;
    state = State.AFTER_DELIMITER;
  }

  /** After a boundary comes a line break, or two hyphens at the form's end. */
  private void delimiterEnd(byte b) {
    if (tail == 0) {
      if (b != '\r' && b != '-') {
        bad("a boundary does not end its line");
      }
      tail = b == '-' ? 2 : 1;
    } else if (b != (tail == 2 ? '-' : '\n')) {
      bad("a boundary does not end its line");
    } else if (tail == 2) {
      state = State.END;
      tail = 0;
    } else {
      state = State.HEAD;
      text.reset();
      count++;
      if (count > MOST_PARTS) {
        bad("the form has too many parts");
      }
    }
  }

  private void head(byte b) {
    if (text.size() == LONGEST_HEAD) {
      bad("a part's head is too long");
      return;
    }
    text.write(b);
    if (b == '\n' && endsHead()) {
      byte[] head = text.toByteArray();
      if (head.length <= 4 || Unicode.firstMalformed(head) >= 0) {
        bad("a part's head is empty, or not UTF-8");
        return;
      }
      part(new String(head, StandardCharsets.UTF_8));
      text.reset();
      dataStart = offset + 1;
      state = State.DATA;
    }
  }

  private boolean endsHead() {
    return before(0) == '\r' && before(1) == '\n' && before(2) == '\r';
  }

  /** A byte that came before the one that is being read. */
  private byte before(int distance) {
    return recent[(int) ((offset - 1 - distance) & (RECENT - 1))];
  }

  private void part(String head) {
    FormHeader disposition = null;
    FormHeader type = null;
    lines = List.of(head.substring(0, head.length() - 4).split("\r\n", -1));
    for (String line : lines) {
      int colon = line.indexOf(':');
      if (colon < 1 || !isHeaderName(line.substring(0, colon)) || hasControl(line)) {
        bad("a part's head has a line that is no header, or a folded one");
        return;
      }
      FormHeader value;
      switch (line.substring(0, colon).toLowerCase(Locale.ROOT)) {
        case "content-disposition" -> {
          value = disposition == null ? FormHeader.parse(line.substring(colon + 1)) : null;
          disposition = value;
        }
        case "content-type" -> {
          value = type == null ? FormHeader.parse(line.substring(colon + 1)) : null;
          type = value;
        }
        case "content-transfer-encoding" -> value = null;
        default -> {
          continue;
        }
      }
      if (value == null) {
        bad("a part's head has a header that comes twice, is not well-formed or not allowed");
        return;
      }
    }
    named(disposition, type);
  }

  private static boolean isHeaderName(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c != '-' && (c < '0' || c > 'z' || !Character.isLetterOrDigit(c))) {
        return false;
      }
    }
    return true;
  }

  private static boolean hasControl(String line) {
    return line.chars().anyMatch(c -> (c < 0x20 && c != '\t') || c == 0x7f);
  }

  private void named(@Nullable FormHeader disposition, @Nullable FormHeader type) {
    String given = disposition == null ? null : disposition.parameters().get("name");
    if (disposition == null || given == null || !disposition.value().equals("form-data")) {
      bad("a part has no name");
      return;
    }
    name = given;
    fileName = disposition.parameters().get("filename");
    Set<String> parameters = disposition.parameters().keySet();
    if (!Set.of("name", "filename", "filename*").containsAll(parameters)) {
      bad("a part's disposition has an unknown parameter");
      return;
    }
    String folded = FieldNames.fold(name);
    boolean known = KNOWN.contains(folded);
    if ((known && !folded.equals(name)) || folded.equals("_charset_")) {
      bad("a field's name is spelled in another case, or changes how others are read");
      return;
    }
    if (!names.add(folded) && !name.endsWith("[]")) {
      bad("a field comes twice");
      return;
    }
    field = READ.contains(name) ? name : null;
    kept = name.equals("prompt") || (!known && parameters.size() == 1);
    if (kept && !isUnicode(type)) {
      kept = false;
      textsComplete = false;
    }
    tooLong = false;
    if (field != null && (parameters.size() > 1 || !isPlainText(type))) {
      bad("a field that must be text comes as a file or in another encoding");
    }
  }

  private static boolean isPlainText(@Nullable FormHeader type) {
    if (type == null) {
      return true;
    }
    return type.value().equals("text/plain") && isUnicode(type);
  }

  private static boolean isUnicode(@Nullable FormHeader type) {
    String charset = type == null ? "utf-8" : type.parameters().getOrDefault("charset", "utf-8");
    return charset.equalsIgnoreCase("utf-8") || charset.equalsIgnoreCase("us-ascii");
  }

  private void data(byte b) {
    while (matched > 0 && b != delimiter[matched]) {
      matched = fallback[matched];
    }
    if (b == delimiter[matched]) {
      matched++;
    }
    if (field != null) {
      if (text.size() > LONGEST_VALUE + delimiter.length) {
        bad("a field's value is too long");
        return;
      }
      text.write(b);
    } else if (kept && !tooLong) {
      tooLong = textBytes + text.size() > LONGEST_TEXT;
      text.write(b);
    }
    if (matched == delimiter.length) {
      if (before(delimiter.length - 1) != '\n'
          || before(delimiter.length) != '\r'
          || offset - delimiter.length - 1 < dataStart) {
        bad("the boundary stands in the middle of a line");
        return;
      }
      long end = offset - delimiter.length - 1;
      parts.add(new CheckedForm.Part(name, fileName, lines, dataStart, end - dataStart));
      endPart();
      afterDelimiter();
    }
  }

  private void endPart() {
    if (kept) {
      keepText();
    }
    if (field == null) {
      return;
    }
    byte[] all = text.toByteArray();
    byte[] value = Arrays.copyOf(all, all.length - delimiter.length - 2);
    if (value.length > LONGEST_VALUE || Unicode.firstMalformed(value) >= 0) {
      bad("a field's value is too long, or not UTF-8");
      return;
    }
    String string = new String(value, StandardCharsets.UTF_8);
    boolean sound =
        switch (field) {
          case "stream" -> string.equals("true") || string.equals("false");
          case "model" -> !Unicode.hasInvisible(string);
          default -> string.chars().noneMatch(Character::isISOControl);
        };
    if (!sound) {
      bad("a field has a value that it cannot have");
      return;
    }
    if (field.equals("model")) {
      modelOffset = dataStart;
      modelLength = value.length;
    }
    values.put(field, string);
  }

  /** A value that cannot be kept passes as it is, unless somebody wants to know what it says. */
  private void keepText() {
    byte[] all = text.toByteArray();
    byte[] value = Arrays.copyOf(all, Math.max(0, all.length - delimiter.length - 2));
    if (tooLong || Unicode.firstMalformed(value) >= 0) {
      textsComplete = false;
      return;
    }
    textBytes += value.length;
    texts.add(
        new CheckedForm.Text(dataStart, value.length, new String(value, StandardCharsets.UTF_8)));
  }

  private void bad(String detail) {
    if (malformed == null) {
      malformed = new MalformedBody("invalid-form", detail, offset, "part " + count);
    }
  }
}
