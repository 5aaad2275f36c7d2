package io.llmguard.benchmark.load;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Locale;

/** Finds the end of an HTTP/1.1 response and counts its body, without looking at the data. */
final class ResponseParser {
  private enum State {
    HEAD,
    DATA,
    CHUNK_SIZE,
    CHUNK_DATA,
    CHUNK_END,
    TRAILER
  }

  private final byte[] head = new byte[1 << 14];
  private State state = State.HEAD;
  private int headLength;
  private int status;
  private boolean closes;
  private long left;
  private int lineLength;
  private long body;

  /** Gets ready for the next response. */
  void reset() {
    state = State.HEAD;
    headLength = 0;
    status = 0;
    closes = false;
    left = 0;
    lineLength = 0;
    body = 0;
  }

  /** Takes what came; true where the response is complete. */
  boolean accept(ByteBuffer in) throws IOException {
    while (in.hasRemaining()) {
      switch (state) {
        case HEAD -> {
          head(in.get());
          if (state == State.DATA && left == 0) {
            return true;
          }
        }
        case DATA -> {
          skip(in);
          if (left == 0) {
            return true;
          }
        }
        case CHUNK_DATA -> {
          skip(in);
          if (left == 0) {
            state = State.CHUNK_END;
          }
        }
        case CHUNK_END -> {
          if (in.get() == '\n') {
            state = State.CHUNK_SIZE;
          }
        }
        case CHUNK_SIZE -> chunkSize(in.get());
        case TRAILER -> {
          if (trailerEnds(in.get())) {
            return true;
          }
        }
      }
    }
    return false;
  }

  int status() {
    return status;
  }

  /** Bytes of the body so far, without framing. */
  long body() {
    return body;
  }

  /** Whether the server will close the connection after this response. */
  boolean closes() {
    return closes;
  }

  private void skip(ByteBuffer in) {
    int n = (int) Math.min(left, in.remaining());
    in.position(in.position() + n);
    left -= n;
    body += n;
  }

  private void head(byte b) throws IOException {
    if (headLength == head.length) {
      throw new IOException("a response head of over " + head.length + " bytes");
    }
    head[headLength++] = b;
    if (b != '\n'
        || headLength < 4
        || head[headLength - 2] != '\r'
        || head[headLength - 3] != '\n') {
      return;
    }
    String text = new String(head, 0, headLength, ISO_8859_1).toLowerCase(Locale.ROOT);
    status = Integer.parseInt(text, 9, 12, 10);
    closes = text.contains("\nconnection: close");
    int length = text.indexOf("\ncontent-length:");
    if (text.contains("\ntransfer-encoding: chunked")) {
      state = State.CHUNK_SIZE;
    } else {
      state = State.DATA;
      left =
          length < 0
              ? 0
              : Long.parseLong(text.substring(length + 16, text.indexOf('\r', length)).strip());
    }
  }

  private void chunkSize(byte b) throws IOException {
    if (b == '\n') {
      state = left == 0 ? State.TRAILER : State.CHUNK_DATA;
    } else if (b != '\r') {
      int digit = Character.digit(b, 16);
      if (digit < 0) {
        throw new IOException("no chunk size: " + (char) b);
      }
      left = left * 16 + digit;
    }
  }

  private boolean trailerEnds(byte b) {
    if (b == '\n') {
      boolean empty = lineLength == 0;
      lineLength = 0;
      return empty;
    }
    if (b != '\r') {
      lineLength++;
    }
    return false;
  }
}
