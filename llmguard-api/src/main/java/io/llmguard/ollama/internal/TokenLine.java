package io.llmguard.ollama.internal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The line that Ollama writes for almost every token: always the same but for its time and its
 * text. Such a line is taken apart without a parser; any other, were it by one byte, is the
 * parser's. Not thread-safe.
 */
final class TokenLine {
  private static final String BEFORE_MODEL = "{\"model\":\"";
  private static final String BEFORE_TIME = "\",\"created_at\":\"";

  private final byte[] beforeText;
  private final byte[] afterText;
  private final Instants instants;
  private byte @Nullable [] beforeTime;
  private String model = "";
  private @Nullable Instant createdAt;
  private String text = "";

  /** With what stands between the time and the text, and behind the text. */
  TokenLine(String beforeText, String afterText, Instants instants) {
    this.beforeText = beforeText.getBytes(US_ASCII);
    this.afterText = afterText.getBytes(US_ASCII);
    this.instants = instants;
  }

  /** Sets the model whose lines are to come. */
  void expect(String name) {
    model = name;
    byte[] bytes = name.getBytes(UTF_8);
    beforeTime =
        plain(bytes, 0, bytes.length) ? (BEFORE_MODEL + name + BEFORE_TIME).getBytes(UTF_8) : null;
  }

  /** Reads a line; false where it is for the parser. */
  boolean read(byte[] line, int from, int to) {
    byte[] start = beforeTime;
    int textEnd = to - afterText.length;
    if (start == null
        || textEnd - from < start.length + beforeText.length
        || !Arrays.equals(line, from, from + start.length, start, 0, start.length)
        || !Arrays.equals(line, textEnd, to, afterText, 0, afterText.length)) {
      return false;
    }
    int time = from + start.length;
    int timeEnd = time;
    while (timeEnd < textEnd && line[timeEnd] != '"') {
      timeEnd++;
    }
    int textStart = timeEnd + beforeText.length;
    if (textStart > textEnd
        || !Arrays.equals(line, timeEnd, textStart, beforeText, 0, beforeText.length)
        || !plain(line, textStart, textEnd)) {
      return false;
    }
    createdAt = instants.utc(line, time, timeEnd - time);
    return createdAt != null && decoded(line, textStart, textEnd - textStart);
  }

  /** Whether JSON's string has these bytes as they are. */
  private static boolean plain(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      byte b = bytes[i];
      if (b == '"' || b == '\\' || (b >= 0 && b < ' ')) {
        return false;
      }
    }
    return true;
  }

  private boolean decoded(byte[] line, int from, int length) {
    int all = 0;
    for (int i = from; i < from + length; i++) {
      all |= line[i];
    }
    if (all >= 0) {
      text = new String(line, from, length, ISO_8859_1);
      return true;
    }
    text = new String(line, from, length, UTF_8);
    // what is no UTF-8 is refused by the parser, which tells it from a real U+FFFD
    return text.indexOf('\uFFFD') < 0;
  }

  String model() {
    return model;
  }

  @Nullable Instant createdAt() {
    return createdAt;
  }

  String text() {
    return text;
  }
}
