package io.llmguard.servlet.internal;

import io.llmguard.limit.RateLimit;
import io.llmguard.network.CidrSet;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletConfig;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the init-params of a filter or a servlet; what is wrong is named with its owner and the
 * parameter.
 *
 * <p>In a value <code>${NAME}</code> stands for the system property of that name, or else the
 * environment variable; <code>${NAME:-text}</code> is the text where there is neither.
 */
public final class InitParams {
  private static final Pattern LIMIT =
      Pattern.compile("(\\d{1,12})\\s+per\\s+(\\S+)(?:\\s+burst\\s+(\\d{1,12}))?");
  private static final Pattern DURATION = Pattern.compile("(\\d{1,12})(ms|s|m|h|d)");
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([\\w.-]+?)(?::-([^}]*))?}");

  private final String owner;
  private final Function<String, @Nullable String> values;
  private final List<String> names;
  private final Set<String> known = new HashSet<>();

  private InitParams(
      String owner, Function<String, @Nullable String> values, Enumeration<String> names) {
    this.owner = owner;
    this.values = values;
    this.names = Collections.list(names);
  }

  /** The parameters of this filter. */
  public static InitParams of(FilterConfig config) {
    return new InitParams(
        "filter " + config.getFilterName(),
        config::getInitParameter,
        config.getInitParameterNames());
  }

  /** The parameters of this servlet. */
  public static InitParams of(ServletConfig config) {
    return new InitParams(
        "servlet " + config.getServletName(),
        config::getInitParameter,
        config.getInitParameterNames());
  }

  /** A parameter that is not what it must be. */
  public IllegalArgumentException wrong(String name, String problem) {
    return new IllegalArgumentException(owner + ": init-param " + name + ": " + problem);
  }

  /** Whose parameters these are, for messages. */
  public String owner() {
    return owner;
  }

  /** The text, or null where it is missing or blank. */
  public @Nullable String text(String name) {
    known.add(name);
    String value = values.apply(name);
    return value == null || value.isBlank() ? null : expanded(name, value.strip());
  }

  private String expanded(String name, String value) {
    return VARIABLE
        .matcher(value)
        .replaceAll(
            found -> {
              String variable = found.group(1);
              String text = System.getProperty(variable, System.getenv(variable));
              if (text == null) {
                text = found.group(2);
              }
              if (text == null) {
                throw wrong(
                    name, "there is no system property or environment variable " + variable);
              }
              return Matcher.quoteReplacement(text);
            });
  }

  /** The text, which must be there. */
  public String required(String name, String what) {
    String value = text(name);
    if (value == null) {
      throw wrong(name, "is missing: " + what);
    }
    return value;
  }

  /** The parts between commas or white space; empty where it is missing. */
  public List<String> list(String name) {
    String value = text(name);
    return value == null
        ? List.of()
        : Arrays.stream(value.split("[,\\s]+")).filter(part -> !part.isEmpty()).toList();
  }

  /** A whole number of this range, or the default. */
  public int number(String name, int least, int most, int otherwise) {
    return (int) number(name, least, most, (long) otherwise);
  }

  /** The same, of any size. */
  public long number(String name, long least, long most, long otherwise) {
    String value = text(name);
    if (value == null) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw wrong(name, "'" + value + "' is no whole number from " + least + " to " + most);
  }

  /** True or false, or the default. */
  public boolean flag(String name, boolean otherwise) {
    String value = text(name);
    if (value == null) {
      return otherwise;
    }
    return switch (value.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw wrong(name, "'" + value + "' is neither true nor false");
    };
  }

  /** The parts between semicolons or line breaks; empty where it is missing. */
  public List<String> lines(String name) {
    String value = text(name);
    return value == null
        ? List.of()
        : Arrays.stream(value.split("[;\\r\\n]+"))
            .map(String::strip)
            .filter(part -> !part.isEmpty())
            .toList();
  }

  /** One of an enum's names in lower case, or the default. */
  public <E extends Enum<E>> E choice(String name, Class<E> type, E otherwise) {
    String value = text(name);
    if (value == null) {
      return otherwise;
    }
    for (E constant : type.getEnumConstants()) {
      if (word(constant).equals(value.toLowerCase(Locale.ROOT))) {
        return constant;
      }
    }
    throw wrong(
        name,
        "'"
            + value
            + "' is none of "
            + Arrays.stream(type.getEnumConstants()).map(InitParams::word).toList());
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Address blocks in CIDR form; none where it is missing. */
  public CidrSet blocks(String name) {
    List<String> blocks = list(name);
    try {
      return CidrSet.parse(blocks);
    } catch (IllegalArgumentException e) {
      throw wrong(name, String.valueOf(e.getMessage()));
    }
  }

  /** A duration such as {@code 500ms}, {@code 10s}, {@code 1m} or {@code PT1M}, or the default. */
  public Duration duration(String name, Duration otherwise) {
    String value = text(name);
    return value == null ? otherwise : duration(name, value);
  }

  /** The same, of at least 1 ms. */
  public Duration positive(String name, Duration otherwise) {
    Duration duration = duration(name, otherwise);
    if (duration.compareTo(Duration.ofMillis(1)) < 0) {
      throw wrong(name, "'" + text(name) + "' is shorter than 1 ms");
    }
    return duration;
  }

  private Duration duration(String name, String value) {
    Matcher matcher = DURATION.matcher(value);
    try {
      if (!matcher.matches()) {
        return Duration.parse(value);
      }
      long amount = Long.parseLong(matcher.group(1));
      return switch (matcher.group(2)) {
        case "ms" -> Duration.ofMillis(amount);
        case "s" -> Duration.ofSeconds(amount);
        case "m" -> Duration.ofMinutes(amount);
        case "h" -> Duration.ofHours(amount);
        default -> Duration.ofDays(amount);
      };
    } catch (DateTimeException | ArithmeticException e) {
      throw wrong(name, "'" + value + "' is no duration such as 500ms, 10s, 1m, 2h");
    }
  }

  /** A limit such as {@code 10 per 1m burst 5}, or the default. */
  public RateLimit limit(String name, RateLimit otherwise) {
    String value = text(name);
    return value == null ? otherwise : limit(name, value, false);
  }

  /**
   * A limit of tokens such as {@code 50000 per 1m}, or null where it is missing. Unless a burst is
   * set, a whole period's tokens may be used at once.
   */
  public @Nullable RateLimit tokens(String name) {
    String value = text(name);
    return value == null ? null : limit(name, value, true);
  }

  /** Limits such as {@code llama3* = 10 per 1m; mistral = 5 per 1m}; empty where it is missing. */
  public Map<String, RateLimit> limits(String name) {
    Map<String, RateLimit> limits = new LinkedHashMap<>();
    for (String line : lines(name)) {
      int at = line.lastIndexOf('=');
      String named = at < 0 ? "" : line.substring(0, at).strip();
      if (named.isEmpty()) {
        throw wrong(name, "'" + line + "' is no limit such as 'llama3* = 10 per 1m burst 5'");
      }
      if (limits.put(named, limit(name, line.substring(at + 1).strip(), false)) != null) {
        throw wrong(name, "'" + named + "' has two limits");
      }
    }
    return limits;
  }

  private RateLimit limit(String name, String value, boolean wholePeriodAtOnce) {
    Matcher matcher = LIMIT.matcher(value);
    if (!matcher.matches()) {
      throw wrong(name, "'" + value + "' is no limit such as '10 per 1m burst 5'");
    }
    long amount = Long.parseLong(matcher.group(1));
    String burst = matcher.group(3);
    long otherwise = wholePeriodAtOnce ? Math.max(0, amount - 1) : 0;
    try {
      return new RateLimit(
          amount,
          duration(name, matcher.group(2)),
          burst == null ? otherwise : Long.parseLong(burst));
    } catch (IllegalArgumentException e) {
      throw wrong(name, String.valueOf(e.getMessage()));
    }
  }

  /** The value of the environment variable that is named, or null where none is. */
  public @Nullable String secret(String name) {
    String variable = text(name);
    if (variable == null) {
      return null;
    }
    String value = System.getenv(variable);
    if (value == null || value.isBlank()) {
      throw wrong(name, "the environment variable " + variable + " is not set");
    }
    return value;
  }

  /** Refuses parameters that nobody has asked for: a misspelt one would guard nothing. */
  public void refuseUnknown() {
    for (String name : names) {
      if (!known.contains(name)) {
        throw wrong(
            name, "there is no such parameter; known are " + known.stream().sorted().toList());
      }
    }
  }
}
