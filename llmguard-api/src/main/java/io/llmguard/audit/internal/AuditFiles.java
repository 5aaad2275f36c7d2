package io.llmguard.audit.internal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The files of one trail: {@code audit.jsonl}, and {@code audit-000001.jsonl} and on, rotated. */
public final class AuditFiles {
  private final Path active;
  private final String base;
  private final String extension;

  /** The files around the one that is appended to. */
  public AuditFiles(Path active) {
    this.active = active.toAbsolutePath();
    String name = nameOf(active);
    int dot = name.lastIndexOf('.');
    base = dot > 0 ? name.substring(0, dot) : name;
    extension = dot > 0 ? name.substring(dot) : "";
  }

  static String nameOf(Path file) {
    Path name = file.getFileName();
    if (name == null) {
      throw new IllegalArgumentException("not a file: " + file);
    }
    return name.toString();
  }

  static Path directoryOf(Path file) {
    Path directory = file.toAbsolutePath().getParent();
    if (directory == null) {
      throw new IllegalArgumentException("not a file: " + file);
    }
    return directory;
  }

  /** The head's file, unless another is chosen. */
  public Path head() {
    return active.resolveSibling(nameOf(active) + ".head");
  }

  Path lock() {
    return active.resolveSibling(nameOf(active) + ".lock");
  }

  Path rotated(long number) {
    return active.resolveSibling(base + String.format("-%06d", number) + extension);
  }

  /** The rotated files by their numbers, in order. */
  NavigableMap<Long, Path> rotated() throws IOException {
    NavigableMap<Long, Path> found = new TreeMap<>();
    Path directory = directoryOf(active);
    if (!Files.isDirectory(directory)) {
      return found;
    }
    Pattern pattern =
        Pattern.compile(Pattern.quote(base) + "-(\\d{6,18})" + Pattern.quote(extension));
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Matcher name = pattern.matcher(nameOf(file));
        if (name.matches()) {
          found.put(Long.parseLong(name.group(1)), file);
        }
      }
    }
    return found;
  }

  /** Every file that is there, oldest first. */
  public List<Path> all() throws IOException {
    List<Path> files = new ArrayList<>();
    for (Map.Entry<Long, Path> file : rotated().entrySet()) {
      files.add(file.getValue());
    }
    if (Files.exists(active)) {
      files.add(active);
    }
    return files;
  }
}
