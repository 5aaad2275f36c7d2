package io.llmguard.inspect.internal;

import io.llmguard.wire.AnswerTexts;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A line, an event or a whole answer, held back until every text in it is decided. */
final class Piece {
  /** A stretch of one of its texts. */
  private record Stretch(InspectedText of, long from, String text) {}

  private final byte[] bytes;
  private final int[] data;
  private final @Nullable AnswerTexts texts;
  private final List<Stretch> stretches = new ArrayList<>(2);

  /**
   * A piece.
   *
   * @param data where its JSON stands in it: for each line of it, start and end
   * @param texts what is read there, or null if nothing is
   */
  Piece(byte[] bytes, int[] data, @Nullable AnswerTexts texts) {
    this.bytes = bytes;
    this.data = data;
    this.texts = texts;
  }

  int length() {
    return bytes.length;
  }

  void stretch(InspectedText of, long from, String text) {
    stretches.add(new Stretch(of, from, text));
  }

  boolean isFree() {
    for (Stretch stretch : stretches) {
      if (stretch.from() + stretch.text().length() > stretch.of().free()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Writes it as it goes on.
   *
   * @param changed true if something was taken out of the answer before
   * @return true if something was taken out of it by now
   */
  boolean write(ByteArrayOutputStream out, boolean changed) {
    AnswerTexts read = texts;
    if (read == null) {
      out.writeBytes(bytes);
      return changed;
    }
    boolean now = changed;
    List<String> others = new ArrayList<>(stretches.size());
    boolean same = !read.showsTokens();
    for (Stretch stretch : stretches) {
      String other = stretch.of().masked(stretch.from(), stretch.text());
      others.add(other);
      boolean kept = other.equals(stretch.text());
      same &= kept;
      now |= !kept;
    }
    if (same && !(now && read.showsContext())) {
      out.writeBytes(bytes);
    } else {
      replace(read.with(others, now), out);
    }
    return now;
  }

  private void replace(byte[] json, ByteArrayOutputStream out) {
    out.write(bytes, 0, data[0]);
    if (data.length == 2) {
      out.writeBytes(json);
    } else {
      // its line breaks are white space between values
      for (byte b : json) {
        out.write(b == '\n' || b == '\r' ? ' ' : b);
      }
    }
    int end = data[data.length - 1];
    out.write(bytes, end, bytes.length - end);
  }
}
