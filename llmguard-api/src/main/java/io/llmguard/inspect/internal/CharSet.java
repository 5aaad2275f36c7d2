package io.llmguard.inspect.internal;

/** A set of ASCII characters. Immutable. */
final class CharSet {
  static final CharSet DIGITS = of("0-9");
  static final CharSet ALNUM = of("0-9A-Za-z");
  static final CharSet UPPER = of("0-9A-Z");
  static final CharSet URL_SAFE = of("0-9A-Za-z_-");
  static final CharSet WORDS = of("0-9A-Za-z-");
  static final CharSet BASE64 = of("0-9A-Za-z+/=");
  static final CharSet TOKEN = of("0-9A-Za-z._~+/=-");
  static final CharSet BLANK = of(" \t\r\n");

  private final boolean[] has = new boolean[128];

  private CharSet() {}

  /** The characters of a text; two with a hyphen between them stand for a range. */
  static CharSet of(String members) {
    CharSet set = new CharSet();
    for (int i = 0; i < members.length(); i++) {
      char c = members.charAt(i);
      if (i + 2 < members.length() && members.charAt(i + 1) == '-') {
        for (char each = c; each <= members.charAt(i + 2); each++) {
          set.has[each] = true;
        }
        i += 2;
      } else {
        set.has[c] = true;
      }
    }
    return set;
  }

  boolean has(char c) {
    return c < 128 && has[c];
  }
}
