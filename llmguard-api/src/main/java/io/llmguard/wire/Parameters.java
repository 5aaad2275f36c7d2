package io.llmguard.wire;

import io.llmguard.Refusal;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What an operator decides in place of callers about how an answer is generated.
 *
 * <p>A locked parameter has its value whatever a call says, a default one where the call says
 * nothing, and a refused one may not be set. Those that can be locked are the ones that steer how
 * tokens are chosen, such as {@code temperature}, {@code top_p}, {@code seed} and {@code stop}; in
 * Ollama's dialect they are written under {@code options}, else into the body itself, and {@code
 * stop} as {@code stop_sequences} in Anthropic's. That has temperature, top_p, top_k and stop only:
 * a locked parameter that it does not have is taken out. Calls that generate nothing are left as
 * they are. Immutable.
 */
public final class Parameters {
  /** Decides nothing. */
  public static final Parameters NONE = new Parameters(new Builder());

  private final Map<Parameter, String> locked;
  private final Map<Parameter, String> defaults;
  private final Set<String> refused;

  private Parameters(Builder builder) {
    locked = new EnumMap<>(builder.locked);
    defaults = new EnumMap<>(builder.defaults);
    refused = new LinkedHashSet<>(builder.refused);
  }

  /** A builder of decisions. */
  public static Builder builder() {
    return new Builder();
  }

  /** True if they decide nothing. */
  public boolean isEmpty() {
    return locked.isEmpty() && defaults.isEmpty() && refused.isEmpty();
  }

  /** These, and those of {@code general} of which these say nothing. */
  public Parameters over(Parameters general) {
    if (general.isEmpty() || isEmpty()) {
      return isEmpty() ? general : this;
    }
    Builder both = new Builder();
    both.locked.putAll(general.locked);
    both.locked.putAll(locked);
    both.defaults.putAll(general.defaults);
    both.defaults.putAll(defaults);
    both.refused.addAll(general.refused);
    both.refused.addAll(refused);
    return new Parameters(both);
  }

  /** Why a call is refused: 403 {@code parameter-refused}; null if it is not. */
  public @Nullable Refusal refusal(CheckedBody body) {
    if (refused.isEmpty() || !generates(body)) {
      return null;
    }
    for (String name : refused) {
      if (asks(body.root(), name) || asks(body.options(), name)) {
        return Refusal.of(403, "parameter-refused", name + " may not be set here");
      }
    }
    return null;
  }

  private static boolean generates(CheckedBody body) {
    return body.call().operation().kind() == Operation.Kind.GENERATION;
  }

  /** Some parsers take a name in any case. */
  private static boolean asks(@Nullable Members members, String name) {
    for (int i = 0; members != null && i < members.size(); i++) {
      if (members.name(i).equalsIgnoreCase(name)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Writes what is decided into a body.
   *
   * @param edits of that body
   */
  public void apply(CheckedBody body, BodyEdits edits) {
    if (!generates(body)) {
      return;
    }
    Dialect dialect = body.call().operation().dialect();
    locked.forEach(
        (parameter, json) -> {
          String field = parameter.fieldIn(dialect);
          removeSpellings(body, edits, parameter, field);
          if (field != null) {
            edits.json(field, json);
          }
        });
    defaults.forEach(
        (parameter, json) -> {
          String field = parameter.fieldIn(dialect);
          if (field != null && !locked.containsKey(parameter) && !says(body, field)) {
            edits.json(field, json);
          }
        });
  }

  /** Takes out every other spelling of a name, and every one where the dialect has no such. */
  private static void removeSpellings(
      CheckedBody body, BodyEdits edits, Parameter parameter, @Nullable String field) {
    String where = field == null ? parameter.fieldIn(Dialect.OPENAI) : field;
    if (where == null) {
      return;
    }
    String prefix = where.substring(0, where.indexOf('.') + 1);
    String name = where.substring(prefix.length());
    Members members = prefix.isEmpty() ? body.root() : body.options();
    for (int i = 0; members != null && i < members.size(); i++) {
      String given = members.name(i);
      if (given.equalsIgnoreCase(name) && (field == null || !given.equals(name))) {
        edits.remove(prefix + given);
      }
    }
  }

  /** True if the call itself gives the field a value. */
  private static boolean says(CheckedBody body, String field) {
    String name = field.substring(field.indexOf('.') + 1);
    Members members = field.equals(name) ? body.root() : body.options();
    for (int i = 0; members != null && i < members.size(); i++) {
      if (members.name(i).equalsIgnoreCase(name)
          && !JsonText.is(body.bytes(), members.valueStart(i), members.valueEnd(i), "null")) {
        return true;
      }
    }
    return false;
  }

  /** The names of what is decided; values are left out. */
  @Override
  public String toString() {
    return "Parameters[locked="
        + locked.keySet()
        + ", defaults="
        + defaults.keySet()
        + ", refused="
        + refused
        + "]";
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Parameters that
        && locked.equals(that.locked)
        && defaults.equals(that.defaults)
        && refused.equals(that.refused);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * locked.hashCode() + defaults.hashCode()) + refused.hashCode();
  }

  /** Collects decisions. Not thread-safe. */
  public static final class Builder {
    /** Without these a call asks for nothing, and each has a guard of its own. */
    private static final Set<String> NEEDED =
        Set.of("model", "messages", "prompt", "input", "stream", "options");

    private final Map<Parameter, String> locked = new EnumMap<>(Parameter.class);
    private final Map<Parameter, String> defaults = new EnumMap<>(Parameter.class);
    private final Set<String> refused = new TreeSet<>();

    private Builder() {}

    /**
     * A parameter that has this value, whatever a call says.
     *
     * @param value a number, a boolean, a string or a list of strings, as the parameter takes it
     * @throws IllegalArgumentException if there is no such parameter, or it takes no such value
     */
    public Builder lock(String name, Object value) {
      Parameter parameter = Parameter.of(name);
      locked.put(parameter, parameter.json(value));
      return this;
    }

    /**
     * A parameter that has this value where a call says nothing.
     *
     * @param value as for {@link #lock}
     * @throws IllegalArgumentException if there is no such parameter, or it takes no such value
     */
    public Builder byDefault(String name, Object value) {
      Parameter parameter = Parameter.of(name);
      defaults.put(parameter, parameter.json(value));
      return this;
    }

    /**
     * A field that a call may not have, in the body or under {@code options}; any field, not only
     * one that can be locked.
     *
     * @throws IllegalArgumentException if no call could do without it, or it is no name
     */
    public Builder refuse(String name) {
      if (NEEDED.contains(name) || !name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
        throw new IllegalArgumentException("no field that can be refused: " + name);
      }
      refused.add(name);
      return this;
    }

    /** The decisions. */
    public Parameters build() {
      return new Parameters(this);
    }
  }
}
