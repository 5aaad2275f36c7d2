package io.llmguard.admin.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The fields of a request's object, each read by its type; a wrong one is named in the error. */
public final class Fields {
  private static final int MAX_TEXT = 512;
  private static final int MAX_ITEMS = 1000;
  private static final BigDecimal MAX_AMOUNT = BigDecimal.valueOf(1_000_000_000_000L);
  private static final int MAX_SCALE = 12;

  private final ObjectNode object;

  /** The fields of this object. */
  public Fields(ObjectNode object) {
    this.object = object;
  }

  /** The names, in order. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /** True if the field was sent, be it as null. */
  public boolean has(String name) {
    return object.has(name);
  }

  /** True if the field was not sent, or says nothing: null, false, 0, or something empty. */
  public boolean isEmpty(String name) {
    JsonNode value = object.path(name);
    return value.isMissingNode()
        || value.isNull()
        || (value.isContainerNode() && value.isEmpty())
        || (value.isTextual() && value.asText().isEmpty())
        || (value.isBoolean() && !value.booleanValue())
        || (value.isNumber() && value.decimalValue().signum() == 0);
  }

  /** A text of at most 512 characters without control characters, or null. */
  public @Nullable String text(String name) {
    JsonNode value = value(name);
    return value == null ? null : text(name, value);
  }

  private static String text(String where, JsonNode value) {
    if (!value.isTextual()) {
      throw BadCall.request(where + " must be a string");
    }
    String text = value.asText();
    if (text.length() > MAX_TEXT || text.chars().anyMatch(Character::isISOControl)) {
      throw BadCall.request(
          where + " must have at most " + MAX_TEXT + " characters and no control character");
    }
    return text;
  }

  /** A whole number in the range, or null. */
  public @Nullable Long number(String name, long min, long max) {
    JsonNode value = value(name);
    return value == null ? null : (Long) number(name, value, min, max);
  }

  private static long number(String where, JsonNode value, long min, long max) {
    boolean whole = value.isIntegralNumber() && value.canConvertToLong();
    if (!whole || value.longValue() < min || value.longValue() > max) {
      throw BadCall.request(where + " must be a whole number between " + min + " and " + max);
    }
    return value.longValue();
  }

  /** An amount of money, not negative, or null; the empty string is null as well. */
  public @Nullable BigDecimal amount(String name) {
    JsonNode value = value(name);
    if (value == null || (value.isTextual() && value.asText().isEmpty())) {
      return null;
    }
    if (!value.isNumber()) {
      throw BadCall.request(name + " must be a number");
    }
    BigDecimal amount = value.decimalValue();
    if (amount.scale() > MAX_SCALE || amount.signum() < 0 || amount.compareTo(MAX_AMOUNT) > 0) {
      throw BadCall.request(
          name + " must be between 0 and " + MAX_AMOUNT + ", with at most 12 decimals");
    }
    return amount;
  }

  /** The same, which may also be the text of a number. */
  public @Nullable BigDecimal amountOrText(String name) {
    JsonNode value = value(name);
    if (value == null || !value.isTextual() || value.asText().length() > MAX_TEXT) {
      return amount(name);
    }
    try {
      return new Fields(object.objectNode().put(name, new BigDecimal(value.asText()))).amount(name);
    } catch (NumberFormatException e) {
      throw BadCall.request(name + " must be a number");
    }
  }

  /** True or false, or null. */
  public @Nullable Boolean bool(String name) {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    if (!value.isBoolean()) {
      throw BadCall.request(name + " must be true or false");
    }
    return value.booleanValue();
  }

  /** A list of texts, or null. */
  public @Nullable List<String> texts(String name) {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    if (!value.isArray() || value.size() > MAX_ITEMS) {
      throw BadCall.request(name + " must be a list of at most " + MAX_ITEMS + " strings");
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode item : value) {
      texts.add(text(name + "[" + texts.size() + "]", item));
    }
    return texts;
  }

  /** Whole numbers by name, or null. */
  public @Nullable Map<String, Long> numbers(String name, long min, long max) {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    if (!value.isObject() || value.size() > MAX_ITEMS) {
      throw BadCall.request(name + " must be an object of at most " + MAX_ITEMS + " numbers");
    }
    Map<String, Long> numbers = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : value.properties()) {
      numbers.put(entry.getKey(), number("each of " + name, entry.getValue(), min, max));
    }
    return numbers;
  }

  /** Objects by name, each with its own fields, or null. */
  public @Nullable Map<String, Fields> namedObjects(String name, int most) {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    if (!value.isObject() || value.size() > most) {
      throw BadCall.request(name + " must be an object of at most " + most + " objects");
    }
    Map<String, Fields> objects = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : value.properties()) {
      if (!(entry.getValue() instanceof ObjectNode found)) {
        throw BadCall.request("each of " + name + " must be an object");
      }
      objects.put(text("a name in " + name, object.textNode(entry.getKey())), new Fields(found));
    }
    return objects;
  }

  /** An object, or null. */
  public @Nullable ObjectNode object(String name) {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    if (value instanceof ObjectNode found) {
      return found;
    }
    throw BadCall.request(name + " must be an object");
  }

  /** A list of at most so many objects, each with its own fields, or null. */
  public @Nullable List<Fields> objects(String name, int most) {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    if (!value.isArray() || value.size() > most) {
      throw BadCall.request(name + " must be a list of at most " + most + " objects");
    }
    List<Fields> objects = new ArrayList<>();
    for (JsonNode item : value) {
      if (!(item instanceof ObjectNode found)) {
        throw BadCall.request(name + "[" + objects.size() + "] must be an object");
      }
      objects.add(new Fields(found));
    }
    return objects;
  }

  /** Whatever the field holds but null. */
  private @Nullable JsonNode value(String name) {
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }
}
