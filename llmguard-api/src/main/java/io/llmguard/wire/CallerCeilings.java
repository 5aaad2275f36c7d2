package io.llmguard.wire;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the calls of one caller may ask of a server, below the ceilings that hold for all: it only
 * takes away. Null leaves what holds for all. Immutable.
 *
 * @param outputTokens tokens of output for each answer, at least 1
 * @param context {@code num_ctx}, at least 1
 * @param keepAlive how long a call may keep its model loaded
 * @param minKeepAlive how long a call must at least let its model stay loaded, so that it does not
 *     unload it for others
 * @param logprobs how many log probabilities for each token, 0 for none
 * @param choices how many answers to one call, at least 1
 * @param loadOptions false to take options away that make the server load the model anew
 * @param loadOnly false to refuse calls without a prompt, which only load or unload a model
 */
public record CallerCeilings(
    @Nullable Long outputTokens,
    @Nullable Long context,
    @Nullable Duration keepAlive,
    @Nullable Duration minKeepAlive,
    @Nullable Integer logprobs,
    @Nullable Integer choices,
    boolean loadOptions,
    boolean loadOnly) {
  /** What holds for all. */
  public static final CallerCeilings NONE =
      new CallerCeilings(null, null, null, null, null, null, true, true);

  private static final Set<String> NAMES =
      new TreeSet<>(
          Set.of(
              "output_tokens",
              "context",
              "keep_alive",
              "min_keep_alive",
              "logprobs",
              "choices",
              "load_options",
              "load_only"));

  /** Checks the ranges. */
  public CallerCeilings {
    // whatever is out of its range for all is so for one
    var unused =
        under(
            Ceilings.DEFAULT,
            outputTokens,
            context,
            keepAlive,
            minKeepAlive,
            logprobs,
            choices,
            loadOptions,
            loadOnly);
  }

  /** These under the ceilings that hold for all: of each the stricter one. */
  public Ceilings under(Ceilings all) {
    return equals(NONE)
        ? all
        : under(
            all,
            outputTokens,
            context,
            keepAlive,
            minKeepAlive,
            logprobs,
            choices,
            loadOptions,
            loadOnly);
  }

  private static Ceilings under(
      Ceilings all,
      @Nullable Long outputTokens,
      @Nullable Long context,
      @Nullable Duration keepAlive,
      @Nullable Duration minKeepAlive,
      @Nullable Integer logprobs,
      @Nullable Integer choices,
      boolean loadOptions,
      boolean loadOnly) {
    Duration most = lower(all.maxKeepAlive(), keepAlive);
    Duration least = higher(all.minKeepAlive(), minKeepAlive);
    return new Ceilings(
        all.mode(),
        lower(all.maxOutputTokens(), outputTokens),
        lower(all.maxContextTokens(), context),
        // where they leave no room the model is not pinned
        most == null ? least : lower(most, least),
        most,
        lower(all.maxLogprobs(), logprobs),
        lower(all.maxChoices(), choices),
        all.loadOptions() && loadOptions,
        all.loadOnly() && loadOnly,
        all.localMedia(),
        all.remoteMedia(),
        all.serverTools(),
        all.sameOutputLimit());
  }

  private static <T extends Comparable<T>> @Nullable T lower(@Nullable T a, @Nullable T b) {
    return a == null || (b != null && b.compareTo(a) < 0) ? b : a;
  }

  private static <T extends Comparable<T>> @Nullable T higher(@Nullable T a, @Nullable T b) {
    return a == null || (b != null && b.compareTo(a) > 0) ? b : a;
  }

  /**
   * Reads {@code output_tokens}, {@code context}, {@code keep_alive}, {@code min_keep_alive} (each
   * a number of seconds, or a text such as {@code PT5M}), {@code logprobs}, {@code choices}, {@code
   * load_options} and {@code load_only}; what is missing or null leaves what holds for all.
   *
   * @throws IllegalArgumentException naming what is unknown, of another type or out of its range: a
   *     ceiling that is not understood must not be taken for none
   */
  public static CallerCeilings parse(Map<String, ?> named) {
    for (String name : named.keySet()) {
      if (!NAMES.contains(name)) {
        throw new IllegalArgumentException("there is no such ceiling; there are " + NAMES);
      }
    }
    return new CallerCeilings(
        number(named, "output_tokens"),
        number(named, "context"),
        duration(named, "keep_alive"),
        duration(named, "min_keep_alive"),
        small(named, "logprobs"),
        small(named, "choices"),
        allowed(named, "load_options"),
        allowed(named, "load_only"));
  }

  /** What {@link #parse} reads; without what holds for all. */
  public Map<String, Object> named() {
    Map<String, Object> named = new LinkedHashMap<>();
    put(named, "output_tokens", outputTokens);
    put(named, "context", context);
    put(named, "keep_alive", Objects.toString(keepAlive, null));
    put(named, "min_keep_alive", Objects.toString(minKeepAlive, null));
    put(named, "logprobs", logprobs);
    put(named, "choices", choices);
    put(named, "load_options", loadOptions ? null : Boolean.FALSE);
    put(named, "load_only", loadOnly ? null : Boolean.FALSE);
    return named;
  }

  private static void put(Map<String, Object> into, String name, @Nullable Object value) {
    if (value != null) {
      into.put(name, value);
    }
  }

  private static @Nullable Long number(Map<String, ?> named, String name) {
    Object value = named.get(name);
    if (value == null) {
      return null;
    }
    if (value instanceof Long || value instanceof Integer) {
      return ((Number) value).longValue();
    }
    throw new IllegalArgumentException(name + " must be a whole number");
  }

  private static @Nullable Integer small(Map<String, ?> named, String name) {
    Long value = number(named, name);
    try {
      return value == null ? null : (Integer) Math.toIntExact(value);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(name + " is out of its range", e);
    }
  }

  private static @Nullable Duration duration(Map<String, ?> named, String name) {
    if (!(named.get(name) instanceof String text)) {
      Long seconds = number(named, name);
      return seconds == null ? null : Duration.ofSeconds(seconds);
    }
    try {
      return Duration.parse(text);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(name + " must be a duration such as PT5M", e);
    }
  }

  private static boolean allowed(Map<String, ?> named, String name) {
    Object value = named.get(name);
    if (value == null) {
      return true;
    }
    if (value instanceof Boolean allowed) {
      return allowed;
    }
    throw new IllegalArgumentException(name + " must be true or false");
  }
}
