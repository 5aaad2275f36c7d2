package io.llmguard.wire;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The few values of an answer that a {@link JsonScanner} looks for: a tree of keys, whose leaves
 * have a slot. Immutable once it is built.
 */
final class JsonShape {
  /** Slot of a place that is only a way to others. */
  static final int NO_SLOT = -1;

  private byte[][] keys = {};
  private JsonShape[] children = {};
  private byte[][] words = {};
  private @Nullable JsonShape elements;
  private final int slot;

  private JsonShape(int slot) {
    this.slot = slot;
  }

  /** An object of which only some keys matter, or an array, by {@link #each}. */
  static JsonShape node() {
    return new JsonShape(NO_SLOT);
  }

  /** A value that matters itself. */
  static JsonShape slot(int slot) {
    return new JsonShape(slot);
  }

  /** A string of which it matters which of these words it is. */
  static JsonShape word(int slot, String... words) {
    JsonShape shape = new JsonShape(slot);
    shape.words =
        Arrays.stream(words)
            .map(word -> word.getBytes(StandardCharsets.US_ASCII))
            .toArray(byte[][]::new);
    return shape;
  }

  /** Adds a key of an object. */
  JsonShape with(String key, JsonShape child) {
    keys = Arrays.copyOf(keys, keys.length + 1);
    keys[keys.length - 1] = key.getBytes(StandardCharsets.US_ASCII);
    children = Arrays.copyOf(children, keys.length);
    children[keys.length - 1] = child;
    return this;
  }

  /** Sets what each element of an array is. */
  JsonShape each(JsonShape element) {
    elements = element;
    return this;
  }

  int slot() {
    return slot;
  }

  @Nullable JsonShape elements() {
    return elements;
  }

  boolean hasKeys() {
    return keys.length > 0;
  }

  boolean hasWords() {
    return words.length > 0;
  }

  /** What stands under the key, or null if it does not matter. */
  @Nullable JsonShape child(byte[] key, int length) {
    for (int i = 0; i < keys.length; i++) {
      if (same(keys[i], key, length)) {
        return children[i];
      }
    }
    return null;
  }

  /** The place of the word among those that matter, or -1. */
  int wordAt(byte[] word, int length) {
    for (int i = 0; i < words.length; i++) {
      if (same(words[i], word, length)) {
        return i;
      }
    }
    return -1;
  }

  private static boolean same(byte[] wanted, byte[] text, int length) {
    if (wanted.length != length) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (wanted[i] != text[i]) {
        return false;
      }
    }
    return true;
  }
}
