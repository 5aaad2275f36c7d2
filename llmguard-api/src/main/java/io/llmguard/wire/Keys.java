package io.llmguard.wire;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The keys of one object, to find one that comes twice; a few without a set. */
final class Keys {
  private static final int FEW = 8;

  private final @Nullable String[] few = new @Nullable String[FEW];
  private int count;
  private @Nullable Set<String> many;

  /** Adds a key; false if it was there. */
  boolean add(String key) {
    if (many != null) {
      return many.add(key);
    }
    for (int i = 0; i < count; i++) {
      if (key.equals(few[i])) {
        return false;
      }
    }
    if (count < FEW) {
      few[count++] = key;
      return true;
    }
    Set<String> set = new HashSet<>();
    for (String each : few) {
      if (each != null) {
        set.add(each);
      }
    }
    many = set;
    return set.add(key);
  }
}
