package io.llmguard.wire;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What steers how tokens are chosen, and nothing else. */
enum Parameter {
  TEMPERATURE(Type.NUMBER, true),
  TOP_P(Type.NUMBER, true),
  TOP_K(Type.WHOLE, true),
  MIN_P(Type.NUMBER, false),
  TYPICAL_P(Type.NUMBER, false),
  TFS_Z(Type.NUMBER, false),
  SEED(Type.WHOLE, false),
  STOP(Type.STRINGS, true),
  PRESENCE_PENALTY(Type.NUMBER, false),
  FREQUENCY_PENALTY(Type.NUMBER, false),
  REPEAT_PENALTY(Type.NUMBER, false),
  REPETITION_PENALTY(Type.NUMBER, false),
  REPEAT_LAST_N(Type.WHOLE, false),
  MIROSTAT(Type.WHOLE, false),
  MIROSTAT_TAU(Type.NUMBER, false),
  MIROSTAT_ETA(Type.NUMBER, false),
  PENALIZE_NEWLINE(Type.BOOLEAN, false);

  private enum Type {
    NUMBER("a number"),
    WHOLE("a whole number"),
    BOOLEAN("true or false"),
    STRINGS("a string or a list of strings");

    private final String words;

    Type(String words) {
      this.words = words;
    }
  }

  private final String text = name().toLowerCase(Locale.ROOT);
  private final Type type;
  private final boolean anthropic;

  /**
   * A parameter.
   *
   * @param anthropic whether Anthropic's dialect has it too
   */
  Parameter(Type type, boolean anthropic) {
    this.type = type;
    this.anthropic = anthropic;
  }

  /**
   * The parameter of this name.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Parameter of(String name) {
    StringBuilder known = new StringBuilder();
    for (Parameter parameter : values()) {
      if (parameter.text.equals(name)) {
        return parameter;
      }
      known.append(known.isEmpty() ? "" : ", ").append(parameter.text);
    }
    throw new IllegalArgumentException(
        "no parameter that can be set: " + name + "; known: " + known);
  }

  /** Where it stands in a body of this dialect, or null where the dialect has none such. */
  @Nullable String fieldIn(Dialect dialect) {
    return switch (dialect) {
      case OLLAMA -> "options." + text;
      case OPENAI -> text;
      case ANTHROPIC -> !anthropic ? null : this == STOP ? "stop_sequences" : text;
      case PLAIN -> null;
    };
  }

  /**
   * A value as JSON.
   *
   * @throws IllegalArgumentException if the parameter takes no such value
   */
  String json(Object value) {
    String json =
        switch (type) {
          case NUMBER -> number(value);
          case WHOLE -> {
            String number = number(value);
            yield number == null || new BigDecimal(number).stripTrailingZeros().scale() > 0
                ? null
                : new BigDecimal(number).toBigInteger().toString();
          }
          case BOOLEAN -> value instanceof Boolean ? value.toString() : null;
          case STRINGS -> strings(value);
        };
    if (json == null) {
      throw new IllegalArgumentException(text + " takes " + type.words);
    }
    return json;
  }

  private static @Nullable String number(Object value) {
    if (!(value instanceof Number)) {
      return null;
    }
    try {
      return new BigDecimal(value.toString()).toPlainString();
    } catch (NumberFormatException e) {
      return null; // no number that JSON has
    }
  }

  private static @Nullable String strings(Object value) {
    List<?> all = value instanceof List<?> list ? list : List.of(value);
    StringBuilder json = new StringBuilder("[");
    for (Object one : all) {
      if (!(one instanceof String string)) {
        return null;
      }
      json.append(json.length() > 1 ? "," : "").append(BodyEdits.quoted(string));
    }
    return json.append(']').toString();
  }
}
