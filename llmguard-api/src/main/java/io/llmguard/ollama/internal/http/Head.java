package io.llmguard.ollama.internal.http;

import java.net.ProtocolException;
import java.net.http.HttpHeaders;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The status line and the fields of an answer (RFC 9112), read as they come. Not thread-safe. */
final class Head {
  private static final int LONGEST = 64 * 1024;

  private byte[] line = new byte[256];
  private int length;
  private int total;
  private int status;
  private boolean oldVersion;
  private final Map<String, List<String>> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

  /**
   * Reads on; true where the head is whole, and nothing behind it was read.
   *
   * @throws ProtocolException where it is none
   */
  boolean read(ByteBuffer in) throws ProtocolException {
    while (in.hasRemaining()) {
      byte b = in.get();
      if (++total > LONGEST) {
        throw new ProtocolException("a head of more than " + LONGEST + " bytes");
      }
      if (b != '\n') {
        if (length == line.length) {
          line = Arrays.copyOf(line, 2 * length);
        }
        line[length++] = b;
        continue;
      }
      int end = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
      length = 0;
      if (status == 0) {
        status(end);
      } else if (end > 0) {
        field(end);
      } else if (status / 100 == 1 && status != 101) {
        // 100 Continue, 103 Early Hints: the real one follows
        status = 0;
        fields.clear();
      } else {
        return true;
      }
    }
    return false;
  }

  private void status(int end) throws ProtocolException {
    String text = new String(line, 0, end, StandardCharsets.ISO_8859_1);
    boolean known =
        end >= 12
            && (text.startsWith("HTTP/1.1 ") || text.startsWith("HTTP/1.0 "))
            && (end == 12 || text.charAt(12) == ' ');
    int code = 0;
    for (int i = 9; known && i < 12; i++) {
      int digit = line[i] - '0';
      known = digit >= 0 && digit <= 9;
      code = code * 10 + digit;
    }
    if (!known || code < 100) {
      throw new ProtocolException("a status line that is none");
    }
    status = code;
    oldVersion = text.charAt(7) == '0';
  }

  private void field(int end) throws ProtocolException {
    int colon = 0;
    while (colon < end && token(line[colon])) {
      colon++;
    }
    if (colon == 0 || colon == end || line[colon] != ':') {
      throw new ProtocolException("a field that is none");
    }
    int from = colon + 1;
    int to = end;
    while (from < to && (line[from] == ' ' || line[from] == '\t')) {
      from++;
    }
    while (to > from && (line[to - 1] == ' ' || line[to - 1] == '\t')) {
      to--;
    }
    for (int i = from; i < to; i++) {
      if (line[i] >= 0 && line[i] < ' ' && line[i] != '\t') {
        throw new ProtocolException("a field with a control character");
      }
    }
    String name = new String(line, 0, colon, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
    String value = new String(line, from, to - from, StandardCharsets.ISO_8859_1);
    fields.computeIfAbsent(name, n -> new ArrayList<>(1)).add(value);
  }

  private static boolean token(byte b) {
    return b > ' ' && b < 127 && "()<>@,;:\\\"/[]?={}".indexOf(b) < 0;
  }

  int status() {
    return status;
  }

  HttpHeaders headers() {
    return HttpHeaders.of(fields, (name, value) -> true);
  }

  /** Whether the connection may serve another call after this answer. */
  boolean keepsConnection() {
    // a body that this status cannot have may come all the same, and be taken for the next answer
    boolean announced =
        fields.containsKey("transfer-encoding")
            || !fields.getOrDefault("content-length", List.of("0")).equals(List.of("0"));
    return !(status == 204 && announced) && !oldVersion && !has("connection", "close");
  }

  /** Whether a field's list has this member. */
  private boolean has(String name, String member) {
    for (String value : fields.getOrDefault(name, List.of())) {
      for (String part : value.split(",", -1)) {
        if (part.strip().equalsIgnoreCase(member)) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * How the body is framed.
   *
   * @throws ProtocolException where that is not one way alone
   */
  Body body() throws ProtocolException {
    if (status == 204 || status == 304) {
      return Body.ofLength(0);
    }
    List<String> coded = fields.getOrDefault("transfer-encoding", List.of());
    if (!coded.isEmpty()) {
      if (coded.size() != 1
          || !coded.get(0).equalsIgnoreCase("chunked")
          || fields.containsKey("content-length")) {
        throw new ProtocolException("a body framed in a way that is not understood");
      }
      return Body.chunked();
    }
    Long length = length();
    return length == null ? Body.untilClosed() : Body.ofLength(length);
  }

  private @Nullable Long length() throws ProtocolException {
    Long length = null;
    for (String value : fields.getOrDefault("content-length", List.of())) {
      // with a sign it is none; with more digits than these it is no answer either
      if (!value.matches("[0-9]{1,18}") || (length != null && length != Long.parseLong(value))) {
        throw new ProtocolException("a length that is none");
      }
      length = Long.parseLong(value);
    }
    return length;
  }
}
