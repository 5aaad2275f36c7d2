package io.llmguard.inspect.internal;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Forms of numbers that check themselves. */
final class NumberForms {
  /** The length of an IBAN in each country (ISO 13616). */
  private static final Map<String, Integer> IBAN_LENGTHS =
      lengths(
          "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18"
              + " DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22"
              + " IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24"
              + " ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31"
              + " SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20");

  /** In what groups the numbers of cards are printed. */
  private static final int[][] CARD_GROUPS = {{4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 4, 3}};

  private static final int MOST_CARD_DIGITS = 19;
  private static final int FEWEST_CARD_DIGITS = 14;

  private NumberForms() {}

  private static Map<String, Integer> lengths(String table) {
    Map<String, Integer> lengths = new HashMap<>();
    for (String each : table.split(" ", -1)) {
      lengths.put(each.substring(0, 2), Integer.valueOf(each.substring(2)));
    }
    return lengths;
  }

  // ---- IBAN

  /** A country, two check digits and the rest, in groups or not. */
  static long iban(FoldedText text, int at) {
    // behind a hyphen it would be a group of a UUID
    if (Form.isWord(text.before(at)) || text.before(at) == '-') {
      return Form.NO;
    }
    for (int i = 0; i < 4; i++) {
      if (at + i >= text.length()) {
        return text.unknown(at + i) ? Form.MORE : Form.NO;
      }
      char c = text.at(at + i);
      if (i < 2 ? !isAsciiLetter(c) : !Form.isDigit(c)) {
        return Form.NO;
      }
    }
    Integer length = IBAN_LENGTHS.get(text.text(at, at + 2).toUpperCase(Locale.ROOT));
    if (length == null) {
      return Form.NO;
    }
    StringBuilder number = new StringBuilder(length);
    int i = at;
    while (number.length() < length) {
      if (i >= text.length()) {
        return text.unknown(i) ? Form.MORE : Form.NO;
      }
      char c = text.at(i);
      if (CharSet.ALNUM.has(c)) {
        number.append(c);
      } else if ((c != ' ' && c != '-') || !CharSet.ALNUM.has(text.before(i))) {
        return Form.NO;
      }
      i++;
    }
    if (text.unknown(i)) {
      return Form.MORE;
    }
    boolean more = i < text.length() && Form.isWord(text.at(i));
    return more || !checks(number.toString().toUpperCase(Locale.ROOT))
        ? Form.NO
        : Form.found(at, i);
  }

  private static boolean isAsciiLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  /** ISO 7064, modulo 97. */
  private static boolean checks(String iban) {
    int rest = 0;
    for (int i = 0; i < iban.length(); i++) {
      int value = Character.digit(iban.charAt((i + 4) % iban.length()), 36);
      rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
    }
    return rest == 1;
  }

  // ---- payment cards

  /** 14 to 19 digits of an issuer's, in groups or not, whose check digit is right. */
  static long card(FoldedText text, int at) {
    char before = text.before(at);
    if (Form.isWord(before)
        || before == '.'
        || (before == '-' && Form.isDigit(text.before2(at)))
        || !startsACard(text.at(at))) {
      return Form.NO;
    }
    int first = Form.run(text, at, CharSet.DIGITS, MOST_CARD_DIGITS + 1);
    if (first - at <= MOST_CARD_DIGITS && text.unknown(first)) {
      return Form.MORE;
    }
    int length = first - at;
    if (length >= FEWEST_CARD_DIGITS) {
      return length > MOST_CARD_DIGITS ? Form.NO : inOnePiece(text, at, first);
    }
    return length == 4 ? inGroups(text, at) : Form.NO;
  }

  private static boolean startsACard(char c) {
    return c >= '2' && c <= '6';
  }

  private static long inOnePiece(FoldedText text, int at, int end) {
    if (end < text.length()) {
      char after = text.at(end);
      if (Form.isWord(after)) {
        return Form.NO;
      }
      if (after == '.') {
        if (text.unknown(end + 1)) {
          return Form.MORE;
        }
        if (end + 1 < text.length() && Form.isDigit(text.at(end + 1))) {
          return Form.NO;
        }
      }
    }
    return isCard(text.text(at, end)) ? Form.found(at, end) : Form.NO;
  }

  private static long inGroups(FoldedText text, int at) {
    int[] ends = new int[5];
    int groups = 0;
    int i = at;
    char separator = 0;
    StringBuilder digits = new StringBuilder(MOST_CARD_DIGITS);
    while (groups < ends.length) {
      int end = Form.run(text, i, CharSet.DIGITS, 7);
      if (end - i < 7 && text.unknown(end)) {
        return Form.MORE;
      }
      if (end - i < 3 || end - i > 6) {
        break;
      }
      ends[groups++] = end;
      if (end >= text.length()) {
        break;
      }
      char after = text.at(end);
      if ((after != ' ' && after != '-') || (separator != 0 && after != separator)) {
        break;
      }
      separator = after;
      i = end + 1;
      if (text.unknown(i)) {
        return Form.MORE;
      }
    }
    for (int[] sizes : CARD_GROUPS) {
      if (sizes.length <= groups && fits(text, at, ends, sizes, digits)) {
        return Form.found(at, ends[sizes.length - 1]);
      }
    }
    return Form.NO;
  }

  private static boolean fits(
      FoldedText text, int at, int[] ends, int[] sizes, StringBuilder digits) {
    digits.setLength(0);
    int from = at;
    for (int i = 0; i < sizes.length; i++) {
      if (ends[i] - from != sizes[i]) {
        return false;
      }
      digits.append(text.text(from, ends[i]));
      from = ends[i] + 1;
    }
    int end = ends[sizes.length - 1];
    boolean word = end < text.length() && Form.isWord(text.at(end));
    return !word && isCard(digits.toString());
  }

  private static boolean isCard(String digits) {
    return hasIssuer(digits) && luhn(digits);
  }

  private static boolean hasIssuer(String digits) {
    int length = digits.length();
    int two = Integer.parseInt(digits.substring(0, 2));
    int three = Integer.parseInt(digits.substring(0, 3));
    int four = Integer.parseInt(digits.substring(0, 4));
    if (digits.charAt(0) == '4') {
      return length == 16 || length == 19;
    }
    if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) {
      return length == 16;
    }
    if (two == 34 || two == 37) {
      return length == 15;
    }
    if (two == 36 || two == 38 || (three >= 300 && three <= 305)) {
      return length == 14;
    }
    boolean others =
        four == 6011
            || two == 65
            || (three >= 644 && three <= 649)
            || (four >= 3528 && four <= 3589)
            || two == 62;
    return others && length >= 16;
  }

  /** The check digit of ISO/IEC 7812; a number of one digit only is nobody's. */
  private static boolean luhn(String digits) {
    int sum = 0;
    boolean twice = false;
    for (int i = digits.length() - 1; i >= 0; i--) {
      int digit = digits.charAt(i) - '0';
      int value = twice ? 2 * digit : digit;
      sum += value > 9 ? value - 9 : value;
      twice = !twice;
    }
    return sum % 10 == 0;
  }
}
