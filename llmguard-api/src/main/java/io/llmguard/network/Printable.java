package io.llmguard.network;

/** Makes configured text fit for a message: short, and without control characters. */
final class Printable {
  private static final int LONGEST = 80;

  private Printable() {}

  static String of(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < Math.min(text.length(), LONGEST); i++) {
      char c = text.charAt(i);
      out.append(c < 0x20 || c >= 0x7f ? '?' : c);
    }
    return text.length() > LONGEST ? out.append('…').toString() : out.toString();
  }
}
