package io.llmguard.wire;

/**
 * Meters an answer of server-sent events (WHATWG HTML, 9.2), of which it reads the fields {@code
 * data} and {@code event}, and llama.cpp's {@code error}. An event counts when its data is whole,
 * without waiting for the empty line.
 */
final class EventsMeter extends AnswerMeter {
  private static final byte[] DONE = {'[', 'D', 'O', 'N', 'E', ']'};
  private static final long DATA = name("data");
  private static final long EVENT = name("event");
  private static final long ERROR = name("error");
  private static final int LONGEST_NAME = 7;

  private enum State {
    NAME,
    SPACE,
    DATA,
    EVENT,
    SKIPPED
  }

  private State state = State.NAME;
  private boolean afterCarriageReturn;
  private long name;
  private int nameLength;
  private int done;

  EventsMeter(AnswerShape shape) {
    super(shape, Framing.EVENTS);
  }

  private static long name(String name) {
    long value = 0;
    for (int i = 0; i < name.length(); i++) {
      value = value << 8 | name.charAt(i);
    }
    return value;
  }

  @Override
  void read(byte[] bytes, int from, int end) {
    int i = from;
    while (i < end) {
      byte c = bytes[i];
      if (c == '\n' || c == '\r') {
        if (c == '\r' || !afterCarriageReturn) {
          endLine();
        }
        afterCarriageReturn = c == '\r';
        i++;
        continue;
      }
      afterCarriageReturn = false;
      switch (state) {
        case NAME -> {
          i++;
          if (c == ':') {
            state = State.SPACE;
          } else if (nameLength <= LONGEST_NAME) {
            name = name << 8 | (c & 0xff);
            nameLength++;
          }
        }
        case SPACE -> {
          state = field();
          done = 0;
          if (c == ' ') {
            i++;
          }
        }
        case DATA -> i = data(bytes, i, end);
        case EVENT -> {
          if (nameLength <= LONGEST_NAME) {
            name = name << 8 | (c & 0xff);
            nameLength++;
          }
          i++;
        }
        case SKIPPED -> i = lineEnd(bytes, i, end);
      }
    }
  }

  private State field() {
    boolean known = nameLength <= LONGEST_NAME;
    State next = State.SKIPPED;
    if (known && name == DATA) {
      next = State.DATA;
    } else if (known && name == EVENT) {
      next = State.EVENT;
    } else if (known && name == ERROR) {
      fail();
    }
    name = 0;
    nameLength = 0;
    return next;
  }

  private int data(byte[] bytes, int from, int end) {
    int i = from;
    while (done >= 0 && i < end) {
      if (done < DONE.length && bytes[i] == DONE[done]) {
        done++;
        i++;
        if (done == DONE.length) {
          finish();
        }
      } else {
        done = done == 0 ? -1 : done;
        break;
      }
    }
    if (done < 0) {
      i = json.scan(bytes, i, end);
      if (json.ended()) {
        document();
      }
      return i;
    }
    return lineEnd(bytes, i, end);
  }

  private static int lineEnd(byte[] bytes, int from, int end) {
    int i = from;
    while (i < end && bytes[i] != '\n' && bytes[i] != '\r') {
      i++;
    }
    return i;
  }

  private void endLine() {
    if (state == State.EVENT && name == ERROR) {
      fail();
    }
    if (state == State.NAME && nameLength == 0) {
      // an empty line: what is not whole at an event's end never will be
      json.reset();
    }
    state = State.NAME;
    name = 0;
    nameLength = 0;
  }
}
