package io.llmguard.budget;

import com.ezylang.evalex.Expression;
import com.ezylang.evalex.config.ExpressionConfiguration;
import com.ezylang.evalex.parser.ASTNode;
import com.ezylang.evalex.parser.ParseException;
import io.llmguard.budget.internal.Range;
import io.llmguard.budget.internal.Term;
import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;

/**
 * A cost as an expression, such as {@code IF(input_tokens > 100000, 0.000004, 0.000002) *
 * input_tokens + 0.000008 * output_tokens + 0.01 * requests}.
 *
 * <p>Variables are {@code input_tokens} (of the whole prompt), {@code cached_tokens} (those of them
 * that the upstream had in its cache), {@code output_tokens}, {@code seconds} (of the upstream's
 * time, to the millisecond) and {@code requests} (1, or 0 for a request of which nothing was used).
 * There are {@code + - *}, {@code /} by what is constant, comparisons, {@code && || !}, and {@code
 * IF(condition, then, else)}, {@code MIN}, {@code MAX}, {@code CEILING} and {@code FLOOR}. Numbers
 * are exact decimals; what comes out below 0 is 0.
 *
 * <p>What is reserved for a call is the most that comes out for anything up to its bounds, whether
 * or not the expression grows with them: it is reckoned with ranges in place of numbers. The
 * expression is parsed by EvalEx ({@code com.ezylang:EvalEx}), which only those need who use this.
 */
public final class CostExpression implements CostFormula {
  private static final int LONGEST = 1_000;

  private final String text;
  private final Term.Amount amount;
  private final boolean timed;

  private CostExpression(String text, Term.Amount amount, boolean timed) {
    this.text = text;
    this.amount = amount;
    this.timed = timed;
  }

  /**
   * Reads an expression.
   *
   * @throws IllegalArgumentException saying what is wrong with it
   */
  public static CostExpression parse(String text) {
    if (text.isBlank() || text.length() > LONGEST) {
      throw new IllegalArgumentException("an expression has 1 to " + LONGEST + " characters");
    }
    ExpressionConfiguration grammar =
        ExpressionConfiguration.builder()
            .arraysAllowed(false)
            .structuresAllowed(false)
            .implicitMultiplicationAllowed(false)
            .build();
    ASTNode tree;
    try {
      tree = new Expression(text, grammar).getAbstractSyntaxTree();
    } catch (ParseException e) {
      throw new IllegalArgumentException(
          e.getMessage() + ", at character " + e.getStartPosition(), e);
    }
    Set<Term.Variable> used = Term.variables(tree);
    return new CostExpression(text, Term.amount(tree), used.contains(Term.Variable.SECONDS));
  }

  @Override
  public BigDecimal cost(Usage usage, long millis) {
    long input = Math.max(0, usage.inputTokens());
    long output = Math.max(0, usage.outputTokens());
    long cached = Math.max(0, Math.min(usage.cachedTokens(), input));
    Map<Term.Variable, Range> values = new EnumMap<>(Term.Variable.class);
    values.put(Term.Variable.INPUT_TOKENS, Range.of(BigDecimal.valueOf(input)));
    values.put(Term.Variable.CACHED_TOKENS, Range.of(BigDecimal.valueOf(cached)));
    values.put(Term.Variable.OUTPUT_TOKENS, Range.of(BigDecimal.valueOf(output)));
    values.put(Term.Variable.SECONDS, Range.of(seconds(millis)));
    boolean used = input > 0 || output > 0;
    values.put(Term.Variable.REQUESTS, Range.of(used ? BigDecimal.ONE : BigDecimal.ZERO));
    return highest(values);
  }

  @Override
  public BigDecimal atMost(long inputTokens, long outputTokens, long millis) {
    Range input = Range.upTo(BigDecimal.valueOf(Math.max(0, inputTokens)));
    Map<Term.Variable, Range> values = new EnumMap<>(Term.Variable.class);
    values.put(Term.Variable.INPUT_TOKENS, input);
    values.put(Term.Variable.CACHED_TOKENS, input);
    values.put(
        Term.Variable.OUTPUT_TOKENS, Range.upTo(BigDecimal.valueOf(Math.max(0, outputTokens))));
    values.put(Term.Variable.SECONDS, Range.upTo(seconds(millis)));
    values.put(Term.Variable.REQUESTS, Range.upTo(BigDecimal.ONE));
    return highest(values);
  }

  private BigDecimal highest(Map<Term.Variable, Range> values) {
    return amount.of(values).high().max(BigDecimal.ZERO);
  }

  private static BigDecimal seconds(long millis) {
    return BigDecimal.valueOf(Math.max(0, millis), 3);
  }

  @Override
  public boolean timed() {
    return timed;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CostExpression that && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  /** The expression. */
  @Override
  public String toString() {
    return text;
  }
}
