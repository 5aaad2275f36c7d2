package io.llmguard.admin.internal;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parameters of a query, each known and given once. */
public final class Query {
  private static final int MAX_LENGTH = 8192;

  private final Map<String, String> values = new LinkedHashMap<>();

  private Query() {}

  /**
   * Reads a query.
   *
   * @throws BadCall naming a parameter that is not known or is given twice
   */
  public static Query parse(@Nullable String raw, Set<String> known) {
    Query query = new Query();
    if (raw == null || raw.isEmpty()) {
      return query;
    }
    if (raw.length() > MAX_LENGTH) {
      throw BadCall.request("the query is longer than " + MAX_LENGTH + " characters");
    }
    for (String pair : raw.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals));
      String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
      if (!known.contains(name)) {
        throw BadCall.request("there is no parameter " + Names.shown(name) + " here");
      }
      if (query.values.put(name, value) != null) {
        throw BadCall.request("the parameter " + name + " is given twice");
      }
    }
    return query;
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw BadCall.request("the query is not percent-encoded as RFC 3986 says");
    }
  }

  /** The value of a parameter, or null where it is not given or is empty. */
  public @Nullable String text(String name) {
    String value = values.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  /** True or false; false where it is not given. */
  public boolean bool(String name) {
    String value = text(name);
    if (value == null || value.equalsIgnoreCase("false")) {
      return false;
    }
    if (value.equalsIgnoreCase("true")) {
      return true;
    }
    throw BadCall.request(name + " must be true or false");
  }

  /** A whole number in the range; {@code fallback} where it is not given. */
  public int number(String name, int fallback, int min, int max) {
    String value = text(name);
    if (value == null) {
      return fallback;
    }
    if (value.matches("\\d{1,9}")) {
      int number = Integer.parseInt(value);
      if (number >= min && number <= max) {
        return number;
      }
    }
    throw BadCall.request(name + " must be a whole number between " + min + " and " + max);
  }
}
