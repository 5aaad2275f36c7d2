package io.llmguard.ollama.internal.http;

import java.net.ProtocolException;
import java.nio.ByteBuffer;

/** Takes an answer's body out of its framing (RFC 9112), as it comes. Not thread-safe. */
final class Body {
  private static final int LONGEST_LINE = 8 * 1024;
  private static final int LONGEST_TRAILER = 64 * 1024;

  private enum State {
    CONTENT,
    SIZE,
    EXTENSION,
    SIZE_END,
    CHUNK,
    CHUNK_END,
    TRAILER,
    END
  }

  private final boolean untilClosed;
  private State state;

  /** Bytes left of the content, or of the chunk. */
  private long left;

  private int digits;
  private int line;
  private int trailer;

  /** Whether the trailer's line is empty so far. */
  private boolean blank = true;

  private Body(State state, long left, boolean untilClosed) {
    this.state = state;
    this.left = left;
    this.untilClosed = untilClosed;
  }

  static Body ofLength(long length) {
    return new Body(length == 0 ? State.END : State.CONTENT, length, false);
  }

  static Body chunked() {
    return new Body(State.SIZE, 0, false);
  }

  static Body untilClosed() {
    return new Body(State.CONTENT, Long.MAX_VALUE, true);
  }

  boolean ended() {
    return state == State.END;
  }

  /** Whether the connection's end is the body's. */
  boolean endsWithConnection() {
    return untilClosed;
  }

  /**
   * Reads what has come, up to the body's end and no further.
   *
   * @throws ProtocolException where the framing is broken
   */
  void read(ByteBuffer in, Sink sink) throws ProtocolException {
    while (in.hasRemaining() && state != State.END) {
      if (state == State.CONTENT || state == State.CHUNK) {
        content(in, sink);
      } else {
        framing(in.get());
      }
    }
  }

  private void content(ByteBuffer in, Sink sink) {
    int count = (int) Math.min(left, in.remaining());
    sink.accept(in.array(), in.arrayOffset() + in.position(), count);
    in.position(in.position() + count);
    if (!untilClosed) {
      left -= count;
      if (left == 0) {
        state = state == State.CHUNK ? State.CHUNK_END : State.END;
        line = 0;
      }
    }
  }

  private void framing(byte b) throws ProtocolException {
    if (++line > LONGEST_LINE) {
      throw new ProtocolException("a line of the framing that does not end");
    }
    switch (state) {
      case SIZE -> size(b);
      case EXTENSION -> {
        if (b == '\n') {
          sized();
        }
      }
      case SIZE_END -> {
        expect(b, '\n');
        sized();
      }
      case CHUNK_END -> {
        if (line == 1 && b == '\r') {
          return;
        }
        expect(b, '\n');
        next(State.SIZE);
        digits = 0;
        left = 0;
      }
      default -> trailer(b);
    }
  }

  private void size(byte b) throws ProtocolException {
    int digit = Character.digit(b, 16);
    if (digit >= 0) {
      if (++digits > 15) {
        throw new ProtocolException("a chunk of a size that is none");
      }
      left = left << 4 | digit;
    } else if (digits == 0) {
      throw new ProtocolException("a chunk without a size");
    } else if (b == ';' || b == ' ' || b == '\t') {
      state = State.EXTENSION;
    } else if (b == '\n') {
      sized();
    } else {
      expect(b, '\r');
      state = State.SIZE_END;
    }
  }

  private void sized() {
    next(left == 0 ? State.TRAILER : State.CHUNK);
  }

  private void trailer(byte b) throws ProtocolException {
    if (++trailer > LONGEST_TRAILER) {
      throw new ProtocolException("a trailer that does not end");
    }
    if (b != '\n') {
      blank &= b == '\r';
    } else {
      next(blank ? State.END : State.TRAILER);
      blank = true;
    }
  }

  private void next(State following) {
    state = following;
    line = 0;
  }

  private static void expect(byte b, char wanted) throws ProtocolException {
    if (b != wanted) {
      throw new ProtocolException("a chunk that does not end where it says");
    }
  }
}
