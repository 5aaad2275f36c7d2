package io.llmguard.ollama.internal.http;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What a request sends: opened anew for each time that it is sent. */
@FunctionalInterface
public interface RequestBody {
  /** Opens it at its beginning. */
  Source open() throws IOException;

  /** Bytes that are there. */
  static RequestBody of(byte[] bytes) {
    return () -> new Bytes(bytes);
  }

  /** A file, read piece by piece. */
  static RequestBody of(Path file) {
    return () -> new FileSource(FileChannel.open(file));
  }

  /** An open body. One thread at a time reads it; it may be closed by any. */
  interface Source extends Closeable {
    /** How many bytes it has in all. */
    long length();

    /** The next piece, which has a byte at least; null at the end. */
    @Nullable ByteBuffer next() throws IOException;

    @Override
    void close() throws IOException;
  }

  /** One piece. */
  final class Bytes implements Source {
    private final byte[] bytes;
    private boolean given;

    private Bytes(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public long length() {
      return bytes.length;
    }

    @Override
    public @Nullable ByteBuffer next() {
      boolean more = !given && bytes.length > 0;
      given = true;
      return more ? ByteBuffer.wrap(bytes) : null;
    }

    @Override
    public void close() {
      // nothing is held
    }
  }

  /** As many bytes as the file had when it was opened: what is added later is not sent. */
  final class FileSource implements Source {
    private static final int PIECE = 64 * 1024;

    private final FileChannel file;
    private final long length;
    private final ByteBuffer piece = ByteBuffer.allocate(PIECE);
    private long left;

    private FileSource(FileChannel file) throws IOException {
      this.file = file;
      boolean known = false;
      try {
        length = file.size();
        known = true;
      } finally {
        if (!known) {
          file.close();
        }
      }
      left = length;
    }

    @Override
    public long length() {
      return length;
    }

    @Override
    public @Nullable ByteBuffer next() throws IOException {
      if (left == 0) {
        return null;
      }
      piece.clear().limit((int) Math.min(PIECE, left));
      if (file.read(piece) < 0) {
        throw new BodyException("the file has become shorter", null);
      }
      left -= piece.position();
      return piece.flip();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
