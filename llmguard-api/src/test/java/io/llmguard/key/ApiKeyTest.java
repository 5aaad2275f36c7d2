package io.llmguard.key;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ApiKeyTest {
  private static final String DIGITS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  private final SecureRandom random = new SecureRandom();
  private final Random choice = new Random(1);

  @Test
  void hasTheDocumentedFormAndIsFoundByTheScannersPattern() {
    for (int i = 0; i < 2000; i++) {
      String key = ApiKey.generate(random).reveal();
      assertThat(key).hasSize(ApiKey.LENGTH);
      assertThat(Pattern.compile(ApiKey.PATTERN).matcher("leak: \"" + key + "\";").find()).isTrue();
      assertThat(ApiKey.parse(key)).isInstanceOf(ApiKey.Parsed.WellFormed.class);
    }
  }

  @Test
  void neverRepeatsAndSpendsAllItsDigits() {
    Set<String> keys = new HashSet<>();
    Set<Character> first = new HashSet<>();
    Set<Character> last = new HashSet<>();
    for (int i = 0; i < 4000; i++) {
      String key = ApiKey.generate(random).reveal();
      keys.add(key);
      first.add(key.charAt(4));
      last.add(key.charAt(45));
    }
    assertThat(keys).hasSize(4000);
    assertThat(first).hasSize(62);
    assertThat(last).hasSize(62);
  }

  @Test
  void everySingleWrongCharacterIsMistyped() {
    for (int i = 0; i < 40; i++) {
      String key = ApiKey.generate(random).reveal();
      for (int at = 3; at < key.length(); at++) {
        char wrong = DIGITS.charAt(choice.nextInt(62));
        if (wrong != key.charAt(at)) {
          String typo = key.substring(0, at) + wrong + key.substring(at + 1);
          assertThat(ApiKey.parse(typo)).isInstanceOf(ApiKey.Parsed.Mistyped.class);
        }
      }
    }
  }

  @Test
  void everySwapOfNeighboursIsMistyped() {
    for (int i = 0; i < 40; i++) {
      String key = ApiKey.generate(random).reveal();
      for (int at = 3; at + 1 < key.length(); at++) {
        char a = key.charAt(at);
        char b = key.charAt(at + 1);
        if (a != b) {
          String typo = key.substring(0, at) + b + a + key.substring(at + 2);
          assertThat(ApiKey.parse(typo)).isInstanceOf(ApiKey.Parsed.Mistyped.class);
        }
      }
    }
  }

  @Test
  void whatHasAnotherFormIsMalformed() {
    String key = ApiKey.generate(random).reveal();
    for (String other :
        new String[] {
          "",
          "sk-",
          key.substring(1),
          key + "0",
          key.substring(0, 51),
          "pk-" + key.substring(3),
          "SK-" + key.substring(3),
          key.substring(0, 20) + "-" + key.substring(21),
          key.substring(0, 20) + "é" + key.substring(21),
          key.substring(0, 20) + "\0" + key.substring(21),
          "sk-' OR '1'='1' -- ' OR '1'='1' -- ' OR '1'='1' -- '"
        }) {
      assertThat(ApiKey.parse(other)).as(other).isInstanceOf(ApiKey.Parsed.Malformed.class);
    }
  }

  @Test
  void arbitraryTextIsNeverWellFormed() {
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder("sk-");
      for (int j = 0; j < 49; j++) {
        text.append(DIGITS.charAt(choice.nextInt(62)));
      }
      assertThat(ApiKey.parse(text.toString())).isInstanceOf(ApiKey.Parsed.Mistyped.class);
    }
  }

  @Test
  void aKeyNeverStandsInItsText() {
    ApiKey key = ApiKey.generate(random);
    String secret = key.reveal().substring(3);
    assertThat(key.toString()).doesNotContain(secret).doesNotContain(secret.substring(0, 6));
    assertThat(ApiKey.parse(key.reveal()).toString()).doesNotContain(secret.substring(0, 6));
  }

  @Test
  void theHashIsTheWholeSha256InHex() {
    // the test vector "abc" of FIPS 180-4
    KeyHash hash = KeyHash.of("abc");
    assertThat(hash.hex())
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assertThat(KeyHash.parse(hash.hex())).isEqualTo(hash).hasSameHashCodeAs(hash);
    assertThat(KeyHash.of("abd")).isNotEqualTo(hash);
  }

  @Test
  void hashesThatShareTheirFirstBytesAreTwo() {
    String prefix = "00".repeat(28);
    assertThat(KeyHash.parse(prefix + "00000001")).isNotEqualTo(KeyHash.parse(prefix + "00000002"));
  }
}
