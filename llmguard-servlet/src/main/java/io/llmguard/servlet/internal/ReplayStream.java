package io.llmguard.servlet.internal;

import io.llmguard.RequestBody;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A body that was read and checked, once more as a servlet's input. */
final class ReplayStream extends ServletInputStream {
  private static final int PIECE = 16 << 10;

  private final @Nullable InputStream file;
  private ByteBuffer piece;
  private long unread;

  private ReplayStream(@Nullable InputStream file, ByteBuffer piece, long unread) {
    this.file = file;
    this.piece = piece;
    this.unread = unread;
  }

  /** A body that stands in memory or in a file, from its beginning. */
  static ReplayStream of(RequestBody body) throws IOException {
    if (body instanceof RequestBody.Spooled spooled) {
      return new ReplayStream(spooled.open(), ByteBuffer.allocate(0), spooled.length());
    }
    ByteBuffer all =
        body instanceof RequestBody.InMemory memory ? memory.content() : ByteBuffer.allocate(0);
    return new ReplayStream(null, all, 0);
  }

  /** Sees to it that there is a byte; false at the end. */
  private boolean fill() throws IOException {
    if (piece.hasRemaining()) {
      return true;
    }
    if (file == null || unread == 0) {
      return false;
    }
    if (piece.capacity() == 0) {
      piece = ByteBuffer.allocate((int) Math.min(PIECE, unread));
    }
    int read = file.read(piece.array());
    piece.clear().limit(Math.max(0, read));
    unread = read < 0 ? 0 : unread - read;
    if (unread == 0) {
      file.close();
    }
    return piece.hasRemaining();
  }

  @Override
  public int read() throws IOException {
    return fill() ? piece.get() & 0xff : -1;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    int n = Math.min(length, piece.remaining());
    piece.get(into, offset, n);
    return n;
  }

  @Override
  public int available() {
    return (int) Math.min(Integer.MAX_VALUE, piece.remaining() + unread);
  }

  @Override
  public boolean isFinished() {
    return !piece.hasRemaining() && unread == 0;
  }

  @Override
  public boolean isReady() {
    return true;
  }

  @Override
  public void close() throws IOException {
    unread = 0;
    if (file != null) {
      file.close();
    }
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
