package io.llmguard.callback.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/**
 * Lines that wait on disk, oldest first, in files of about one batch each, for their owner only.
 * Not thread-safe.
 */
public final class Spool {
  private static final String SUFFIX = ".jsonl";

  private final Path folder;
  private final String prefix;
  private final long maxBytes;
  private final int segmentLength;
  private final Deque<Path> segments = new ArrayDeque<>();
  private long next;
  private long bytes;

  /**
   * The spool of this name; what an earlier process left is there.
   *
   * @param segmentLength how many bytes one file has before the next is begun
   */
  public Spool(Path folder, String name, long maxBytes, int segmentLength) throws IOException {
    this.folder = folder;
    this.prefix = name + "-";
    this.maxBytes = maxBytes;
    this.segmentLength = segmentLength;
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(this::isSegment).sorted().toList()) {
        segments.add(file);
        bytes += Files.size(file);
        String number = file.getFileName().toString();
        next =
            Long.parseLong(number.substring(prefix.length(), number.length() - SUFFIX.length()))
                + 1;
      }
    }
  }

  private boolean isSegment(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith(prefix)
        && name.endsWith(SUFFIX)
        && name.substring(prefix.length(), name.length() - SUFFIX.length()).matches("\\d{12}");
  }

  /** True if nothing waits. */
  public boolean isEmpty() {
    return segments.isEmpty();
  }

  /**
   * Appends lines.
   *
   * @return how many did not fit
   */
  public int append(List<String> lines) throws IOException {
    StringBuilder text = new StringBuilder();
    int taken = 0;
    long size = bytes;
    for (String line : lines) {
      long length = line.getBytes(StandardCharsets.UTF_8).length + 1L;
      if (size + length > maxBytes) {
        break;
      }
      size += length;
      text.append(line).append('\n');
      taken++;
    }
    if (taken > 0) {
      byte[] written = text.toString().getBytes(StandardCharsets.UTF_8);
      Path last = segments.peekLast();
      if (last == null || Files.size(last) + written.length > segmentLength) {
        last = folder.resolve(prefix + String.format("%012d", next++) + SUFFIX);
        Files.createFile(
            last,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        segments.add(last);
      }
      Files.write(last, written, StandardOpenOption.APPEND);
      bytes += written.length;
    }
    return lines.size() - taken;
  }

  /** The lines of the oldest file; one that was cut by a crash is left out. */
  public List<String> oldest() throws IOException {
    Path first = segments.peekFirst();
    if (first == null) {
      return List.of();
    }
    String text = Files.readString(first);
    List<String> lines = new ArrayList<>();
    int from = 0;
    for (int end; (end = text.indexOf('\n', from)) >= 0; from = end + 1) {
      lines.add(text.substring(from, end));
    }
    return lines;
  }

  /** Removes the oldest file: its lines were sent. */
  public void removeOldest() throws IOException {
    Path first = segments.pollFirst();
    if (first != null) {
      bytes -= Files.size(first);
      Files.delete(first);
    }
  }
}
