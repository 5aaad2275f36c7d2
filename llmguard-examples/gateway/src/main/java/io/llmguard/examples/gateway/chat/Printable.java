package io.llmguard.examples.gateway.chat;

/**
 * Text from elsewhere without what a terminal would obey: a model or a server can write escape
 * sequences that change the screen, the title or the clipboard.
 */
final class Printable {
  private Printable() {}

  /** The text with line ends and tabs, and no other control character. */
  static String of(String text) {
    int length = text.length();
    for (int i = 0; i < length; i++) {
      if (obeyed(text.charAt(i))) {
        StringBuilder kept = new StringBuilder(length).append(text, 0, i);
        text.substring(i)
            .chars()
            .filter(c -> !obeyed((char) c))
            .forEach(c -> kept.append((char) c));
        return kept.toString();
      }
    }
    return text;
  }

  private static boolean obeyed(char c) {
    return Character.isISOControl(c) && c != '\n' && c != '\t';
  }
}
