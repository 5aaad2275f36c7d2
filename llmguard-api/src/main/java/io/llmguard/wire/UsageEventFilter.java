package io.llmguard.wire;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.Headers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Takes the event with the token counts out of a stream of OpenAI's API, whose client did not ask
 * for it: the one with {@code "choices":[]} and a {@code usage}. Every other byte passes as it is.
 *
 * <p>A line that may be that event is held back until its end; lines of more than 64 KiB never are.
 */
public final class UsageEventFilter implements AnswerTransform {
  private static final int LONGEST = 64 * 1024;
  private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] USAGE = "\"usage\"".getBytes(StandardCharsets.US_ASCII);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Buffer line = new Buffer();
  private final Buffer out = new Buffer();

  /** True in a line that is let through as it comes. */
  private boolean passing;

  /** True behind an event that was taken out, whose empty line goes too. */
  private boolean swallowing;

  private UsageEventFilter() {}

  /** The filter of an answer with this head, or null where there is nothing to take out. */
  public static @Nullable AnswerTransform of(int status, Headers headers) {
    String type = headers.first("Content-Type");
    String coding = headers.first("Content-Encoding");
    boolean events =
        type != null && type.strip().toLowerCase(Locale.ROOT).startsWith("text/event-stream");
    boolean plain = coding == null || coding.strip().equalsIgnoreCase("identity");
    return status == 200 && events && plain ? new UsageEventFilter() : null;
  }

  @Override
  public ByteBuffer apply(ByteBuffer piece) {
    out.reset();
    while (piece.hasRemaining()) {
      byte b = piece.get();
      if (passing) {
        out.write(b);
        passing = b != '\n';
        continue;
      }
      line.write(b);
      if (b == '\n') {
        endLine();
      } else if (line.size() > LONGEST || !line.mayBeData()) {
        if (!(swallowing && b == '\r')) {
          release();
          passing = true;
        }
      }
    }
    return out.view();
  }

  private void endLine() {
    boolean empty = line.size() == 1 || (line.size() == 2 && line.at(0) == '\r');
    if (swallowing && empty) {
      line.reset();
    } else if (line.contains(USAGE) && isUsage()) {
      line.reset();
      swallowing = true;
      return;
    } else {
      line.moveTo(out);
    }
    swallowing = false;
  }

  private void release() {
    line.moveTo(out);
    swallowing = false;
  }

  private boolean isUsage() {
    try {
      JsonNode event = JSON.readTree(line.text().substring(DATA.length));
      JsonNode choices = event.get("choices");
      JsonNode usage = event.get("usage");
      return choices != null
          && choices.isArray()
          && choices.isEmpty()
          && usage != null
          && usage.isObject();
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public ByteBuffer end() {
    out.reset();
    release();
    return out.view();
  }

  /** Bytes that grow. */
  private static final class Buffer extends ByteArrayOutputStream {
    byte at(int index) {
      return buf[index];
    }

    boolean mayBeData() {
      int known = Math.min(count, DATA.length);
      for (int i = 0; i < known; i++) {
        if (buf[i] != DATA[i]) {
          return false;
        }
      }
      return true;
    }

    boolean contains(byte[] word) {
      for (int i = 0; i + word.length <= count; i++) {
        int at = 0;
        while (at < word.length && buf[i + at] == word[at]) {
          at++;
        }
        if (at == word.length) {
          return true;
        }
      }
      return false;
    }

    String text() {
      return toString(StandardCharsets.UTF_8);
    }

    void moveTo(Buffer other) {
      other.write(buf, 0, count);
      reset();
    }

    ByteBuffer view() {
      return ByteBuffer.wrap(buf, 0, count);
    }
  }
}
