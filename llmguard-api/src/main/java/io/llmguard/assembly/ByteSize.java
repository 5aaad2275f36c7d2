package io.llmguard.assembly;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A size in bytes.
 *
 * @param bytes how many; not negative
 */
public record ByteSize(long bytes) {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,12})\\s*([kmg])?i?b?");

  /** Checks the range. */
  public ByteSize {
    if (bytes < 0) {
      throw new IllegalArgumentException("a size is not negative: " + bytes);
    }
  }

  /**
   * Reads 1048576, 512k, 10MB, 10MiB or 2g; k, m and g are powers of 1024.
   *
   * @throws IllegalArgumentException with a message that says what was expected
   */
  public static ByteSize valueOf(String text) {
    Matcher matcher = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException("must be a size such as 1048576, 512k, 10m or 2g");
    }
    String unit = matcher.group(2);
    int shift = unit == null ? 0 : "kmg".indexOf(unit) * 10 + 10;
    return new ByteSize(Long.parseLong(matcher.group(1)) << shift);
  }

  /** So many KiB. */
  static ByteSize ofKilobytes(long count) {
    return new ByteSize(count << 10);
  }

  /** So many MiB. */
  static ByteSize ofMegabytes(long count) {
    return new ByteSize(count << 20);
  }
}
