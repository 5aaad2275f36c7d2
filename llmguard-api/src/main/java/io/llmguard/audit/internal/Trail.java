package io.llmguard.audit.internal;

import io.llmguard.TimeSource;
import io.llmguard.audit.AuditEvent;
import io.llmguard.audit.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Appends to a chained trail in files, as its only appender. Not thread-safe. */
public final class Trail implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Trail.class);

  private final Path file;
  private final AuditFiles files;
  private final long maxBytes;
  private final @Nullable Duration maxAge;
  private final Durability durability;
  private final TimeSource time;
  private final String owner = thisProcess();
  private final AuditLineWriter writer = new AuditLineWriter();
  private final FileChannel lockChannel;
  private final HeadFile headFile;
  private final Path headPath;

  private @Nullable FileChannel channel;
  private @Nullable Object fileKey;
  private long position;
  private boolean untruncated;
  private Instant begun;
  private String hash = ChainDigest.GENESIS;
  private long count;
  private long rotations;

  /**
   * Opens the trail, and mends its end where a crash or a hand left it broken.
   *
   * @param file what is appended to
   * @param head where the end is kept
   * @param maxBytes at which size a new file begins
   * @param maxAge at which age a new file begins, or null for never
   */
  public Trail(
      Path file,
      Path head,
      long maxBytes,
      @Nullable Duration maxAge,
      Durability durability,
      TimeSource time)
      throws IOException {
    this.file = file.toAbsolutePath();
    this.files = new AuditFiles(file);
    this.headPath = head.toAbsolutePath();
    this.maxBytes = maxBytes;
    this.maxAge = maxAge;
    this.durability = durability;
    this.time = time;
    this.begun = time.now();
    Permissions.makeDirectoryOf(this.file);
    Permissions.makeDirectoryOf(headPath);
    refuseOwnSecond();
    lockChannel =
        FileChannel.open(
            files.lock(),
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE),
            Permissions.ownerOnly(files.lock()));
    HeadFile opened = null;
    try {
      lock();
      opened = HeadFile.open(headPath);
      headFile = opened;
      recover();
    } catch (IOException | RuntimeException e) {
      closeQuietly(opened);
      closeQuietly(channel);
      closeQuietly(lockChannel);
      throw e;
    }
  }

  /**
   * A second appender in this process is found by the head, before the lock's file is touched: on
   * POSIX, closing any descriptor of that file would give the first one's lock away.
   */
  private void refuseOwnSecond() throws IOException {
    AuditHead head = HeadFile.read(headPath);
    if (head != null && head.open() && head.owner().equals(owner)) {
      throw inUse();
    }
  }

  private void lock() throws IOException {
    try {
      FileLock lock = lockChannel.tryLock();
      if (lock == null) {
        throw inUse();
      }
    } catch (OverlappingFileLockException e) {
      throw inUse();
    }
  }

  private IOException inUse() {
    return new FileSystemException(
        file.toString(), null, "another appender has this audit file open");
  }

  private static String thisProcess() {
    ProcessHandle process = ProcessHandle.current();
    return process.pid()
        + "-"
        + process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  /** Finds the end of the chain, and marks in the trail what is wrong with it. */
  private void recover() throws IOException {
    AuditHead head = HeadFile.read(headPath);
    if (head != null && !head.file().equals(AuditFiles.nameOf(file))) {
      throw new FileSystemException(
          headPath.toString(), null, "this head belongs to another audit file, " + head.file());
    }
    NavigableMap<Long, Path> old = files.rotated();
    rotations = Math.max(old.isEmpty() ? 0 : old.lastKey(), head == null ? 0 : head.rotations());
    openFile();
    Tail tail = Tail.of(file);
    Path last = tail.lines() || old.isEmpty() ? file : old.lastEntry().getValue();
    Tail lastTail = last.equals(file) ? tail : Tail.of(last);
    String marker = null;
    if (head == null) {
      count = 0;
      for (Path each : files.all()) {
        count += scan(each, null).after();
      }
      hash = lastTail.hash() == null ? ChainDigest.GENESIS : lastTail.hash();
      marker = lastTail.lines() ? "head-missing" : null;
    } else {
      hash = head.hash();
      count = head.count();
      if (!hash.equals(lastTail.hash()) && (lastTail.lines() || count > 0)) {
        marker = follow(head, last, lastTail);
      }
    }
    begun = beginning(tail);
    writer.reset();
    long markers = 0;
    String next = hash;
    if (tail.torn() > 0) {
      writer.lines().write('\n');
      next =
          report(
              "torn-line", next, f -> f.put("bytes", tail.torn()).put("sha256", tail.tornDigest()));
      markers++;
    }
    if (marker != null) {
      long known = count;
      next = report(marker, next, f -> f.put("lines", known));
      markers++;
    }
    append(next, count + markers);
  }

  /** Follows the chain from the head to the end; the marker of what is wrong, or null. */
  private @Nullable String follow(AuditHead head, Path last, Tail lastTail) throws IOException {
    Scan scan = scan(last, head.hash());
    if (!scan.found() && !last.equals(file)) {
      scan = scan(file, head.hash());
    }
    if (!scan.found() && head.count() > 0) {
      return "tail-missing";
    }
    if (lastTail.hash() == null) {
      return "unreadable-line";
    }
    hash = lastTail.hash();
    count = head.count() + scan.after();
    // an appender that crashed leaves lines after its head; one that was closed does not
    return head.open() ? null : "lines-after-close";
  }

  private record Scan(boolean found, long after) {}

  /** Counts the lines after the one with this hash; all of them if it is not there. */
  private static Scan scan(Path file, @Nullable String hash) throws IOException {
    boolean found = false;
    long lines = 0;
    try (LineScanner scanner = new LineScanner(file)) {
      for (LineScanner.Line line = scanner.next(); line != null; line = scanner.next()) {
        if (line.terminated()) {
          lines++;
        }
        if (hash != null && hash.equals(line.hash())) {
          found = true;
          lines = 0;
        }
      }
    }
    return new Scan(found, lines);
  }

  private String report(String marker, String prev, Consumer<MarkerFields> details)
      throws IOException {
    log.error("audit trail {}: {}; the trail goes on with a line that says so", file, marker);
    return writer.appendMarker(time.now(), marker, prev, details);
  }

  private Instant beginning(Tail tail) throws IOException {
    if (tail.lines()) {
      try (LineScanner scanner = new LineScanner(file)) {
        LineScanner.Line first = scanner.next();
        if (first != null && first.start().startsWith("{\"ts\":\"")) {
          int end = first.start().indexOf('"', 7);
          return Instant.parse(first.start().substring(7, Math.max(7, end)));
        }
      } catch (DateTimeParseException e) {
        log.debug("the first line of {} has no time", file);
      }
    }
    return time.now();
  }

  private FileChannel openFile() throws IOException {
    closeQuietly(channel);
    channel = null;
    FileChannel opened =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND),
            Permissions.ownerOnly(file));
    channel = opened;
    position = opened.size();
    fileKey = keyOf(file);
    begun = time.now();
    return opened;
  }

  private static @Nullable Object keyOf(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
  }

  /** Appends the events, all or none. */
  public void write(List<AuditEvent> events) throws IOException {
    prepare();
    writer.reset();
    String next = hash;
    for (AuditEvent event : events) {
      next = writer.append(event, next);
    }
    append(next, count + events.size());
  }

  /** Appends a line that says something about the trail itself. */
  public void writeMarker(String marker, Consumer<MarkerFields> details) throws IOException {
    prepare();
    writer.reset();
    append(writer.appendMarker(time.now(), marker, hash, details), count + 1);
  }

  /** Makes sure that the file is the one that was written before, or begins a new one. */
  private void prepare() throws IOException {
    if (channel != null && untruncated) {
      channel.truncate(position);
      untruncated = false;
    }
    if (channel == null) {
      recover();
    } else if (!isSameFile()) {
      log.error("audit trail {}: the file was moved, replaced or changed from outside", file);
      recover();
    }
    if (position > 0
        && (position >= maxBytes || (maxAge != null && !time.now().isBefore(begun.plus(maxAge))))) {
      rotate();
    }
  }

  private boolean isSameFile() throws IOException {
    try {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      return Objects.equals(now.fileKey(), fileKey) && now.size() == position;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private void rotate() throws IOException {
    FileChannel current = Objects.requireNonNull(channel);
    current.force(false);
    long number = rotations + 1;
    Path target = files.rotated(number);
    if (Files.exists(target)) {
      throw new FileSystemException(target.toString(), null, "a rotated audit file is there");
    }
    Files.move(file, target);
    rotations = number;
    openFile();
  }

  private void append(String newHash, long newCount) throws IOException {
    FileChannel current = Objects.requireNonNull(channel);
    long before = position;
    try {
      ByteBuffer bytes = writer.lines().toBuffer();
      long after = before + bytes.remaining();
      while (bytes.hasRemaining()) {
        current.write(bytes);
      }
      if (durability == Durability.FSYNC) {
        current.force(false);
      }
      headFile.write(head(newHash, newCount, true), durability);
      position = after;
      hash = newHash;
      count = newCount;
    } catch (IOException e) {
      // none of the batch may stay, for it is offered again
      try {
        current.truncate(before);
      } catch (IOException again) {
        e.addSuppressed(again);
        untruncated = true;
      }
      throw e;
    }
  }

  private AuditHead head(String lastHash, long lines, boolean open) {
    return new AuditHead(lines, lastHash, AuditFiles.nameOf(file), rotations, open, owner);
  }

  private static void closeQuietly(@Nullable AutoCloseable resource) {
    if (resource != null) {
      try {
        resource.close();
      } catch (Exception e) {
        log.debug("could not close {}", resource.getClass().getSimpleName(), e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    FileChannel current = channel;
    try (lockChannel;
        headFile;
        current) {
      if (current != null) {
        current.force(false);
        headFile.write(head(hash, count, false), durability);
      }
      channel = null;
    }
  }
}
