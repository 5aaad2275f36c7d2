package io.llmguard.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.inspect.SensitiveData.Finding;
import io.llmguard.inspect.SensitiveTexts.Sample;
import io.llmguard.inspect.internal.SensitiveScanner;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SensitiveDataTest {
  private static final Set<SensitiveKind> DEFAULTS = EnumSet.copyOf(SensitiveKind.secrets());
  private static final Set<SensitiveKind> ALL = EnumSet.allOf(SensitiveKind.class);

  static {
    DEFAULTS.addAll(SensitiveKind.personalData());
  }

  private static SensitiveData looking(Set<SensitiveKind> kinds) {
    return SensitiveData.of("test", kinds, Reaction.REDACT);
  }

  @Test
  void everySampleIsFoundAndNothingElseInIt() {
    SensitiveData data = looking(DEFAULTS);
    Set<SensitiveKind> seen = EnumSet.noneOf(SensitiveKind.class);
    for (Sample sample : SensitiveTexts.all()) {
      assertThat(data.find(sample.text()))
          .as(sample.text())
          .isNotEmpty()
          .allSatisfy(finding -> assertThat(finding.kind()).isEqualTo(sample.kind()));
      seen.add(sample.kind());
    }
    assertThat(seen).isEqualTo(DEFAULTS);
  }

  @Test
  void kindsThatAreNotAskedForAreNotFound() {
    for (Sample sample : SensitiveTexts.all()) {
      Set<SensitiveKind> others = EnumSet.copyOf(DEFAULTS);
      others.remove(sample.kind());
      assertThat(looking(others).find(sample.text()))
          .noneMatch(finding -> finding.kind() == sample.kind());
    }
    assertThat(looking(DEFAULTS).find("from 203.0.113.7")).isEmpty();
    assertThatThrownBy(() -> looking(Set.of())).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Write to alice@example.com today. | Write to [email] today.",
        "<bob@example.org>, \"carol@example.net\" | <[email]>, \"[email]\"",
        "call +49 30 901820, please | call [phone], please",
        "pay 4111 1111 1111 1111 now | pay [payment-card] now",
        "to DE89 3704 0044 0532 0130 00. | to [iban].",
        "postgres://app:s3cr3t9@db:5432/x | postgres://[url-credentials]@db:5432/x",
        "Authorization: Basic dXNlcjpwYXNz | Authorization: Basic [authorization]",
        "no. 219-09-9998! | no. [us-ssn]!",
        "alice@example.com,bob@example.com | [email],[email]",
        "4111 1111 1111 1111 4111 1111 1111 1111 | [payment-card] [payment-card]",
        "at +52.520008,+13.404954 | at +52.520008,+13.404954",
        "whois +1.4155552671 | whois [phone]",
      })
  void exactlyWhatIsSensitiveIsReplaced(String text, String redacted) {
    assertThat(looking(DEFAULTS).redact(text)).isEqualTo(redacted);
  }

  @ParameterizedTest
  @CsvSource({
    "from 203.0.113.7:8080, from [ip-address]:8080",
    "::ffff, ::ffff",
    "2001:db8::7 is up, [ip-address] is up",
    "fe80:0:0:0:1:2:3:4, [ip-address]",
    "1.2.3.400 and 1.2.3.4.5 and 12:34:56, 1.2.3.400 and 1.2.3.4.5 and 12:34:56"
  })
  void addressesAreFoundWhereTheyAreAskedFor(String text, String redacted) {
    assertThat(looking(EnumSet.of(SensitiveKind.IP_ADDRESS)).redact(text)).isEqualTo(redacted);
  }

  @Test
  void aPrivateKeyIsTakenOutWithItsWholeBody() {
    String body = "MIIEowIBAAKCAQEA0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL\n".repeat(25);
    String key =
        "-----BEGIN RSA PRIVATE KEY-----\n" + body + "abcd==\n-----END RSA PRIVATE KEY-----";
    assertThat(looking(DEFAULTS).redact("a\n" + key + "\nb")).isEqualTo("a\n[private-key]\nb");
    assertThat(looking(DEFAULTS).redact(key.replace("\n", "\\n"))).isEqualTo("[private-key]");
    String cut = "-----BEGIN RSA PRIVATE KEY-----\n" + body;
    assertThat(looking(DEFAULTS).redact(cut + "\n\nThat is it.").strip())
        .isEqualTo("[private-key]\n\n\nThat is it.".strip());
  }

  // ---- pieces

  private static List<Finding> inPieces(Set<SensitiveKind> kinds, String text, int... cuts) {
    SensitiveScanner.Scan scan = new SensitiveScanner(kinds).scan();
    List<Finding> findings = new ArrayList<>();
    int base = 0;
    for (int i = 0; i <= cuts.length; i++) {
      int to = i < cuts.length ? cuts[i] : text.length();
      int from = base;
      String open = text.substring(base, to);
      for (SensitiveScanner.Match match : scan.next(open, i == cuts.length)) {
        findings.add(new Finding(match.kind(), from + match.start(), from + match.end()));
      }
      base += scan.decided();
    }
    assertThat(base).isEqualTo(text.length());
    return findings;
  }

  @Test
  void aTextGivesTheSameFindingsInWhateverPiecesItComes() {
    Random random = new Random(11);
    List<String> texts = new ArrayList<>();
    SensitiveTexts.all().forEach(sample -> texts.add(sample.text()));
    HarmlessTexts.all()
        .forEach((sort, some) -> texts.addAll(some.subList(0, Math.min(12, some.size()))));
    for (String text : texts) {
      List<Finding> whole = looking(ALL).find(text);
      for (int cut = 0; cut <= text.length(); cut++) {
        assertThat(inPieces(ALL, text, cut)).as(text + " at " + cut).isEqualTo(whole);
      }
      for (int i = 0; i < 5; i++) {
        int[] cuts = random.ints(9, 0, text.length() + 1).sorted().toArray();
        assertThat(inPieces(ALL, text, cuts)).isEqualTo(whole);
      }
    }
  }

  @Test
  void joinedTextsGiveTheSameFindingsCharacterByCharacter() {
    Random random = new Random(12);
    List<Sample> samples = SensitiveTexts.all();
    for (int round = 0; round < 60; round++) {
      StringBuilder joined = new StringBuilder();
      for (int i = 0; i < 4; i++) {
        joined.append(samples.get(random.nextInt(samples.size())).text());
        joined.append(new String[] {" ", "", "\n", ",", "-", "1", "a"}[random.nextInt(7)]);
      }
      String text = joined.toString();
      int[] cuts = new int[text.length()];
      for (int i = 0; i < cuts.length; i++) {
        cuts[i] = i;
      }
      assertThat(inPieces(ALL, text, cuts)).isEqualTo(looking(ALL).find(text));
    }
  }

  @Test
  void ordinaryProseIsHeldBackByNoMoreThanAWord() {
    SensitiveScanner.Scan scan = new SensitiveScanner(DEFAULTS).scan();
    String text = "The sea is salty because rivers carry minerals, 1234 of them, into it ";
    for (int i = 0; i < text.length(); i++) {
      SensitiveScanner.Scan fresh = new SensitiveScanner(DEFAULTS).scan();
      assertThat(fresh.next(text.substring(0, i), false)).isEmpty();
      int word = text.substring(0, i).lastIndexOf(' ') + 1;
      // a number may be the first group of a card's
      int held = text.startsWith("1234", Math.max(0, word - 5)) ? word - 5 : word;
      assertThat(fresh.decided()).isGreaterThanOrEqualTo(held);
    }
    assertThat(scan.next(text, true)).isEmpty();
  }

  // ---- work

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "1",
        "-",
        "+",
        " ",
        ":",
        ".",
        "a.",
        "a@",
        "a@a",
        "@a.a",
        "1 ",
        "1-",
        "4111 ",
        "4111-",
        "+1 ",
        "+1(",
        "eyJ",
        "eyJa.",
        "eyJ-",
        "eyJaaaaaaaa.",
        "sk-",
        "sk-a",
        "sk-ant-",
        "xoxb-",
        "ghp_",
        "glpat-",
        "AKIA",
        "AIza",
        "ab12 ",
        "de12",
        "DE89 ",
        "bearer ",
        "bearer a",
        "basic ",
        "a://",
        "a://b:",
        "://",
        "1.1.",
        "a:a:",
        "::",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\na:",
        "-----BEGIN PRIVATE KEY-----a:-----END ",
        "-----BEGIN PRIVATE KEY----- \\n",
        "-----BEGIN ",
        "aws_secret_access_key",
        "secretaccesskey=",
        "https://hooks.slack.com/services/",
        "\u200b",
        "\ufeff1",
        "１",
        "é",
        "123-45-",
        "alice@example.com",
        "4111111111111111",
        "https://u:p@h",
        "hf_",
        "npm_a",
        "whsec_"
      })
  void theWorkIsProportionalToTheLengthWhateverTheTextSays(String unit) {
    long few = work(unit, 20_000);
    long many = work(unit, 80_000);
    assertThat(many).as("four times the text").isLessThan(5 * few + 10_000);
    assertThat(many).as("characters read for each one").isLessThan(150 * 80_000L);
  }

  private static long work(String unit, int length) {
    String text = unit.repeat(length / unit.length() + 1).substring(0, length);
    SensitiveScanner.Scan scan = new SensitiveScanner(ALL).scan();
    scan.next(text, true);
    return scan.work();
  }

  @Test
  void whatIsHeldBackIsBounded() {
    for (String unit :
        new String[] {"a", "1", "-----BEGIN PRIVATE KEY-----\n", "eyJ", "a.", "+1 "}) {
      for (String begin : new String[] {"", "-----BEGIN PRIVATE KEY-----\n", "eyJ", "bearer "}) {
        SensitiveScanner.Scan scan = new SensitiveScanner(ALL).scan();
        String open = begin;
        for (int i = 0; i < 60; i++) {
          open += unit.repeat(1_000 / unit.length() + 1);
          scan.next(open, false);
          open = open.substring(scan.decided());
          assertThat(open.length()).isLessThan(20_000);
        }
      }
    }
  }
}
