package io.llmguard.inspect.internal;

/**
 * A token that is known by how it begins, such as {@code ghp_} and 36 letters and digits.
 *
 * @param prefix how it begins
 * @param set what follows
 * @param min how many at least
 * @param max how many at most; where that is {@code min}, nothing of a word may follow
 * @param digit true if there must be a digit among them, which a word of people's hardly has
 */
record TokenForm(String prefix, CharSet set, int min, int max, boolean digit) implements Form {
  @Override
  public long match(FoldedText text, int at) {
    char before = text.before(at);
    // what is tried at every hyphen of a run, and fails, must not read the run each time
    if (Form.isWord(before) || (digit && (before == '-' || before == '_'))) {
      return NO;
    }
    int body = Form.prefix(text, at, prefix, false);
    if (body < 0) {
      return body;
    }
    int end = Form.run(text, body, set, max);
    if (end - body < max && text.unknown(end)) {
      return MORE;
    }
    if (end - body < min) {
      return NO;
    }
    if (min == max) {
      if (text.unknown(end)) {
        return MORE;
      }
      if (end < text.length() && Form.isWord(text.at(end))) {
        return NO;
      }
    }
    return digit && !hasDigit(text, body, end) ? NO : Form.found(at, end);
  }

  static boolean hasDigit(FoldedText text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (Form.isDigit(text.at(i))) {
        return true;
      }
    }
    return false;
  }
}
