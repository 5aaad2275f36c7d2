package io.llmguard.inspect;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Texts that hold nothing sensitive, by sort: written ones, and look-alikes that are made up. */
final class HarmlessTexts {
  private static final int EACH = 1_000;

  private HarmlessTexts() {}

  /** All of them; the same in every run. */
  static Map<String, List<String>> all() {
    Map<String, List<String>> texts = new LinkedHashMap<>();
    texts.put("written by hand", written());
    make(texts, "UUIDs", r -> "id " + new UUID(r.nextLong(), r.nextLong()) + " was found");
    make(texts, "SHA-256 digests", r -> "digest " + hex(r, 32));
    make(texts, "SHA-1 digests", r -> "commit " + hex(r, 20) + " (HEAD -> main)");
    make(texts, "base64", r -> "blob " + Base64.getEncoder().encodeToString(bytes(r, 48)));
    make(
        texts,
        "URL-safe base64",
        r -> "state=" + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes(r, 33)));
    make(
        texts, "version strings", r -> "v" + n(r, 20) + "." + n(r, 60) + "." + n(r, 999) + "-rc.1");
    make(texts, "dates and times", HarmlessTexts::moment);
    make(texts, "prices", r -> "total " + n(r, 999) + "," + three(r) + "," + three(r) + ".99 EUR");
    make(texts, "order numbers of 10 digits", r -> "order " + digits(r, 10) + " is on its way");
    make(texts, "numbers of 12 digits", r -> "account " + digits(r, 12));
    make(texts, "numbers of 16 digits", r -> "reference " + digits(r, 16) + ", please quote it");
    make(texts, "numbers of 19 digits", r -> "snowflake " + digits(r, 19));
    make(
        texts,
        "numbers in groups of 4",
        r -> digits(r, 4) + " " + digits(r, 4) + " " + digits(r, 4) + " " + digits(r, 4));
    make(texts, "EAN-13", HarmlessTexts::ean);
    make(
        texts,
        "part numbers",
        r -> "part " + digits(r, 3) + "-" + digits(r, 4) + "-" + digits(r, 2));
    make(texts, "national phone numbers", r -> "call 0" + digits(r, 3) + "/" + digits(r, 7));
    make(
        texts,
        "coordinates",
        r -> "+" + n(r, 90) + "." + digits(r, 6) + ",-" + n(r, 90) + "." + digits(r, 6));
    make(texts, "log lines", HarmlessTexts::logLine);
    make(texts, "lines of code", HarmlessTexts::code);
    make(
        texts,
        "package versions",
        r -> "\"" + word(r) + "@" + n(r, 9) + "." + n(r, 30) + "." + n(r, 9) + "\": {}");
    make(texts, "image names", r -> word(r) + "/" + word(r) + "@" + n(r, 4) + "x.png");
    make(
        texts,
        "codes of letters and digits",
        r ->
            "code "
                + country(r)
                + digits(r, 2)
                + " "
                + alnum(r, 4)
                + " "
                + alnum(r, 4)
                + " "
                + alnum(r, 4));
    make(texts, "prose", HarmlessTexts::prose);
    return texts;
  }

  private static void make(
      Map<String, List<String>> texts, String sort, Function<Random, String> maker) {
    Random random = new Random(sort.hashCode());
    texts.put(sort, IntStream.range(0, EACH).mapToObj(i -> maker.apply(random)).toList());
  }

  private static List<String> written() {
    try (InputStream in = HarmlessTexts.class.getResourceAsStream("/content-guards/harmless.txt")) {
      byte[] bytes = Objects.requireNonNull(in).readAllBytes();
      return new ArrayList<>(new String(bytes, StandardCharsets.UTF_8).lines().toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static String hex(Random random, int length) {
    return HexFormat.of().formatHex(bytes(random, length));
  }

  private static int n(Random random, int bound) {
    return random.nextInt(bound);
  }

  private static String three(Random random) {
    return String.format(Locale.ROOT, "%03d", n(random, 1000));
  }

  private static String digits(Random random, int count) {
    StringBuilder text = new StringBuilder().append((char) ('1' + n(random, 9)));
    while (text.length() < count) {
      text.append((char) ('0' + n(random, 10)));
    }
    return text.toString();
  }

  private static String alnum(Random random, int count) {
    StringBuilder text = new StringBuilder();
    while (text.length() < count) {
      text.append("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".charAt(n(random, 36)));
    }
    return text.toString();
  }

  private static String country(Random random) {
    return new String[] {"DE", "FR", "GB", "NO", "BE", "ES"}[n(random, 6)];
  }

  private static String ean(Random random) {
    String twelve = digits(random, 12);
    int sum = 0;
    for (int i = 0; i < 12; i++) {
      sum += (twelve.charAt(i) - '0') * (i % 2 == 0 ? 1 : 3);
    }
    return "EAN " + twelve + (10 - sum % 10) % 10;
  }

  private static String moment(Random random) {
    return String.format(
        Locale.ROOT,
        "%d-%02d-%02dT%02d:%02d:%02d.%09d+%02d:00",
        1970 + n(random, 80),
        1 + n(random, 12),
        1 + n(random, 28),
        n(random, 24),
        n(random, 60),
        n(random, 60),
        n(random, 1_000_000_000),
        n(random, 13));
  }

  private static String logLine(Random random) {
    return moment(random)
        + " INFO ["
        + word(random)
        + "-"
        + n(random, 64)
        + "] c.e."
        + word(random)
        + " - took "
        + digits(random, 4)
        + " ms for /api/"
        + word(random)
        + "/"
        + digits(random, 7)
        + "?page="
        + n(random, 50);
  }

  private static String code(Random random) {
    return "  "
        + word(random)
        + "."
        + word(random)
        + "("
        + word(random)
        + "["
        + n(random, 99)
        + "], 0x"
        + hex(random, 4)
        + ", \""
        + word(random)
        + "-"
        + word(random)
        + "\"); // "
        + word(random)
        + " @"
        + word(random);
  }

  private static String prose(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = 10 + n(random, 15); i > 0; i--) {
      text.append(word(random)).append(n(random, 8) == 0 ? ", " : " ");
    }
    return text.append(n(random, 2000)).append('.').toString();
  }

  private static String word(Random random) {
    String[] words = {
      "sea", "water", "basic", "bearer", "risk", "task", "token", "key", "user", "order", "hello",
      "grid", "north", "value", "index", "model", "stream", "buffer", "answer", "prompt", "river",
      "the", "and", "with", "under", "Über", "naïve", "export", "import", "private", "secret"
    };
    return words[n(random, words.length)];
  }
}
