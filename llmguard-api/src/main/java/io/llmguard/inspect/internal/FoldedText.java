package io.llmguard.inspect.internal;

import java.text.Normalizer;

/**
 * A stretch of a text as the forms of sensitive data are looked for in it: digits of every script,
 * full-width letters, and the many spaces and hyphens are their ASCII selves, and characters that
 * nobody sees are not there. It knows where each character stood.
 *
 * <p>Counts what is read of it, so that a test can tell how much work a text is.
 */
final class FoldedText {
  /** Stands for every character that no form looks for. */
  private static final char OTHER = '\ufffd';

  private final char[] chars;
  private final int[] starts;
  private final int[] ends;
  private final char before;
  private final char before2;
  private final boolean last;
  private int length;
  private int whole;
  private long work;

  /**
   * Folds a stretch.
   *
   * @param last true if nothing follows
   * @param before the folded character before it, or 0
   * @param before2 the one before that, or 0
   */
  FoldedText(String text, boolean last, char before, char before2) {
    this.last = last;
    this.before = before;
    this.before2 = before2;
    chars = new char[text.length()];
    starts = new int[text.length()];
    ends = new int[text.length()];
    fold(text);
  }

  private void fold(String text) {
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i);
      if (c < 0x80) {
        put(c, i, i + 1);
        i++;
        continue;
      }
      boolean cut = Character.isHighSurrogate(c) && i + 1 == text.length() && !last;
      if (cut) {
        break;
      }
      int codePoint = text.codePointAt(i);
      int next = i + Character.charCount(codePoint);
      char folded = fold(codePoint);
      if (folded != 0) {
        put(folded, i, next);
      }
      i = next;
    }
    whole = i;
  }

  private void put(char c, int start, int end) {
    chars[length] = c;
    starts[length] = start;
    ends[length] = end;
    length++;
  }

  /** The character that a form may look for, or 0 for one that nobody sees. */
  private static char fold(int c) {
    if (isInvisible(c)) {
      return 0;
    }
    if (c >= 0xff01 && c <= 0xff5e) {
      return (char) (c - 0xfee0);
    }
    if (Character.isDigit(c)) {
      return (char) ('0' + Character.digit(c, 10));
    }
    if (Character.isSpaceChar(c)) {
      return ' ';
    }
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe63) {
      return '-';
    }
    if (c >= 0xc0 && c <= 0x24f) {
      return (char) c;
    }
    if (c >= 0x1d400 && c <= 0x1d7ff) {
      String plain = Normalizer.normalize(Character.toString(c), Normalizer.Form.NFKC);
      return plain.length() == 1 && plain.charAt(0) < 0x80 ? plain.charAt(0) : OTHER;
    }
    return switch (c) {
      case 0x3002, 0xfe52, 0xff61 -> '.';
      case 0xfe6b -> '@';
      default -> OTHER;
    };
  }

  private static boolean isInvisible(int c) {
    return c == 0xad
        || c == 0x34f
        || c == 0x61c
        || (c >= 0x200b && c <= 0x200f)
        || (c >= 0x202a && c <= 0x202e)
        || (c >= 0x2060 && c <= 0x206f)
        || (c >= 0xfe00 && c <= 0xfe0f)
        || (c >= 0xe0000 && c <= 0xe0fff)
        || c == 0xfeff;
  }

  int length() {
    return length;
  }

  /** The UTF-16 units of the text that were folded: all but half a character at its end. */
  int whole() {
    return whole;
  }

  /** The character at this place. */
  char at(int i) {
    work++;
    return chars[i];
  }

  /** The character before this place; 0 at the very beginning. */
  char before(int i) {
    work++;
    return i > 0 ? chars[i - 1] : before;
  }

  /** The character two before this place; 0 where there is none. */
  char before2(int i) {
    work++;
    return i > 1 ? chars[i - 2] : i == 1 ? before : before2;
  }

  /** True at the end of what is known, if more is to come. */
  boolean unknown(int i) {
    return i >= length && !last;
  }

  /** Where the character stands in the text. */
  int start(int i) {
    return starts[i];
  }

  /** Where the text goes on behind the character. */
  int end(int i) {
    return ends[i];
  }

  long work() {
    return work;
  }

  /** The characters from one place to another. */
  String text(int from, int to) {
    work += to - from;
    return new String(chars, from, to - from);
  }
}
