package io.llmguard.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.ezylang.evalex.Expression;
import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CostExpressionTest {
  private static final int RUNS = 3_000;

  private static BigDecimal cost(String text, long input, long cached, long output, long millis) {
    return CostExpression.parse(text)
        .cost(Usage.reported(input, output).cached(cached), millis)
        .stripTrailingZeros();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "0.000001 * input_tokens + 0.000002 * output_tokens ; 0.0014",
        "1e-6 * (input_tokens - cached_tokens) + 1e-7 * cached_tokens ; 0.00064",
        "IF(cached_tokens > 100, 1, 2) ; 1",
        "if(input_tokens >= 1001 || output_tokens = 200, 3, 4) ; 3",
        "IF(!(input_tokens == 1000) && output_tokens != 1, 3, 4) ; 4",
        "MAX(0.001, MIN(input_tokens, output_tokens) / 1000) ; 0.2",
        "CEILING(seconds) * 0.5 + FLOOR(seconds) ; 2",
        "seconds / 8 ; 0.18875",
        "requests * 0.01 ; 0.01",
        "-input_tokens ; 0",
        "+2 - 1 - 1 ; 0",
        "2 * 3 + 4 * 5 ; 26",
        "10 / 4 / 5 ; 0.5",
      })
  void isReckonedExactly(String text, BigDecimal usd) {
    assertThat(cost(text, 1_000, 400, 200, 1_510)).isEqualByComparingTo(usd);
  }

  @Test
  void aRequestOfWhichNothingWasUsedCostsWhatItSaysWithoutARequest() {
    assertThat(cost("0.01 * requests", 0, 0, 0, 5)).isZero();
    assertThat(cost("0.01 * requests + seconds", 0, 0, 0, 5)).isEqualByComparingTo("0.005");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2 * tokens | 'tokens' at character 5 is no variable; there are input_tokens, cached_tokens",
        "INPUT_TOKENS | is no variable",
        "PI | is no variable",
        "1 + | character",
        "(1 + 2 | character",
        "2 input_tokens | Missing operator",
        "input_tokens ^ 2 | '^' at character 14 makes no number",
        "input_tokens % 2 | makes no number",
        "RANDOM() | 'RANDOM' at character 1 is not supported; there are IF",
        "SIN(1) | is not supported",
        "nothing(1) | Undefined function",
        "IF(1, 2, 3) | '1' at character 4 is no condition",
        "IF(input_tokens > 1, 2) | Not enough parameters for function, at character 1",
        "input_tokens > 1 | makes no number",
        "1 / input_tokens | '/' at character 3 divides by what is not constant",
        "1 / (2 - 2) | divides by 0",
        "\"a\" | is not supported",
        "input_tokens[0] | character",
        "0x10 | is no decimal number",
        "1e99 | has more than 30 digits",
        "1e20 | is too large",
        "1e-99 | has more than 30 digits",
        "1e999999999 | digits",
      })
  void whatCannotBeReckonedIsNamed(String text, String named) {
    assertThatThrownBy(() -> CostExpression.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named);
  }

  @Test
  void anEmptyOrEndlessExpressionIsRefused() {
    for (String text : new String[] {"", "  ", "1+".repeat(600) + "1"}) {
      assertThatThrownBy(() -> CostExpression.parse(text)).hasMessageContaining("1000");
    }
  }

  /** An expression of everything that there is. */
  private static final class Expressions {
    private final Random random;

    Expressions(Random random) {
      this.random = random;
    }

    String amount(int depth) {
      int kind = depth == 0 ? random.nextInt(6) : random.nextInt(14);
      return switch (kind) {
        case 0 -> "input_tokens";
        case 1 -> "cached_tokens";
        case 2 -> "output_tokens";
        case 3 -> "seconds";
        case 4 -> "requests";
        case 5 -> Integer.toString(random.nextInt(2_000));
        case 6 -> "(" + amount(depth - 1) + " + " + amount(depth - 1) + ")";
        case 7 -> "(" + amount(depth - 1) + " - " + amount(depth - 1) + ")";
        case 8 -> "(" + amount(depth - 1) + " * " + amount(depth - 1) + ")";
        case 9 -> "(" + amount(depth - 1) + " / " + (random.nextBoolean() ? "8" : "-500") + ")";
        case 10 -> "-(" + amount(depth - 1) + ")";
        case 11 -> "MIN(" + amount(depth - 1) + ", " + amount(depth - 1) + ")";
        case 12 -> (random.nextBoolean() ? "FLOOR(" : "CEILING(") + amount(depth - 1) + ")";
        default ->
            "IF("
                + test(depth - 1)
                + ", "
                + amount(depth - 1)
                + ", MAX("
                + amount(depth - 1)
                + ", 7))";
      };
    }

    private String test(int depth) {
      String[] comparisons = {"<", "<=", ">", ">=", "==", "!="};
      if (depth > 0 && random.nextInt(3) == 0) {
        String joined = random.nextBoolean() ? " && " : " || ";
        return "(" + test(depth - 1) + joined + "!(" + test(depth - 1) + "))";
      }
      return amount(Math.max(0, depth))
          + " "
          + comparisons[random.nextInt(comparisons.length)]
          + " "
          + amount(0);
    }
  }

  @Test
  void itComesOutAsItsLibraryReckonsIt() throws Exception {
    Random random = new Random(4);
    Expressions expressions = new Expressions(random);
    for (int i = 0; i < RUNS; i++) {
      String text = expressions.amount(3);
      long input = random.nextInt(2_000);
      long cached = random.nextInt((int) input + 1);
      long output = random.nextInt(2_000);
      long millis = random.nextInt(10_000);
      BigDecimal expected =
          new Expression(text)
              .with("input_tokens", BigDecimal.valueOf(input))
              .and("cached_tokens", BigDecimal.valueOf(cached))
              .and("output_tokens", BigDecimal.valueOf(output))
              .and("seconds", BigDecimal.valueOf(millis, 3))
              .and("requests", input + output > 0 ? BigDecimal.ONE : BigDecimal.ZERO)
              .evaluate()
              .getNumberValue();
      assertThat(cost(text, input, cached, output, millis))
          .as("%s of %s, %s, %s, %s", text, input, cached, output, millis)
          .isEqualByComparingTo(expected.max(BigDecimal.ZERO));
    }
  }

  @Test
  void noCallCostsMoreThanTheBoundThatGrowsWithWhatItMayUse() {
    Random random = new Random(5);
    Expressions expressions = new Expressions(random);
    for (int i = 0; i < RUNS; i++) {
      String text = expressions.amount(4);
      CostExpression expression = CostExpression.parse(text);
      long input = random.nextInt(2_000);
      long output = random.nextInt(2_000);
      long millis = random.nextInt(10_000);
      BigDecimal bound = expression.atMost(input, output, millis);
      for (int j = 0; j < 20; j++) {
        long used = random.nextLong(input + 1);
        Usage usage =
            Usage.reported(used, random.nextLong(output + 1)).cached(random.nextLong(used + 1));
        long time = random.nextLong(millis + 1);
        assertThat(expression.cost(usage, time))
            .as("%s of %s in %s", text, usage, time)
            .isNotNegative()
            .isLessThanOrEqualTo(bound);
        assertThat(expression.atMost(used, usage.outputTokens(), time)).isLessThanOrEqualTo(bound);
      }
    }
  }

  @Test
  void aPriceAddsItToItsPartsAndIsTimedIfItIs() {
    Price price =
        new Price(
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            new BigDecimal("0.001"),
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            CostExpression.parse("IF(output_tokens < 10, 5, 1)"));
    assertThat(price.timed()).isFalse();
    assertThat(price.cost(1, 20, Duration.ZERO)).isEqualTo(1_020_000_000L);
    assertThat(price.cost(1, 2, Duration.ZERO)).isEqualTo(5_002_000_000L);
    assertThat(price.atMost(1, 20, Duration.ZERO)).isEqualTo(5_020_000_000L);
    Price timed =
        new Price(
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            CostExpression.parse("seconds * 7"));
    assertThat(timed.timed()).isTrue();
    Price higher = price.max(timed);
    assertThat(higher.timed()).isTrue();
    assertThat(higher.atMost(1, 20, Duration.ofSeconds(3))).isEqualTo(21_020_000_000L);
    assertThat(higher.atMost(1, 20, Duration.ZERO)).isEqualTo(5_020_000_000L);
    assertThat(price.max(price)).isEqualTo(price);
  }
}
