package io.llmguard;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a range of a file, with other bytes in the place of some. */
final class SpooledInput extends InputStream {
  private final FileChannel channel;
  private final List<RequestBody.Edit> edits;
  private final long end;
  private long at;
  private int next;
  private @Nullable ByteBuffer inserted;

  /**
   * Opens the file.
   *
   * @param edits those of the range, in the order of the file
   */
  SpooledInput(Path file, long from, long to, List<RequestBody.Edit> edits) throws IOException {
    this.channel = FileChannel.open(file, StandardOpenOption.READ);
    this.edits = edits;
    this.at = from;
    this.end = to;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (true) {
      ByteBuffer other = inserted;
      if (other != null && other.hasRemaining()) {
        int n = Math.min(length, other.remaining());
        other.get(into, offset, n);
        return n;
      }
      RequestBody.Edit edit = next < edits.size() ? edits.get(next) : null;
      if (edit != null && edit.offset() == at) {
        next++;
        at += edit.removed();
        inserted = edit.inserted();
        continue;
      }
      long until = edit == null ? end : edit.offset();
      if (at >= until) {
        return -1;
      }
      int most = (int) Math.min(length, until - at);
      int n = channel.read(ByteBuffer.wrap(into, offset, most), at);
      if (n < 0) {
        throw new EOFException("the file is shorter than it was");
      }
      at += n;
      return n;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
