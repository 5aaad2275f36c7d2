package io.llmguard.audit.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file of audit lines once, from front to back, in constant memory however long a line is.
 * Not thread-safe.
 */
public final class LineScanner implements AutoCloseable {
  static final Pattern END =
      Pattern.compile(",\"prev\":\"([0-9a-f]{64})\",\"hash\":\"([0-9a-f]{64})\"}");
  static final int END_LENGTH = 149;
  private static final int HASH_LENGTH = 75;
  private static final int START_LENGTH = 1024;

  /**
   * One line.
   *
   * @param number from 1
   * @param length bytes without the line feed
   * @param terminated true if a line feed ends it
   * @param prev the hash of the line before, as the line says, or null if the line is no chained
   *     one
   * @param hash its own hash, as the line says, or null if the line is no chained one
   * @param digest the hash as it is reckoned: of what precedes {@code hash}, or of the whole line
   *     if it is no chained one
   * @param start the first kilobyte
   */
  public record Line(
      long number,
      long length,
      boolean terminated,
      @Nullable String prev,
      @Nullable String hash,
      String digest,
      String start) {
    /** True if it is a chained line that nobody changed. */
    public boolean intact() {
      return digest.equals(hash);
    }
  }

  private final InputStream in;
  private final byte[] buffer = new byte[1 << 16];
  private final byte[] end = new byte[END_LENGTH];
  private final byte[] start = new byte[START_LENGTH];
  private final ChainDigest digest = new ChainDigest();
  private int at;
  private int limit;
  private long number;

  /** Opens the file. */
  public LineScanner(Path file) throws IOException {
    in = Files.newInputStream(file);
  }

  /** The next line, or null after the last. */
  public @Nullable Line next() throws IOException {
    long length = 0;
    int ending = 0;
    while (true) {
      if (at == limit) {
        limit = Math.max(0, in.read(buffer));
        at = 0;
        if (limit == 0) {
          return length == 0 ? null : line(length, ending, false);
        }
      }
      int stop = at;
      while (stop < limit && buffer[stop] != '\n') {
        stop++;
      }
      ending = take(at, stop, length, ending);
      length += stop - at;
      at = stop;
      if (stop < limit) {
        at++;
        return line(length, ending, true);
      }
    }
  }

  /** Keeps the last bytes of the line in {@link #end}; what leaves it goes to the digest. */
  private int take(int from, int to, long length, int ending) {
    int count = to - from;
    if (length < START_LENGTH) {
      System.arraycopy(
          buffer, from, start, (int) length, Math.min(count, START_LENGTH - (int) length));
    }
    int leaving = Math.max(0, ending + count - END_LENGTH);
    int leavingEnd = Math.min(ending, leaving);
    digest.update(end, 0, leavingEnd);
    System.arraycopy(end, leavingEnd, end, 0, ending - leavingEnd);
    int kept = ending - leavingEnd;
    int leavingNew = leaving - leavingEnd;
    digest.update(buffer, from, from + leavingNew);
    System.arraycopy(buffer, from + leavingNew, end, kept, count - leavingNew);
    return kept + count - leavingNew;
  }

  private Line line(long length, int ending, boolean terminated) {
    number++;
    String first =
        new String(start, 0, (int) Math.min(length, START_LENGTH), StandardCharsets.ISO_8859_1);
    Matcher matcher = END.matcher(new String(end, 0, ending, StandardCharsets.ISO_8859_1));
    if (matcher.matches() && first.startsWith("{\"ts\":")) {
      digest.update(end, 0, END_LENGTH - HASH_LENGTH);
      return new Line(
          number, length, terminated, matcher.group(1), matcher.group(2), digest.finish(), first);
    }
    digest.update(end, 0, ending);
    return new Line(number, length, terminated, null, null, digest.finish(), first);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
