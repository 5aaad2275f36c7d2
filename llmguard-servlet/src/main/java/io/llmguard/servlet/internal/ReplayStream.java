package io.llmguard.servlet.internal;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A body that stands in memory, read as a servlet's input. */
final class ReplayStream extends ServletInputStream {
  private final ByteBuffer body;

  ReplayStream(ByteBuffer body) {
    this.body = body;
  }

  @Override
  public int read() {
    return body.hasRemaining() ? body.get() & 0xff : -1;
  }

  @Override
  public int read(byte[] into, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    int n = Math.min(length, body.remaining());
    if (n == 0) {
      return -1;
    }
    body.get(into, offset, n);
    return n;
  }

  @Override
  public int available() {
    return body.remaining();
  }

  @Override
  public boolean isFinished() {
    return !body.hasRemaining();
  }

  @Override
  public boolean isReady() {
    return true;
  }

  /** Everything is there already, so the listener is served before this returns. */
  @Override
  public void setReadListener(ReadListener listener) {
    try {
      if (!isFinished()) {
        listener.onDataAvailable();
      }
      if (isFinished()) {
        listener.onAllDataRead();
      }
    } catch (IOException | RuntimeException e) {
      listener.onError(e);
    }
  }
}
