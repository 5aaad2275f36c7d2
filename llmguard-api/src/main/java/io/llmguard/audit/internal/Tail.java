package io.llmguard.audit.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;

/**
 * How a file of audit lines ends.
 *
 * @param size its length in bytes
 * @param lines true if it has a whole line
 * @param hash what its last whole line says its hash is, or null if that is no chained line
 * @param torn bytes after the last line feed
 * @param tornDigest hex SHA-256 of these bytes
 */
record Tail(long size, boolean lines, @Nullable String hash, long torn, String tornDigest) {
  private static final int BLOCK = 1 << 16;

  static Tail of(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      long end = endOfLines(channel, size);
      ChainDigest digest = new ChainDigest();
      for (long at = end; at < size; at += BLOCK) {
        byte[] part = read(channel, at, (int) Math.min(BLOCK, size - at));
        digest.update(part, 0, part.length);
      }
      return new Tail(size, end > 0, hashBefore(channel, end), size - end, digest.finish());
    }
  }

  private static long endOfLines(FileChannel channel, long size) throws IOException {
    long to = size;
    while (to > 0) {
      long from = Math.max(0, to - BLOCK);
      byte[] block = read(channel, from, (int) (to - from));
      for (int i = block.length - 1; i >= 0; i--) {
        if (block[i] == '\n') {
          return from + i + 1;
        }
      }
      to = from;
    }
    return 0;
  }

  private static @Nullable String hashBefore(FileChannel channel, long end) throws IOException {
    if (end <= LineScanner.END_LENGTH) {
      return null;
    }
    byte[] bytes = read(channel, end - 1 - LineScanner.END_LENGTH, LineScanner.END_LENGTH);
    Matcher matcher = LineScanner.END.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
    return matcher.matches() ? matcher.group(2) : null;
  }

  private static byte[] read(FileChannel channel, long from, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, from + bytes.position()) < 0) {
        throw new IOException("the audit file became shorter while it was read");
      }
    }
    return bytes.array();
  }
}
