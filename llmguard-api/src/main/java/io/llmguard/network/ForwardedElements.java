package io.llmguard.network;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Walks the comma-separated elements of a field from the last to the first, across field lines.
 *
 * <p>It reads backwards on purpose: each proxy appends at the right, so what an untrusted sender
 * wrote at the left, an open quote for example, cannot change how the proxies' own elements read.
 */
final class ForwardedElements {
  private final List<String> lines;
  private final boolean quoted;
  private int line;
  private int end;

  /**
   * Elements of the lines.
   *
   * @param quoted true if commas in quoted strings do not separate
   */
  ForwardedElements(List<String> lines, boolean quoted) {
    this.lines = lines;
    this.quoted = quoted;
    this.line = lines.size() - 1;
    this.end = lines.isEmpty() ? -1 : lines.get(line).length();
  }

  /** The next element to the left, trimmed, or null when there is none; empty ones are skipped. */
  @Nullable String next() {
    while (line >= 0) {
      String text = lines.get(line);
      int comma = separatorBefore(text, end);
      String element = text.substring(comma + 1, end).strip();
      if (comma >= 0) {
        end = comma;
      } else {
        line--;
        end = line >= 0 ? lines.get(line).length() : -1;
      }
      if (!element.isEmpty()) {
        return element;
      }
    }
    return null;
  }

  private int separatorBefore(String text, int from) {
    int i = from - 1;
    while (i >= 0) {
      char c = text.charAt(i);
      if (c == ',') {
        return i;
      }
      if (quoted && c == '"') {
        i = openingQuote(text, i);
      }
      i--;
    }
    return -1;
  }

  /** Where the quoted string that closes at {@code close} opens, or -1. */
  private static int openingQuote(String text, int close) {
    for (int i = close - 1; i >= 0; i--) {
      if (text.charAt(i) == '"') {
        int backslashes = 0;
        while (i - backslashes > 0 && text.charAt(i - backslashes - 1) == '\\') {
          backslashes++;
        }
        if (backslashes % 2 == 0) {
          return i;
        }
      }
    }
    return -1;
  }
}
