package io.llmguard.ollama.internal;

import io.llmguard.ollama.OllamaException;
import java.util.Arrays;

/**
 * Finds lines in bytes that come in any pieces. Keeps one array, which grows up to the longest line
 * allowed. Not thread-safe.
 */
final class LineBuffer {
  private final int maxLine;
  private byte[] bytes = new byte[16 * 1024];
  private int start;
  private int scanned;
  private int end;
  private int lineStart;
  private int lineEnd;

  LineBuffer(int maxLine) {
    this.maxLine = maxLine;
  }

  /** Takes these bytes. */
  void add(byte[] source, int from, int count) {
    ensure(count);
    System.arraycopy(source, from, bytes, end, count);
    end += count;
  }

  private void ensure(int more) {
    if (bytes.length - end >= more) {
      return;
    }
    int held = end - start;
    int needed = Math.addExact(held, more);
    byte[] target = needed <= bytes.length ? bytes : Arrays.copyOf(bytes, grown(needed));
    System.arraycopy(bytes, start, target, 0, held);
    bytes = target;
    scanned -= start;
    end = held;
    start = 0;
  }

  private int grown(int needed) {
    return (int) Math.max(needed, Math.min(2L * bytes.length, maxLine + 65536L));
  }

  /** Steps to the next whole line that is not blank; false where none is there yet. */
  boolean next() {
    while (scanned < end) {
      int at = scanned;
      while (at < end && bytes[at] != '\n') {
        at++;
      }
      scanned = at;
      if (at == end) {
        break;
      }
      boolean found = line(at);
      scanned = at + 1;
      start = at + 1;
      if (found) {
        return true;
      }
    }
    bound();
    if (start == end) {
      start = 0;
      scanned = 0;
      end = 0;
    }
    return false;
  }

  /** Refuses more bytes in one piece than are allowed. */
  void bound() {
    if (end - start > maxLine) {
      throw new OllamaException.Malformed(
          "the server sent a line of more than " + maxLine + " bytes", 200, "");
    }
  }

  /** At the end of the bytes: steps to what stands there without a line's end. */
  boolean last() {
    boolean found = line(end);
    start = end;
    scanned = end;
    return found;
  }

  private boolean line(int to) {
    int from = start;
    int until = to;
    while (from < until && blank(bytes[from])) {
      from++;
    }
    while (until > from && blank(bytes[until - 1])) {
      until--;
    }
    lineStart = from;
    lineEnd = until;
    return from < until;
  }

  private static boolean blank(byte b) {
    return b == ' ' || b == '\r' || b == '\t' || b == '\n';
  }

  byte[] bytes() {
    return bytes;
  }

  int lineStart() {
    return lineStart;
  }

  int lineEnd() {
    return lineEnd;
  }
}
