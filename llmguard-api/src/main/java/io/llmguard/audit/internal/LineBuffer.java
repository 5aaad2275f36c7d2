package io.llmguard.audit.internal;

import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;

/** A growing array of bytes that can be looked into while it is written. Not thread-safe. */
public final class LineBuffer extends OutputStream {
  private static final int INITIAL = 8192;
  private static final int KEPT = 1 << 20;

  private byte[] content = new byte[INITIAL];
  private int size;

  LineBuffer() {}

  @Override
  public void write(int b) {
    ensure(1);
    content[size++] = (byte) b;
  }

  @Override
  public void write(byte[] source, int from, int length) {
    Objects.checkFromIndexSize(from, length, source.length);
    ensure(length);
    System.arraycopy(source, from, content, size, length);
    size += length;
  }

  private void ensure(int more) {
    if (content.length - size < more) {
      content = Arrays.copyOf(content, Math.max(Math.addExact(size, more), content.length * 2));
    }
  }

  /** How many bytes were written. */
  public int size() {
    return size;
  }

  /** What was written, for reading; valid until the next write. */
  public ByteBuffer toBuffer() {
    return ByteBuffer.wrap(content, 0, size);
  }

  byte[] bytes() {
    return content;
  }

  void truncate(int length) {
    size = length;
  }

  void reset() {
    size = 0;
    if (content.length > KEPT) {
      content = new byte[INITIAL];
    }
  }
}
