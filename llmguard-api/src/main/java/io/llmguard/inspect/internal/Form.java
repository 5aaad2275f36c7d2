package io.llmguard.inspect.internal;

/**
 * A form in which something sensitive is written.
 *
 * <p>Whether it stands at a place is told by a bounded stretch that begins there and by the two
 * characters before: so it makes no difference in what pieces a text comes, and the work for a text
 * is proportional to its length.
 */
@FunctionalInterface
interface Form {
  /** It does not stand there. */
  long NO = -1;

  /** Nobody can tell before more of the text is known. */
  long MORE = -2;

  /**
   * Looks at a place.
   *
   * @return {@link #NO}, {@link #MORE} or what {@link #found} makes
   */
  long match(FoldedText text, int at);

  /** It stands there; sensitive is what lies from {@code start} to {@code end}. */
  static long found(int start, int end) {
    return ((long) start << 32) | end;
  }

  /** Where what was found begins. */
  static int start(long found) {
    return (int) (found >>> 32);
  }

  /** Where what was found ends. */
  static int end(long found) {
    return (int) found;
  }

  /**
   * The place behind a word that stands there, in either case where {@code anyCase}; else {@link
   * #NO} or {@link #MORE}.
   *
   * @param word in lower case, where case does not matter
   */
  static int prefix(FoldedText text, int at, String word, boolean anyCase) {
    for (int i = 0; i < word.length(); i++) {
      if (at + i >= text.length()) {
        return (int) (text.unknown(at + i) ? MORE : NO);
      }
      char c = text.at(at + i);
      if (c != word.charAt(i) && !(anyCase && lower(c) == word.charAt(i))) {
        return (int) NO;
      }
    }
    return at + word.length();
  }

  private static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char) (c + 0x20) : c;
  }

  /** The place behind the longest run of such characters, at most so many. */
  static int run(FoldedText text, int at, CharSet set, int most) {
    int i = at;
    while (i < text.length() && i - at < most && set.has(text.at(i))) {
      i++;
    }
    return i;
  }

  static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0x24f);
  }

  static boolean isWord(char c) {
    return isDigit(c) || isLetter(c);
  }
}
