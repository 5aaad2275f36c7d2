package io.llmguard.wire;

import java.util.Arrays;

/** Where the members of one object stand in a body, in order; offsets are of bytes. */
final class Members {
  private String[] names = new String[4];
  private int[] spans = new int[12];
  private int count;
  private final int open;

  /** Members of the object whose opening brace stands at {@code open}. */
  Members(int open) {
    this.open = open;
  }

  void add(String name, int keyStart, int valueStart, int valueEnd) {
    if (count == names.length) {
      names = Arrays.copyOf(names, count * 2);
      spans = Arrays.copyOf(spans, count * 6);
    }
    names[count] = name;
    spans[3 * count] = keyStart;
    spans[3 * count + 1] = valueStart;
    spans[3 * count + 2] = valueEnd;
    count++;
  }

  int open() {
    return open;
  }

  int size() {
    return count;
  }

  String name(int i) {
    return names[i];
  }

  int keyStart(int i) {
    return spans[3 * i];
  }

  int valueStart(int i) {
    return spans[3 * i + 1];
  }

  int valueEnd(int i) {
    return spans[3 * i + 2];
  }

  /** The place of the member of that name, or -1. */
  int indexOf(String name) {
    for (int i = 0; i < count; i++) {
      if (names[i].equals(name)) {
        return i;
      }
    }
    return -1;
  }
}
