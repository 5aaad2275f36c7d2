package io.llmguard.examples.gateway.command;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a trail that grows, and goes on in a new file of its name. Not thread-safe.
 *
 * <p>A line counts once its end is written.
 */
final class FollowedFile implements AutoCloseable {
  private final Path path;
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).limit(0);
  private final ByteArrayOutputStream begun = new ByteArrayOutputStream();
  private FileChannel channel;
  private @Nullable Object key;

  private FollowedFile(Path path, FileChannel channel, @Nullable Object key) {
    this.path = path.toAbsolutePath();
    this.channel = channel;
    this.key = key;
  }

  /** Opens a file at its first line. */
  static FollowedFile open(Path path) throws IOException {
    Object key = keyOf(path);
    return new FollowedFile(path, FileChannel.open(path), key);
  }

  /** The next whole line without its end, or null while there is none. */
  @Nullable String next() throws IOException {
    while (true) {
      while (buffer.hasRemaining()) {
        byte read = buffer.get();
        if (read == '\n') {
          String line = begun.toString(StandardCharsets.UTF_8);
          begun.reset();
          return line;
        }
        begun.write(read);
      }
      buffer.clear();
      int count = channel.read(buffer);
      buffer.flip();
      if (count <= 0) {
        return null;
      }
    }
  }

  /**
   * Goes over to the file that was begun after this one.
   *
   * @return true if there is one, or this one has lost what was read, so that there may be lines;
   *     what this one still got is to be read first, by one more {@link #next}
   */
  boolean replaced() throws IOException {
    try {
      Path next = successor();
      Object nextKey = keyOf(next);
      boolean another = !Objects.equals(nextKey, key);
      if (another && channel.size() > channel.position()) {
        return true;
      }
      if (!another && channel.size() >= channel.position()) {
        return false;
      }
      FileChannel opened = FileChannel.open(next);
      if (!Objects.equals(keyOf(next), nextKey)) {
        opened.close();
        return true; // it was just replaced itself
      }
      channel.close();
      begun.reset();
      channel = opened;
      key = nextKey;
      return true;
    } catch (NoSuchFileException e) {
      return false; // it is just being replaced
    }
  }

  /** The rotated file after this one, as the trail numbers them; else the one with the name. */
  private Path successor() throws IOException {
    NavigableMap<Long, Path> rotated = rotated();
    for (Map.Entry<Long, Path> each : rotated.entrySet()) {
      if (Objects.equals(keyOf(each.getValue()), key)) {
        Map.Entry<Long, Path> after = rotated.higherEntry(each.getKey());
        return after == null ? path : after.getValue();
      }
    }
    return path;
  }

  private NavigableMap<Long, Path> rotated() throws IOException {
    String name = path.getFileName().toString();
    int dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length();
    Pattern numbered =
        Pattern.compile(
            Pattern.quote(name.substring(0, dot))
                + "-(\\d{6,18})"
                + Pattern.quote(name.substring(dot)));
    NavigableMap<Long, Path> found = new TreeMap<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory())) {
      for (Path file : files) {
        Matcher matcher = numbered.matcher(file.getFileName().toString());
        if (matcher.matches()) {
          found.put(Long.parseLong(matcher.group(1)), file);
        }
      }
    }
    return found;
  }

  private Path directory() {
    Path parent = path.getParent();
    return parent == null ? Path.of(".") : parent;
  }

  private static @Nullable Object keyOf(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
