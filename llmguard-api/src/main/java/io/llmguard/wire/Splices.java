package io.llmguard.wire;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Replaces parts of a text, which are given in the order in which they stand in it. */
final class Splices {
  private final byte[] bytes;
  private final ByteArrayOutputStream out;
  private int from;

  Splices(byte[] bytes) {
    this.bytes = bytes;
    this.out = new ByteArrayOutputStream(bytes.length + 64);
  }

  /** Puts bytes into the place of those from start to end. */
  void replace(int start, int end, byte[] with) {
    out.write(bytes, from, start - from);
    out.writeBytes(with);
    from = end;
  }

  /** Puts a JSON string into the place of the value from start to end. */
  void replace(int start, int end, String with) {
    replace(start, end, quoted(with));
  }

  byte[] result() {
    out.write(bytes, from, bytes.length - from);
    from = bytes.length;
    return out.toByteArray();
  }

  private static byte[] quoted(String text) {
    StringBuilder json = new StringBuilder(text.length() + 2).append('"');
    JsonStringEncoder.getInstance().quoteAsString(Unicode.withoutLoneSurrogates(text), json);
    return json.append('"').toString().getBytes(StandardCharsets.UTF_8);
  }
}
