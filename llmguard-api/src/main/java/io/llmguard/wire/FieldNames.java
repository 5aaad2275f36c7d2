package io.llmguard.wire;

import java.util.HashMap;
import java.util.Map;
import java.util.StringTokenizer;
import org.jspecify.annotations.Nullable;

/**
 * The names that an object of a request may have, and how a name in another case is told.
 *
 * <p>Go's {@code encoding/json} takes a key for a field's if they are equal under its folding:
 * ASCII letters in either case, and for names of ASCII letters the Kelvin sign for k and the long s
 * for s. Of several such keys the last one counts. So a key that folds to a known name and is not
 * that name is a way to say one thing to a strict reader and another to the upstream.
 */
final class FieldNames {
  /** A known name: what it means to the reader, and its place among the object's names. */
  record Entry(String name, Field field, int bit) {}

  private final Map<String, Entry> entries = new HashMap<>();

  private final Field unknown;

  /** No names at all; values of unknown names are skipped. */
  FieldNames() {
    this(Field.SKIPPED);
  }

  /** No names at all; {@code unknown} is what an unknown name means. */
  FieldNames(Field unknown) {
    this.unknown = unknown;
  }

  /** What a name means that is not known. */
  Field unknownField() {
    return unknown;
  }

  /** Adds a name that means something to the reader. */
  FieldNames with(String name, Field field) {
    if (!name.equals(fold(name)) || entries.size() == Long.SIZE) {
      throw new IllegalArgumentException(name);
    }
    entries.put(name, new Entry(name, field, entries.size()));
    return this;
  }

  /** Adds names, separated by spaces, whose values the reader only skips. */
  FieldNames skipping(String names) {
    for (StringTokenizer each = new StringTokenizer(names); each.hasMoreTokens(); ) {
      with(each.nextToken(), Field.SKIPPED);
    }
    return this;
  }

  /** The known name that is exactly this key, or null. */
  @Nullable Entry exact(String key) {
    return entries.get(key);
  }

  /**
   * The key in the one form that all keys have which {@code encoding/json} takes for the same name.
   */
  static String fold(String key) {
    int i = 0;
    while (i < key.length() && folded(key.charAt(i)) == key.charAt(i)) {
      i++;
    }
    if (i == key.length()) {
      return key;
    }
    char[] chars = key.toCharArray();
    for (; i < chars.length; i++) {
      chars[i] = folded(chars[i]);
    }
    return new String(chars);
  }

  private static char folded(char c) {
    if (c >= 'A' && c <= 'Z') {
      return (char) (c + 0x20);
    }
    return switch (c) {
      case '\u212a' -> 'k';
      case '\u017f' -> 's';
      default -> c;
    };
  }
}
