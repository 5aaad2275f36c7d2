package io.llmguard.inspect.internal;

import io.llmguard.key.ApiKey;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;

/** Forms of secrets that are more than a beginning and a run of characters. */
final class SecretForms {
  /** A PEM block of an RSA key of 16,384 bits has 12.7 KB. */
  static final int LONGEST_KEY = 16_384;

  /** More lines before a body would be work for nothing. */
  private static final int MOST_HEADERS = 8;

  private static final int LONGEST_JWT_PART = 4_096;
  private static final int LONGEST_TOKEN = 4_096;
  private static final int LONGEST_USER = 256;
  private static final CharSet LABEL = CharSet.of("0-9A-Z ");
  private static final CharSet NAMED = CharSet.of(" \t\"'=:>,");
  private static final CharSet ENDS_USER = CharSet.of(" \t\r\n/?#\"'<>`\\|,;()");

  /** What stands in examples in place of a password. */
  private static final Set<String> NO_PASSWORD =
      Set.of("password", "passwd", "pass", "pwd", "secret", "token", "x", "user", "username");

  private SecretForms() {}

  // ---- private keys

  /** {@code -----BEGIN … PRIVATE KEY-----} and what follows it of a body. */
  static long privateKey(FoldedText text, int at) {
    int label = Form.prefix(text, at, "-----BEGIN ", false);
    if (label < 0) {
      return label;
    }
    int end = Form.run(text, label, LABEL, 48);
    if (text.unknown(end)) {
      return Form.MORE;
    }
    String words = text.text(label, end);
    if (!words.endsWith("PRIVATE KEY") && !words.endsWith("PRIVATE KEY BLOCK")) {
      return Form.NO;
    }
    int body = Form.prefix(text, end, "-----", false);
    return body < 0 ? body : keyBody(text, at, body);
  }

  private static long keyBody(FoldedText text, int at, int body) {
    int most = at + LONGEST_KEY;
    int found = Integer.MIN_VALUE;
    int headers = 0;
    int i = body;
    while (true) {
      i = separators(text, i, most);
      if (i >= most) {
        break;
      }
      if (text.unknown(i)) {
        return Form.MORE;
      }
      int footer = Form.prefix(text, i, "-----END ", false);
      if (footer == Form.MORE) {
        return Form.MORE;
      }
      if (footer > 0) {
        long end = footerEnd(text, footer);
        if (end == Form.MORE) {
          return Form.MORE;
        }
        found = found < 0 || end == Form.NO ? found : (int) end;
        break;
      }
      int run = Form.run(text, i, CharSet.BASE64, most - i);
      if (run < most && text.unknown(run)) {
        return Form.MORE;
      }
      if (run - i < 16) {
        long header = found < 0 && headers < MOST_HEADERS ? headerEnd(text, i, run) : Form.NO;
        if (header == Form.MORE) {
          return Form.MORE;
        }
        if (header != Form.NO) {
          i = (int) header;
          headers++;
          continue;
        }
        // the last line of a body is short
        int next = separators(text, run, most);
        int after = run == i ? (int) Form.NO : Form.prefix(text, next, "-----END ", false);
        if (after == Form.MORE) {
          return Form.MORE;
        }
        if (after < 0) {
          break;
        }
      }
      found = run;
      i = run;
      if (run >= most) {
        break;
      }
    }
    return found < 0 ? Form.NO : Form.found(at, found);
  }

  /** White space, as it is or as JSON and shells escape it. */
  private static int separators(FoldedText text, int at, int most) {
    int i = at;
    while (i < text.length() && i < most) {
      char c = text.at(i);
      if (CharSet.BLANK.has(c) || c == '"' || c == '\'') {
        i++;
      } else if (c == '\\' && i + 1 < text.length() && isBreak(text.at(i + 1))) {
        i += 2;
      } else if (c == '\\' && text.unknown(i + 1)) {
        return text.length();
      } else {
        break;
      }
    }
    return i;
  }

  private static boolean isBreak(char c) {
    return c == 'n' || c == 'r' || c == '\\' || c == '\n';
  }

  private static long footerEnd(FoldedText text, int footer) {
    int label = Form.run(text, footer, LABEL, 48);
    if (text.unknown(label)) {
      return Form.MORE;
    }
    return Form.prefix(text, label, "-----", false);
  }

  /** The end of a line such as {@code DEK-Info: AES-128-CBC,…}; a word and a colon. */
  private static long headerEnd(FoldedText text, int at, int wordEnd) {
    int name = Form.run(text, wordEnd, CharSet.WORDS, 24);
    if (text.unknown(name)) {
      return Form.MORE;
    }
    if (name == at || name >= text.length() || text.at(name) != ':') {
      return Form.NO;
    }
    int i = name;
    while (i < text.length() && i - at < 120 && text.at(i) != '\n' && text.at(i) != '\\') {
      i++;
    }
    return text.unknown(i) ? Form.MORE : i;
  }

  // ---- tokens with an inner form

  /** Three parts in base64, of which the first two are JSON objects. */
  static long jwt(FoldedText text, int at) {
    if (CharSet.URL_SAFE.has(text.before(at))) {
      return Form.NO;
    }
    int payload = jwtPart(text, at);
    if (payload < 0) {
      return payload;
    }
    int signature = jwtPart(text, payload);
    if (signature < 0) {
      return signature;
    }
    int end = Form.run(text, signature, CharSet.URL_SAFE, LONGEST_JWT_PART);
    return end - signature < LONGEST_JWT_PART && text.unknown(end)
        ? Form.MORE
        : Form.found(at, end);
  }

  /** The place behind a part and its dot. */
  private static int jwtPart(FoldedText text, int at) {
    int body = Form.prefix(text, at, "eyJ", false);
    if (body < 0) {
      return body;
    }
    int end = Form.run(text, body, CharSet.URL_SAFE, LONGEST_JWT_PART);
    if (text.unknown(end)) {
      return (int) Form.MORE;
    }
    boolean part = end - body >= 8 && end < text.length() && text.at(end) == '.';
    return part ? end + 1 : (int) Form.NO;
  }

  /** A key of llmguard's own, whose checksum is right. */
  static long llmguardKey(FoldedText text, int at) {
    long key = new TokenForm("sk-", CharSet.ALNUM, 49, 49, false).match(text, at);
    if (key < 0) {
      return key;
    }
    ApiKey.Parsed parsed = ApiKey.parse(text.text(at, Form.end(key)));
    return parsed instanceof ApiKey.Parsed.WellFormed ? key : Form.NO;
  }

  /** {@code sk-} and a run of 32 or more that looks drawn by lot, as many servers' keys do. */
  static long openAiKey(FoldedText text, int at) {
    long key = new TokenForm("sk-", CharSet.ALNUM, 32, 200, true).match(text, at);
    if (key < 0) {
      return key;
    }
    boolean letter = false;
    for (int i = at + 3; i < Form.end(key) && !letter; i++) {
      letter = Form.isLetter(text.at(i));
    }
    return letter ? key : Form.NO;
  }

  /** A secret access key of AWS has no form of its own: it is known by its name before it. */
  static long awsSecret(FoldedText text, int at) {
    if (Form.isWord(text.before(at))) {
      return Form.NO;
    }
    int name = (int) Form.NO;
    for (String each : new String[] {"aws_secret_access_key", "secretaccesskey"}) {
      int end = Form.prefix(text, at, each, true);
      if (end == Form.MORE) {
        return Form.MORE;
      }
      name = Math.max(name, end);
    }
    if (name < 0) {
      return Form.NO;
    }
    int value = Form.run(text, name, NAMED, 8);
    if (text.unknown(value)) {
      return Form.MORE;
    }
    int end = Form.run(text, value, CharSet.BASE64, 41);
    if (end - value <= 40 && text.unknown(end)) {
      return Form.MORE;
    }
    return value > name && end - value == 40 ? Form.found(value, end) : Form.NO;
  }

  /** The path of a webhook of Slack's. */
  static long slackWebhook(FoldedText text, int at) {
    int path = Form.prefix(text, at, "https://hooks.slack.com/services/", false);
    if (path < 0) {
      return path;
    }
    int end = Form.run(text, path, CharSet.of("0-9A-Za-z/"), 120);
    if (end - path < 120 && text.unknown(end)) {
      return Form.MORE;
    }
    return end - path >= 24 && TokenForm.hasDigit(text, path, end)
        ? Form.found(path, end)
        : Form.NO;
  }

  // ---- credentials in headers and URLs

  /** {@code Bearer} and a token, as a header has them. */
  static long bearer(FoldedText text, int at) {
    int token = scheme(text, at, "bearer");
    if (token < 0) {
      return token;
    }
    int end = Form.run(text, token, CharSet.TOKEN, LONGEST_TOKEN);
    if (end - token < LONGEST_TOKEN && text.unknown(end)) {
      return Form.MORE;
    }
    if (end - token < 20 || !TokenForm.hasDigit(text, token, end)) {
      return Form.NO;
    }
    return Form.found(token, end);
  }

  /** {@code Basic} and what decodes to a user, a colon and a password. */
  static long basic(FoldedText text, int at) {
    int token = scheme(text, at, "basic");
    if (token < 0) {
      return token;
    }
    int end = Form.run(text, token, CharSet.BASE64, LONGEST_USER);
    if (end - token < LONGEST_USER && text.unknown(end)) {
      return Form.MORE;
    }
    return end - token >= 6 && isUserAndPassword(text.text(token, end))
        ? Form.found(token, end)
        : Form.NO;
  }

  private static int scheme(FoldedText text, int at, String word) {
    if (Form.isWord(text.before(at))) {
      return (int) Form.NO;
    }
    int end = Form.prefix(text, at, word, true);
    if (end < 0) {
      return end;
    }
    int token = Form.run(text, end, CharSet.of(" \t"), 4);
    if (text.unknown(token)) {
      return (int) Form.MORE;
    }
    return token == end ? (int) Form.NO : token;
  }

  private static boolean isUserAndPassword(String base64) {
    String decoded;
    try {
      decoded = new String(Base64.getDecoder().decode(base64), StandardCharsets.ISO_8859_1);
    } catch (IllegalArgumentException e) {
      return false;
    }
    for (int i = 0; i < decoded.length(); i++) {
      if (decoded.charAt(i) < ' ' || decoded.charAt(i) > '~') {
        return false;
      }
    }
    return decoded.indexOf(':') >= 0;
  }

  /** User and password of a URL, at the colon behind its scheme. */
  static long urlCredentials(FoldedText text, int at) {
    if (!Form.isWord(text.before(at))) {
      return Form.NO;
    }
    int user = Form.prefix(text, at, "://", false);
    if (user < 0) {
      return user;
    }
    int colon = -1;
    int i = user;
    while (i < text.length() && i - user < LONGEST_USER && text.at(i) != '@') {
      if (ENDS_USER.has(text.at(i))) {
        return Form.NO;
      }
      colon = colon < 0 && text.at(i) == ':' ? i : colon;
      i++;
    }
    if (i - user < LONGEST_USER && text.unknown(i)) {
      return Form.MORE;
    }
    if (i >= text.length() || text.at(i) != '@' || colon < 0 || colon + 1 == i) {
      return Form.NO;
    }
    return isPlaceholder(text.text(colon + 1, i)) ? Form.NO : Form.found(user, i);
  }

  private static boolean isPlaceholder(String password) {
    char first = password.charAt(0);
    boolean same = password.chars().allMatch(c -> c == first);
    return "${<%*[".indexOf(first) >= 0
        || (same && (first == 'x' || first == 'X' || first == '.'))
        || NO_PASSWORD.contains(password.toLowerCase(Locale.ROOT));
  }
}
