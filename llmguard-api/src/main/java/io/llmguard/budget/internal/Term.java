package io.llmguard.budget.internal;

import com.ezylang.evalex.parser.ASTNode;
import com.ezylang.evalex.parser.Token;
import com.ezylang.evalex.parser.Token.TokenType;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Makes what can be reckoned with ranges of the tree of a parsed expression. */
public final class Term {
  private static final BigDecimal MOST = new BigDecimal("1000000000000");
  private static final int MOST_DIGITS = 30;

  private Term() {}

  /** What a cost may depend on. */
  public enum Variable {
    /** Tokens of the prompt. */
    INPUT_TOKENS,
    /** Those of them that came from a cache. */
    CACHED_TOKENS,
    /** Generated tokens. */
    OUTPUT_TOKENS,
    /** Of the upstream's time. */
    SECONDS,
    /** 1, or 0 where nothing was used. */
    REQUESTS;

    private static @Nullable Variable named(String name) {
      for (Variable variable : values()) {
        if (variable.word().equals(name)) {
          return variable;
        }
      }
      return null;
    }

    private String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** A number. */
  @FunctionalInterface
  public interface Amount {
    /** Every number that comes out for values in these ranges, and perhaps more. */
    Range of(Map<Variable, Range> values);
  }

  /** A condition. */
  @FunctionalInterface
  private interface Test {
    Truth of(Map<Variable, Range> values);
  }

  /** The variables of an expression. */
  public static Set<Variable> variables(ASTNode node) {
    Set<Variable> variables = EnumSet.noneOf(Variable.class);
    collect(node, variables);
    return variables;
  }

  private static void collect(ASTNode node, Set<Variable> into) {
    if (node.getToken().getType() == TokenType.VARIABLE_OR_CONSTANT) {
      into.add(variable(node.getToken()));
    }
    node.getParameters().forEach(child -> collect(child, into));
  }

  private static Variable variable(Token token) {
    Variable variable = Variable.named(token.getValue());
    if (variable == null) {
      List<String> words = new ArrayList<>();
      for (Variable known : Variable.values()) {
        words.add(known.word());
      }
      throw wrong(token, "is no variable; there are " + String.join(", ", words));
    }
    return variable;
  }

  private static IllegalArgumentException wrong(Token token, String what) {
    return new IllegalArgumentException(
        "'" + token.getValue() + "' at character " + token.getStartPosition() + " " + what);
  }

  /**
   * The number that an expression is.
   *
   * @throws IllegalArgumentException if it is none, or has something that cannot be reckoned
   */
  public static Amount amount(ASTNode node) {
    Token token = node.getToken();
    return switch (token.getType()) {
      case NUMBER_LITERAL -> {
        Range number = Range.of(number(token));
        yield values -> number;
      }
      case VARIABLE_OR_CONSTANT -> {
        Variable variable = variable(token);
        yield values -> {
          Range range = values.get(variable);
          return range == null ? Range.of(BigDecimal.ZERO) : range;
        };
      }
      case PREFIX_OPERATOR ->
          switch (token.getValue()) {
            case "+" -> amount(child(node, 0));
            case "-" -> each(node, Range::negated);
            default -> throw wrong(token, "makes no number");
          };
      case INFIX_OPERATOR ->
          switch (token.getValue()) {
            case "+" -> both(node, Range::plus);
            case "-" -> both(node, (a, b) -> a.plus(b.negated()));
            case "*" -> both(node, Range::times);
            case "/" -> quotient(node);
            default -> throw wrong(token, "makes no number");
          };
      case FUNCTION -> function(node);
      default -> throw wrong(token, "is not supported");
    };
  }

  private static BigDecimal number(Token token) {
    BigDecimal number;
    try {
      number = new BigDecimal(token.getValue());
    } catch (NumberFormatException e) {
      throw wrong(token, "is no decimal number");
    }
    if (number.scale() > MOST_DIGITS || number.scale() < -MOST_DIGITS) {
      throw wrong(token, "has more than " + MOST_DIGITS + " digits");
    }
    if (number.compareTo(MOST) > 0 || number.precision() > 2 * MOST_DIGITS) {
      throw wrong(token, "is too large");
    }
    return number;
  }

  private static ASTNode child(ASTNode node, int index) {
    return node.getParameters().get(index);
  }

  private static Amount each(ASTNode node, UnaryOperator<Range> operation) {
    Amount of = amount(child(node, 0));
    return values -> operation.apply(of.of(values));
  }

  private static Amount both(ASTNode node, BinaryOperator<Range> operation) {
    Amount a = amount(child(node, 0));
    Amount b = amount(child(node, 1));
    return values -> operation.apply(a.of(values), b.of(values));
  }

  private static Amount quotient(ASTNode node) {
    Amount of = amount(child(node, 0));
    ASTNode by = child(node, 1);
    if (!variables(by).isEmpty()) {
      throw wrong(node.getToken(), "divides by what is not constant");
    }
    Range divisor = amount(by).of(Map.of());
    if (divisor.low().signum() * divisor.high().signum() <= 0) {
      throw wrong(node.getToken(), "divides by 0");
    }
    BigDecimal number = divisor.low();
    return values -> of.of(values).over(number);
  }

  private static Amount function(ASTNode node) {
    Token token = node.getToken();
    int size = node.getParameters().size();
    String name = token.getValue().toUpperCase(Locale.ROOT);
    boolean right =
        switch (name) {
          case "IF" -> size == 3;
          case "CEILING", "FLOOR" -> size == 1;
          case "MIN", "MAX" -> size > 0;
          default ->
              throw wrong(token, "is not supported; there are IF, MIN, MAX, CEILING and FLOOR");
        };
    if (!right) {
      throw wrong(token, "has the wrong number of arguments");
    }
    return switch (name) {
      case "IF" -> choice(node);
      case "CEILING" -> each(node, range -> range.rounded(RoundingMode.CEILING));
      case "FLOOR" -> each(node, range -> range.rounded(RoundingMode.FLOOR));
      case "MIN" -> all(node, Range::min);
      default -> all(node, Range::max);
    };
  }

  private static Amount all(ASTNode node, BinaryOperator<Range> operation) {
    List<Amount> of = node.getParameters().stream().map(Term::amount).toList();
    return values -> of.stream().map(each -> each.of(values)).reduce(operation).orElseThrow();
  }

  private static Amount choice(ASTNode node) {
    Test test = test(child(node, 0));
    Amount then = amount(child(node, 1));
    Amount otherwise = amount(child(node, 2));
    return values -> {
      Truth truth = test.of(values);
      if (!truth.mayNot()) {
        return then.of(values);
      }
      return truth.may() ? then.of(values).or(otherwise.of(values)) : otherwise.of(values);
    };
  }

  private static Test test(ASTNode node) {
    Token token = node.getToken();
    if (token.getType() == TokenType.PREFIX_OPERATOR && token.getValue().equals("!")) {
      Test of = test(child(node, 0));
      return values -> of.of(values).not();
    }
    if (token.getType() != TokenType.INFIX_OPERATOR) {
      throw wrong(token, "is no condition");
    }
    return switch (token.getValue()) {
      case "&&" -> tests(node, Truth::and);
      case "||" -> tests(node, Truth::or);
      case "<" -> comparison(node, Range::below);
      case ">" -> comparison(node, (a, b) -> b.below(a));
      case "<=" -> comparison(node, (a, b) -> b.below(a).not());
      case ">=" -> comparison(node, (a, b) -> a.below(b).not());
      case "=", "==" -> comparison(node, Range::same);
      case "!=", "<>" -> comparison(node, (a, b) -> a.same(b).not());
      default -> throw wrong(token, "is no condition");
    };
  }

  private static Test tests(ASTNode node, BinaryOperator<Truth> operation) {
    Test a = test(child(node, 0));
    Test b = test(child(node, 1));
    return values -> operation.apply(a.of(values), b.of(values));
  }

  private interface Comparison {
    Truth of(Range a, Range b);
  }

  private static Test comparison(ASTNode node, Comparison comparison) {
    Amount a = amount(child(node, 0));
    Amount b = amount(child(node, 1));
    return values -> comparison.of(a.of(values), b.of(values));
  }
}
