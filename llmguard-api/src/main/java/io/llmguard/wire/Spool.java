package io.llmguard.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A body on its way through a file that nobody else may read (mode 0600 where the file system has
 * modes) and that is deleted on {@link #close}. Used by one thread at a time; writing blocks.
 */
public final class Spool implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private final long limit;
  private long length;

  private Spool(Path file, FileChannel channel, long limit) {
    this.file = file;
    this.channel = channel;
    this.limit = limit;
  }

  /**
   * A new, empty spool.
   *
   * @param directory where the file is made; itself made, for its owner only, where it is missing
   * @param limit the most bytes that it takes
   */
  public static Spool create(Path directory, long limit) throws IOException {
    Path file = temporary(directory);
    try {
      return new Spool(file, FileChannel.open(file, StandardOpenOption.WRITE), limit);
    } catch (IOException e) {
      Files.deleteIfExists(file);
      throw e;
    }
  }

  private static Path temporary(Path directory) throws IOException {
    FileAttribute<?>[] ownerOnly = mode(directory, "rw-------");
    try {
      return Files.createTempFile(directory, "llmguard-", ".spool", ownerOnly);
    } catch (NoSuchFileException e) {
      Files.createDirectories(directory, mode(directory, "rwx------"));
      return Files.createTempFile(directory, "llmguard-", ".spool", ownerOnly);
    }
  }

  private static FileAttribute<?>[] mode(Path directory, String permissions) {
    return directory.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : new FileAttribute<?>[0];
  }

  /**
   * Appends the remaining bytes and leaves their position as it was.
   *
   * @return false, with nothing written, if that would be more than the limit
   */
  public boolean write(ByteBuffer bytes) throws IOException {
    if (bytes.remaining() > limit - length) {
      return false;
    }
    ByteBuffer rest = bytes.duplicate();
    while (rest.hasRemaining()) {
      length += channel.write(rest);
    }
    return true;
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /** The bytes written so far. */
  public long length() {
    return length;
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      Files.deleteIfExists(file);
    }
  }
}
