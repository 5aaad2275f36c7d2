package io.llmguard.inspect.internal;

/** Forms of IP addresses. */
final class AddressForms {
  private static final CharSet IPV6 = CharSet.of("0-9A-Fa-f:");
  private static final int LONGEST_IPV6 = 39;

  private AddressForms() {}

  /** Four numbers up to 255 with dots. */
  static long ipv4(FoldedText text, int at) {
    char before = text.before(at);
    if (Form.isWord(before) || before == '.' || before == '-') {
      return Form.NO;
    }
    int i = at;
    for (int part = 0; part < 4; part++) {
      int end = Form.run(text, i, CharSet.DIGITS, 4);
      if (end - i < 4 && text.unknown(end)) {
        return Form.MORE;
      }
      if (end == i || end - i > 3 || Integer.parseInt(text.text(i, end)) > 255) {
        return Form.NO;
      }
      boolean dot = end < text.length() && text.at(end) == '.';
      if (part == 3) {
        return last(text, at, end, dot);
      }
      if (!dot) {
        return Form.NO;
      }
      i = end + 1;
      if (text.unknown(i)) {
        return Form.MORE;
      }
    }
    return Form.NO;
  }

  private static long last(FoldedText text, int at, int end, boolean dot) {
    if (dot) {
      if (text.unknown(end + 1)) {
        return Form.MORE;
      }
      if (end + 1 < text.length() && Form.isWord(text.at(end + 1))) {
        return Form.NO;
      }
    }
    boolean word = end < text.length() && Form.isWord(text.at(end));
    return word ? Form.NO : Form.found(at, end);
  }

  /** Eight groups of hex digits, or fewer around two colons. */
  static long ipv6(FoldedText text, int at) {
    char before = text.before(at);
    if (Form.isWord(before) || before == ':' || before == '.') {
      return Form.NO;
    }
    int end = Form.run(text, at, IPV6, LONGEST_IPV6 + 1);
    if (end - at <= LONGEST_IPV6 && text.unknown(end)) {
      return Form.MORE;
    }
    if (end - at > LONGEST_IPV6 || (end < text.length() && Form.isWord(text.at(end)))) {
      return Form.NO;
    }
    String address = text.text(at, end);
    if (address.endsWith(":") && !address.endsWith("::")) {
      address = address.substring(0, address.length() - 1);
    }
    return isIpv6(address) ? Form.found(at, at + address.length()) : Form.NO;
  }

  private static boolean isIpv6(String address) {
    int twice = address.indexOf("::");
    if (address.indexOf("::", twice + 1) > twice + 1 || address.contains(":::")) {
      return false;
    }
    int groups = 0;
    for (String group : address.split(":", -1)) {
      if (group.length() > 4) {
        return false;
      }
      groups += group.isEmpty() ? 0 : 1;
    }
    boolean digit = address.chars().anyMatch(c -> Form.isDigit((char) c));
    return twice < 0 ? groups == 8 && !address.startsWith(":") : groups >= 2 && groups < 8 && digit;
  }
}
