package io.llmguard.inspect;

import io.llmguard.key.ApiKey;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Texts that hold one sort of sensitive data each. Tokens are made up when the tests run, so that
 * no file looks as if it held a real one.
 */
final class SensitiveTexts {
  private static final Pattern MADE_UP = Pattern.compile("\\{(llmguard|[a-z0-9]+:\\d+)}");

  private SensitiveTexts() {}

  /** A text, and the one kind that is in it. */
  record Sample(SensitiveKind kind, String text) {}

  static List<Sample> all() {
    Random random = new Random(42);
    List<Sample> samples = new ArrayList<>();
    try (InputStream in =
        SensitiveTexts.class.getResourceAsStream("/content-guards/sensitive.txt")) {
      String lines = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
      for (String line : lines.lines().toList()) {
        String[] parts = line.split("\t", 2);
        SensitiveKind kind =
            SensitiveKind.valueOf(parts[0].toUpperCase(Locale.ROOT).replace('-', '_'));
        samples.add(new Sample(kind, filled(parts[1].translateEscapes(), random)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return samples;
  }

  private static String filled(String text, Random random) {
    Matcher matcher = MADE_UP.matcher(text);
    StringBuilder filled = new StringBuilder();
    while (matcher.find()) {
      matcher.appendReplacement(filled, Matcher.quoteReplacement(madeUp(matcher.group(1), random)));
    }
    return matcher.appendTail(filled).toString();
  }

  private static String madeUp(String what, Random random) {
    if (what.equals("llmguard")) {
      return ApiKey.generate(new SecureRandom()).reveal();
    }
    String[] parts = what.split(":", 2);
    String alphabet =
        switch (parts[0]) {
          case "alnum" -> "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
          case "b64" -> "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
          case "url" -> "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
          case "b32" -> "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
          case "up" -> "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
          case "hex" -> "0123456789abcdef";
          case "digit" -> "0123456789";
          default -> throw new IllegalArgumentException(what);
        };
    StringBuilder token = new StringBuilder();
    for (int i = Integer.parseInt(parts[1]); i > 1; i--) {
      token.append(alphabet.charAt(random.nextInt(alphabet.length())));
    }
    // ends with a digit, as the forms that ask for one do not leave it to luck
    return token.append("7").toString();
  }
}
