package io.llmguard.inspect.internal;

import io.llmguard.inspect.SensitiveKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Finds sensitive data in a text, whole or in pieces: the findings are the same. Immutable and
 * thread-safe.
 */
public final class SensitiveScanner {
  private static final int TABLE = 0x250;
  private static final String DIGITS = "0123456789";
  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  private static final List<Rule> NO_RULES = List.of();

  /** Every form, with the characters that it begins with; of two at one place the first counts. */
  private static final List<Rule> RULES =
      List.of(
          new Rule(SensitiveKind.PRIVATE_KEY, "-", SecretForms::privateKey),
          aws("AKIA"),
          aws("ASIA"),
          aws("ABIA"),
          aws("ACCA"),
          new Rule(SensitiveKind.AWS_KEY, "aAsS", SecretForms::awsSecret),
          github("ghp_"),
          github("gho_"),
          github("ghu_"),
          github("ghs_"),
          github("ghr_"),
          token(SensitiveKind.GITHUB_TOKEN, "github_pat_", CharSet.of("0-9A-Za-z_"), 60, 255),
          gitlab("glpat-"),
          gitlab("gldt-"),
          gitlab("glrt-"),
          gitlab("glptt-"),
          gitlab("glcbt-"),
          gitlab("glft-"),
          gitlab("glsoat-"),
          gitlab("gloas-"),
          gitlab("glagent-"),
          slack("xoxa-"),
          slack("xoxb-"),
          slack("xoxe-"),
          slack("xoxo-"),
          slack("xoxp-"),
          slack("xoxr-"),
          slack("xoxs-"),
          slack("xapp-"),
          new Rule(SensitiveKind.SLACK_TOKEN, "h", SecretForms::slackWebhook),
          token(SensitiveKind.GOOGLE_KEY, "AIza", CharSet.URL_SAFE, 35, 35),
          token(SensitiveKind.GOOGLE_KEY, "GOCSPX-", CharSet.URL_SAFE, 28, 28),
          token(SensitiveKind.GOOGLE_KEY, "ya29.", CharSet.URL_SAFE, 20, 1_024),
          stripe("sk_live_"),
          stripe("sk_test_"),
          stripe("rk_live_"),
          stripe("rk_test_"),
          token(SensitiveKind.STRIPE_KEY, "whsec_", CharSet.ALNUM, 32, 64),
          new Rule(SensitiveKind.LLMGUARD_KEY, "s", SecretForms::llmguardKey),
          token(SensitiveKind.ANTHROPIC_KEY, "sk-ant-", CharSet.URL_SAFE, 20, 255),
          token(SensitiveKind.OPENAI_KEY, "sk-proj-", CharSet.URL_SAFE, 20, 255),
          token(SensitiveKind.OPENAI_KEY, "sk-svcacct-", CharSet.URL_SAFE, 20, 255),
          token(SensitiveKind.OPENAI_KEY, "sk-admin-", CharSet.URL_SAFE, 20, 255),
          token(SensitiveKind.OPENAI_KEY, "sk-or-v1-", CharSet.URL_SAFE, 20, 255),
          new Rule(SensitiveKind.OPENAI_KEY, "s", SecretForms::openAiKey),
          token(SensitiveKind.HUGGING_FACE_TOKEN, "hf_", CharSet.ALNUM, 34, 64),
          token(SensitiveKind.NPM_TOKEN, "npm_", CharSet.ALNUM, 36, 36),
          new Rule(SensitiveKind.JWT, "e", SecretForms::jwt),
          new Rule(SensitiveKind.AUTHORIZATION, "bB", SecretForms::bearer),
          new Rule(SensitiveKind.AUTHORIZATION, "bB", SecretForms::basic),
          new Rule(SensitiveKind.URL_CREDENTIALS, ":", SecretForms::urlCredentials),
          new Rule(SensitiveKind.IBAN, LETTERS, NumberForms::iban),
          new Rule(SensitiveKind.PAYMENT_CARD, DIGITS, NumberForms::card),
          new Rule(SensitiveKind.US_SSN, DIGITS, PersonalForms::ssn),
          new Rule(SensitiveKind.PHONE, "+", PersonalForms::phone),
          new Rule(SensitiveKind.IP_ADDRESS, DIGITS, AddressForms::ipv4),
          new Rule(SensitiveKind.IP_ADDRESS, DIGITS + "abcdefABCDEF:", AddressForms::ipv6),
          new Rule(
              SensitiveKind.EMAIL, LETTERS + DIGITS + "._%+-" + latin(), PersonalForms::email));

  private final List<List<Rule>> byFirst;

  /** A scanner for these kinds. */
  public SensitiveScanner(Set<SensitiveKind> kinds) {
    byFirst = new ArrayList<>(TABLE);
    for (char c = 0; c < TABLE; c++) {
      List<Rule> rules = new ArrayList<>();
      for (Rule rule : RULES) {
        if (kinds.contains(rule.kind()) && rule.firsts().indexOf(c) >= 0) {
          rules.add(rule);
        }
      }
      byFirst.add(rules.isEmpty() ? NO_RULES : List.copyOf(rules));
    }
  }

  private record Rule(SensitiveKind kind, String firsts, Form form) {}

  /**
   * Something that was found.
   *
   * @param kind what it is
   * @param start the UTF-16 unit at which it begins
   * @param end the one after its last
   */
  public record Match(SensitiveKind kind, int start, int end) {}

  private static Rule token(SensitiveKind kind, String prefix, CharSet set, int min, int max) {
    return new Rule(kind, prefix.substring(0, 1), new TokenForm(prefix, set, min, max, false));
  }

  private static Rule aws(String prefix) {
    return token(SensitiveKind.AWS_KEY, prefix, CharSet.UPPER, 16, 16);
  }

  private static Rule github(String prefix) {
    return token(SensitiveKind.GITHUB_TOKEN, prefix, CharSet.ALNUM, 36, 255);
  }

  private static Rule gitlab(String prefix) {
    return token(SensitiveKind.GITLAB_TOKEN, prefix, CharSet.URL_SAFE, 20, 255);
  }

  private static Rule slack(String prefix) {
    TokenForm form = new TokenForm(prefix, CharSet.WORDS, 16, 250, true);
    return new Rule(SensitiveKind.SLACK_TOKEN, "x", form);
  }

  private static Rule stripe(String prefix) {
    return token(SensitiveKind.STRIPE_KEY, prefix, CharSet.ALNUM, 16, 247);
  }

  private static String latin() {
    StringBuilder letters = new StringBuilder();
    for (char c = 0xc0; c < TABLE; c++) {
      letters.append(c);
    }
    return letters.toString();
  }

  /** A new scan of a text that comes in pieces. */
  public Scan scan() {
    return new Scan();
  }

  /** The scan of one text; used by one thread at a time. */
  public final class Scan {
    private char before;
    private char before2;
    private int decided;
    private long work;

    private Scan() {}

    /**
     * Goes on.
     *
     * @param text what was not decided before, and what has come since
     * @param last true if nothing follows
     * @return what was found in the part that is decided now
     */
    public List<Match> next(String text, boolean last) {
      FoldedText folded = new FoldedText(text, last, before, before2);
      List<Match> matches = new ArrayList<>(0);
      int at = 0;
      while (at < folded.length()) {
        long found = find(folded, at, matches);
        if (found == Form.MORE) {
          break;
        }
        at = found == Form.NO ? at + 1 : Form.end(found);
      }
      decided = at == folded.length() ? folded.whole() : folded.start(at);
      if (at > 0) {
        char last2 = folded.before2(at);
        before = folded.before(at);
        before2 = last2;
      }
      work += folded.work();
      return matches;
    }

    private long find(FoldedText text, int at, List<Match> matches) {
      char first = text.at(at);
      List<Rule> rules = first < TABLE ? byFirst.get(first) : NO_RULES;
      for (int i = 0; i < rules.size(); i++) {
        Rule rule = rules.get(i);
        long found = rule.form().match(text, at);
        if (found == Form.MORE) {
          return Form.MORE;
        }
        if (found != Form.NO) {
          int start = text.start(Form.start(found));
          matches.add(new Match(rule.kind(), start, text.end(Form.end(found) - 1)));
          return found;
        }
      }
      return Form.NO;
    }

    /** How many UTF-16 units of the last text are decided. */
    public int decided() {
      return decided;
    }

    /** How many characters were looked at in all. */
    public long work() {
      return work;
    }
  }
}
