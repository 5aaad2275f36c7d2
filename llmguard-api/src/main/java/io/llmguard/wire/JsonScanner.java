package io.llmguard.wire;

import org.jspecify.annotations.Nullable;

/**
 * Follows JSON texts as their bytes pass, split anywhere, and keeps the values that a {@link
 * JsonShape} names.
 *
 * <p>It checks nothing: what is no JSON gives no values or wrong ones, and never an exception. Its
 * memory is fixed, whatever comes; nothing is allocated on the way.
 */
final class JsonScanner {
  /** Depths at which a shape may have something; deeper values are only passed over. */
  private static final int SHAPED = 8;

  private static final int LONGEST_TEXT = 40;
  private static final int TOO_LONG = LONGEST_TEXT + 1;

  /** Counts of more digits are nobody's. */
  private static final int MOST_DIGITS = 12;

  private static final int NO_NUMBER = 0;
  private static final int DIGITS = 1;
  private static final int REST = 2;

  private final JsonShape shape;
  private final @Nullable JsonShape[] shapes = new @Nullable JsonShape[SHAPED];
  private final long[] values;
  private final byte[] text = new byte[LONGEST_TEXT];

  private int depth;
  private long objects;
  private boolean keyNext;
  private @Nullable JsonShape next;

  private boolean inString;
  private boolean escaped;
  private boolean key;
  private boolean collecting;
  private int length;

  private int number = NO_NUMBER;
  private int digits;
  private long value;

  private long present;
  private boolean ended;

  JsonScanner(JsonShape shape, int slots) {
    this.shape = shape;
    this.values = new long[slots];
    this.next = shape;
  }

  /** Forgets everything: a new text begins. */
  void reset() {
    depth = 0;
    objects = 0;
    keyNext = false;
    next = shape;
    inString = false;
    escaped = false;
    number = NO_NUMBER;
    present = 0;
    ended = false;
  }

  /** True once a text's outermost object or array has closed. */
  boolean ended() {
    return ended;
  }

  /** True if the slot's value came: not null, no empty string. */
  boolean has(int slot) {
    return (present & (1L << slot)) != 0;
  }

  /** The slot's number; of true and false 1 and 0; of a word its place; else -1. */
  long value(int slot) {
    return has(slot) ? values[slot] : -1;
  }

  /**
   * Reads on, to the end of a text, to a line break or to {@code end}.
   *
   * @return what to read next: what follows a text that has {@link #ended}, or the line break
   */
  int scan(byte[] bytes, int from, int end) {
    int i = from;
    while (i < end) {
      if (inString) {
        i = string(bytes, i, end);
        if (inString) {
          return i;
        }
        continue;
      }
      byte c = bytes[i];
      if (number != NO_NUMBER) {
        if (numeral(c)) {
          i++;
          continue;
        }
        endNumber();
      }
      switch (c) {
        case '"' -> beginString();
        case '{' -> open(true);
        case '[' -> open(false);
        case '}', ']' -> {
          close();
          if (ended) {
            return i + 1;
          }
        }
        case ',' -> comma();
        case ':' -> keyNext = false;
        case 't' -> literal(1);
        case 'f' -> literal(0);
        case 'n' -> nothing();
        case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> beginNumber(c);
        case '\n', '\r' -> {
          return i;
        }
        default -> {}
      }
      i++;
    }
    return end;
  }

  // ---- strings

  private void beginString() {
    inString = true;
    length = 0;
    key = keyNext;
    if (key) {
      JsonShape here = depth < SHAPED ? shapes[depth] : null;
      collecting = here != null && here.hasKeys();
    } else {
      collecting = next != null && next.hasWords();
    }
  }

  /** Reads a string's bytes; where a line break stands in it, the answer is its place. */
  private int string(byte[] bytes, int from, int end) {
    int i = from;
    while (i < end) {
      byte c = bytes[i];
      if (c == '\n' || c == '\r') {
        return i;
      }
      if (escaped) {
        escaped = false;
      } else if (c == '"') {
        inString = false;
        endString();
        return i + 1;
      } else if (c == '\\') {
        escaped = true;
      }
      if (collecting) {
        collect(c);
      } else {
        length = 1;
        i = plain(bytes, i + 1, end);
        continue;
      }
      i++;
    }
    return end;
  }

  private int plain(byte[] bytes, int from, int end) {
    int i = from;
    if (!escaped) {
      while (i < end && bytes[i] != '"' && bytes[i] != '\\' && (bytes[i] >= 0x20 || bytes[i] < 0)) {
        i++;
      }
    }
    return i;
  }

  private void collect(byte c) {
    if (length < LONGEST_TEXT) {
      text[length++] = c;
    } else {
      length = TOO_LONG;
    }
  }

  private void endString() {
    if (key) {
      JsonShape here = collecting && depth < SHAPED ? shapes[depth] : null;
      next = here == null ? null : here.child(text, length);
    } else if (next != null) {
      if (next.slot() >= 0 && length > 0) {
        set(next.slot(), collecting ? next.wordAt(text, length) : -1);
      }
      next = null;
    }
  }

  // ---- numbers and literals

  private void beginNumber(byte c) {
    if (next == null || next.slot() < 0 || c == '-') {
      // what is not wanted, and a negative count is none
      number = REST;
      return;
    }
    number = DIGITS;
    digits = 1;
    value = (long) c - '0';
  }

  /** Takes a byte of a number; false if it is none. */
  private boolean numeral(byte c) {
    if (c >= '0' && c <= '9') {
      if (number == DIGITS) {
        digits++;
        if (digits <= MOST_DIGITS) {
          value = value * 10 + (c - '0');
        }
      }
      return true;
    }
    if (c == 'e' || c == 'E') {
      number = REST;
      return true;
    }
    if (c == '.') {
      if (number == DIGITS) {
        endDigits();
        number = REST;
      }
      return true;
    }
    return c == '+' || c == '-';
  }

  private void endNumber() {
    if (number == DIGITS) {
      endDigits();
    }
    number = NO_NUMBER;
    next = null;
  }

  private void endDigits() {
    if (next != null && digits <= MOST_DIGITS) {
      set(next.slot(), value);
    }
  }

  private void literal(int truth) {
    if (next != null && next.slot() >= 0) {
      set(next.slot(), truth);
    }
    next = null;
  }

  private void nothing() {
    if (next != null && next.slot() >= 0) {
      present &= ~(1L << next.slot());
    }
    next = null;
  }

  private void set(int slot, long to) {
    present |= 1L << slot;
    values[slot] = to;
  }

  // ---- structure

  private void open(boolean object) {
    JsonShape opened = next;
    if (opened != null && opened.slot() >= 0) {
      set(opened.slot(), -1);
    }
    depth++;
    if (depth < SHAPED) {
      shapes[depth] = opened;
    }
    if (depth < Long.SIZE) {
      objects = object ? objects | (1L << depth) : objects & ~(1L << depth);
    }
    keyNext = object;
    next = object || opened == null ? null : opened.elements();
  }

  private void close() {
    if (depth > 0) {
      depth--;
      ended |= depth == 0;
    }
    keyNext = false;
    next = null;
  }

  private void comma() {
    keyNext = depth < Long.SIZE && (objects & (1L << depth)) != 0;
    JsonShape here = !keyNext && depth > 0 && depth < SHAPED ? shapes[depth] : null;
    next = here == null ? null : here.elements();
  }
}
