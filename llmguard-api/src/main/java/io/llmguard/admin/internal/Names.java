package io.llmguard.admin.internal;

/** Names that a caller chose, as an error may repeat them. */
final class Names {
  private static final int MAX = 64;

  private Names() {}

  /**
   * The name, cut at 64 characters, without what is neither a letter nor a digit nor {@code _-.}.
   */
  static String shown(String name) {
    String cut = name.length() > MAX ? name.substring(0, MAX) + "…" : name;
    return "'" + cut.replaceAll("[^\\p{L}\\p{N}_.…-]", "?") + "'";
  }
}
