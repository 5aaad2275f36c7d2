package io.llmguard.inspect.internal;

import java.util.Locale;
import java.util.Set;

/** Forms of what is about a person. */
final class PersonalForms {
  private static final int LONGEST_LOCAL = 64;
  private static final int LONGEST_DOMAIN = 253;

  /** Names of files and of machines that are written like an address. */
  private static final Set<String> NO_TLD =
      Set.of(
          "png",
          "jpg",
          "jpeg",
          "gif",
          "svg",
          "webp",
          "ico",
          "class",
          "java",
          "js",
          "mjs",
          "jsx",
          "ts",
          "tsx",
          "css",
          "scss",
          "html",
          "htm",
          "json",
          "yaml",
          "yml",
          "toml",
          "xml",
          "txt",
          "csv",
          "pdf",
          "jar",
          "dll",
          "exe",
          "tgz",
          "gz",
          "service",
          "socket",
          "timer",
          "target",
          "mount",
          "slice",
          "local",
          "localdomain",
          "localhost",
          "length",
          "get",
          "value");

  private PersonalForms() {}

  // ---- e-mail

  /** A local part, an at sign, and a domain whose last label is made of letters. */
  static long email(FoldedText text, int at) {
    if (isLocal(text.before(at))) {
      return Form.NO;
    }
    int i = at;
    while (i < text.length() && i - at <= LONGEST_LOCAL && isLocal(text.at(i))) {
      i++;
    }
    if (i - at <= LONGEST_LOCAL && text.unknown(i)) {
      return Form.MORE;
    }
    if (i - at > LONGEST_LOCAL || i >= text.length() || text.at(i) != '@') {
      return Form.NO;
    }
    int local = at;
    while (local < i && !Form.isWord(text.at(local)) && text.at(local) != '_') {
      local++;
    }
    int domain = i + 1;
    int end = domain;
    while (end < text.length() && end - domain < LONGEST_DOMAIN && isDomain(text.at(end))) {
      end++;
    }
    if (end - domain < LONGEST_DOMAIN && text.unknown(end)) {
      return Form.MORE;
    }
    int length = domainLength(text.text(domain, end));
    return local == i || length < 0 || isAccount(text.text(local, i))
        ? Form.NO
        : Form.found(local, domain + length);
  }

  /** Accounts of version control, which stand before a host's name in its addresses. */
  private static boolean isAccount(String local) {
    return local.equals("git") || local.equals("hg") || local.equals("svn");
  }

  private static boolean isLocal(char c) {
    return Form.isWord(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-';
  }

  private static boolean isDomain(char c) {
    return Form.isWord(c) || c == '.' || c == '-';
  }

  /** How long the domain is at the beginning of a run, or -1 if there is none. */
  private static int domainLength(String run) {
    int end = run.length();
    int twice = run.indexOf("..");
    if (twice >= 0) {
      end = twice;
    }
    while (end > 0 && !Form.isWord(run.charAt(end - 1))) {
      end--;
    }
    String domain = run.substring(0, end);
    int dot = domain.lastIndexOf('.');
    if (dot <= 0 || domain.charAt(0) == '-') {
      return -1;
    }
    String tld = domain.substring(dot + 1).toLowerCase(Locale.ROOT);
    boolean letters = tld.chars().allMatch(c -> Form.isLetter((char) c));
    boolean name = tld.length() >= 2 && (letters || tld.startsWith("xn--"));
    return name && !NO_TLD.contains(tld) ? end : -1;
  }

  // ---- phone numbers

  /** A plus sign and 8 to 15 digits, in groups or not. */
  static long phone(FoldedText text, int at) {
    char before = text.before(at);
    if (Form.isWord(before) || before == '+' || before == '.') {
      return Form.NO;
    }
    int digits = 0;
    int end = -1;
    int i = at + 1;
    int separators = 0;
    while (i < text.length() && i - at < 32) {
      char c = text.at(i);
      if (Form.isDigit(c)) {
        if (digits == 0 && (c == '0' || i > at + 1)) {
          return Form.NO;
        }
        digits++;
        separators = 0;
      } else if (isPhoneSeparator(c) && digits > 0 && separators < 2) {
        if (digits >= 8 && digits <= 15 && separators == 0) {
          end = i;
        }
        separators++;
      } else {
        break;
      }
      i++;
    }
    if (i - at < 32 && text.unknown(i)) {
      return Form.MORE;
    }
    boolean word = i < text.length() && Form.isWord(text.at(i));
    if (separators == 0 && digits >= 8 && digits <= 15 && !word) {
      end = i;
    }
    return end < 0 || isDecimal(text.text(at, end)) ? Form.NO : Form.found(at, end);
  }

  /** True for a number such as {@code +52.520008}: one dot, and few digits behind it. */
  private static boolean isDecimal(String number) {
    int dot = number.indexOf('.');
    boolean digits = number.chars().skip(1).allMatch(c -> c == '.' || Form.isDigit((char) c));
    return digits && dot > 0 && dot == number.lastIndexOf('.') && number.length() - dot <= 8;
  }

  private static boolean isPhoneSeparator(char c) {
    return c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
  }

  // ---- social security numbers

  /** Three digits, two and four, with hyphens, as they are given out. */
  static long ssn(FoldedText text, int at) {
    char before = text.before(at);
    if (Form.isWord(before) || before == '-' || before == '.') {
      return Form.NO;
    }
    for (int i = 0; i < 11; i++) {
      if (at + i >= text.length()) {
        return text.unknown(at + i) ? Form.MORE : Form.NO;
      }
      char c = text.at(at + i);
      boolean hyphen = i == 3 || i == 6;
      if (hyphen ? c != '-' : !Form.isDigit(c)) {
        return Form.NO;
      }
    }
    int end = at + 11;
    if (text.unknown(end)) {
      return Form.MORE;
    }
    if (end < text.length() && (Form.isWord(text.at(end)) || text.at(end) == '-')) {
      return Form.NO;
    }
    String number = text.text(at, end);
    boolean never =
        number.startsWith("000")
            || number.startsWith("666")
            || number.startsWith("9")
            || number.startsWith("00", 4)
            || number.endsWith("0000");
    return never ? Form.NO : Form.found(at, end);
  }
}
