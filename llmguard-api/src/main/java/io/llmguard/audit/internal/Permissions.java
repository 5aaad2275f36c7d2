package io.llmguard.audit.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/** The mode of new files: 0600, where the file system knows modes. */
final class Permissions {
  private Permissions() {}

  static FileAttribute<?>[] ownerOnly(Path file) throws IOException {
    return attributes(file, "rw-------");
  }

  private static FileAttribute<?>[] attributes(Path file, String mode) throws IOException {
    Path directory = AuditFiles.directoryOf(file);
    return Files.getFileStore(directory).supportsFileAttributeView("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))
        }
        : new FileAttribute<?>[0];
  }

  /** Makes the directory of a file where it is missing, of mode 0700. */
  static void makeDirectoryOf(Path file) throws IOException {
    Path directory = AuditFiles.directoryOf(file);
    if (Files.isDirectory(directory)) {
      return;
    }
    Path parent = directory.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
      Files.createDirectory(directory, attributes(directory, "rwx------"));
    }
  }
}
