package io.llmguard.ollama.internal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is taken apart without a parser is taken as the parser takes it. */
class TokenLineTest {
  private static final String CHAT =
      "{\"model\":\"m:1\",\"created_at\":\"2026-11-23T02:27:05.123456789Z\","
          + "\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"done\":false}";
  private static final String GENERATE =
      "{\"model\":\"m:1\",\"created_at\":\"2026-11-23T02:27:05.123456789Z\","
          + "\"response\":\"%s\",\"done\":false}";

  /** The event, or the class of what is thrown; by a decoder that has seen the model's lines. */
  private static Object primed(Supplier<? extends Decoder<?>> decoders, String first, byte[] line) {
    Decoder<?> decoder = decoders.get();
    byte[] bytes = first.formatted("a").getBytes(UTF_8);
    assertThat(decoder.decode(bytes, 0, bytes.length)).isNotNull();
    return decoded(decoder, line);
  }

  /** The same by a decoder that has seen none, so that its parser reads the line. */
  private static Object parsed(Supplier<? extends Decoder<?>> decoders, byte[] line) {
    return decoded(decoders.get(), line);
  }

  private static Object decoded(Decoder<?> decoder, byte[] line) {
    try {
      @Nullable Object event = decoder.decode(line, 0, line.length);
      return event == null ? "nothing" : event;
    } catch (RuntimeException e) {
      return e.getClass();
    }
  }

  private static void same(byte[] chat, byte[] generate) {
    assertThat(primed(ChatDecoder::new, CHAT, chat))
        .as(() -> new String(chat, UTF_8))
        .isEqualTo(parsed(ChatDecoder::new, chat));
    assertThat(primed(GenerateDecoder::new, GENERATE, generate))
        .as(() -> new String(generate, UTF_8))
        .isEqualTo(parsed(GenerateDecoder::new, generate));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " word",
        "é",
        "日本",
        "😀",
        "\\n",
        "\\\"",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\t",
        "\u0001",
        "\"",
        "\"},\"done\":false}",
        "\uFFFD",
        "\u2028",
        "}",
        "a\\"
      })
  void textsAreTheParsers(String text) {
    same(CHAT.formatted(text).getBytes(UTF_8), GENERATE.formatted(text).getBytes(UTF_8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-23T02:27:05Z",
        "2026-11-23T02:27:05.1Z",
        "2026-02-30T02:27:05Z",
        "2026-11-30T23:59:59.999999999Z",
        "2026-11-23T02:27:05+01:00",
        "2026-11-23T02:27:60Z",
        "2026-11-23 02:27:05Z",
        "",
        "Z",
        "2026-11-23T02:27:05.Z",
        "2026-11-23T02:27:05.1234567890Z"
      })
  void timesAreTheParsers(String time) {
    String old = "2026-11-23T02:27:05.123456789Z";
    same(
        CHAT.formatted("a").replace(old, time).getBytes(UTF_8),
        GENERATE.formatted("a").replace(old, time).getBytes(UTF_8));
  }

  @Test
  void bytesThatAreNoUtf8AreRefused() {
    byte[] line = CHAT.formatted("ab").getBytes(UTF_8);
    int at = new String(line, UTF_8).indexOf("ab");
    line[at] = (byte) 0xC3;
    assertThat(primed(ChatDecoder::new, CHAT, line)).isEqualTo(IllegalArgumentException.class);
  }

  @Test
  void anyLineIsTakenAsTheParserTakesIt() {
    Random random = new Random(20261126);
    String alphabet = "\"\\{}[]:,aZ0 \n\t\u0000é😀";
    for (int i = 0; i < 20_000; i++) {
      byte[] chat = changed(CHAT.formatted(" wörd" + i), random, alphabet);
      byte[] generate = changed(GENERATE.formatted(" wörd" + i), random, alphabet);
      same(chat, generate);
    }
  }

  /** With one byte changed, taken out or put in. */
  private static byte[] changed(String line, Random random, String alphabet) {
    byte[] bytes = line.getBytes(UTF_8);
    byte[] signs = alphabet.getBytes(UTF_8);
    int at = random.nextInt(bytes.length);
    byte sign = signs[random.nextInt(signs.length)];
    return switch (random.nextInt(3)) {
      case 0 -> {
        bytes[at] = sign;
        yield bytes;
      }
      case 1 -> {
        byte[] less = Arrays.copyOf(bytes, bytes.length - 1);
        System.arraycopy(bytes, at + 1, less, at, bytes.length - at - 1);
        yield less;
      }
      default -> {
        byte[] more = Arrays.copyOf(bytes, bytes.length + 1);
        System.arraycopy(bytes, at, more, at + 1, bytes.length - at);
        more[at] = sign;
        yield more;
      }
    };
  }

  @Test
  void readsItWithoutAParser() {
    TokenLine line = new TokenLine("\",\"response\":\"", "\",\"done\":false}", new Instants());
    byte[] bytes = GENERATE.formatted(" wörd").getBytes(UTF_8);
    assertThat(line.read(bytes, 0, bytes.length)).isFalse();
    line.expect("m:1");
    assertThat(line.read(bytes, 0, bytes.length)).isTrue();
    assertThat(line.model()).isEqualTo("m:1");
    assertThat(line.text()).isEqualTo(" wörd");
    assertThat(line.createdAt()).isEqualTo(Instant.parse("2026-11-23T02:27:05.123456789Z"));
    line.expect("m\"1");
    byte[] quoted = GENERATE.replace("m:1", "m\"1").formatted("x").getBytes(UTF_8);
    assertThat(line.read(quoted, 0, quoted.length)).isFalse();
  }
}
