package io.llmguard.audit.internal;

/** Text that may stand in an audit line: bounded, and well-formed Unicode. */
final class BoundedText {
  private BoundedText() {}

  /**
   * The text itself where it is short and well-formed; else with U+FFFD for each lone surrogate,
   * and cut before {@code max} code units with a mark that tells its true length.
   */
  static String of(String text, int max) {
    if (text.length() <= max && isWellFormed(text)) {
      return text;
    }
    int end = Math.min(text.length(), max);
    if (end < text.length()
        && Character.isHighSurrogate(text.charAt(end - 1))
        && Character.isLowSurrogate(text.charAt(end))) {
      end--;
    }
    StringBuilder kept = new StringBuilder(end + 16);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        kept.append(c);
      } else if (Character.isHighSurrogate(c)
          && i + 1 < end
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        kept.append(c).append(text.charAt(++i));
      } else {
        kept.append('\uFFFD');
      }
    }
    if (end < text.length()) {
      kept.append("[cut:").append(text.length()).append(']');
    }
    return kept.toString();
  }

  private static boolean isWellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (Character.isLowSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          return false;
        }
        i++;
      }
    }
    return true;
  }
}
