package io.llmguard.assembly;

import io.llmguard.assembly.GuardSettings.Audit;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.audit.Durability;
import io.llmguard.audit.JsonLinesAuditSink;
import io.llmguard.audit.RecordedContent;
import io.llmguard.jdbc.SqliteDataSource;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The directory of a program's state, for its owner only: where its keys, its audit trail and its
 * first key are. Immutable.
 */
public final class DataDirectory {
  /** Bytes of a prompt, and of an answer, that are kept where content is. */
  private static final int LARGEST_CONTENT = 1 << 20;

  private final GuardSettings settings;
  private final Path folder;

  private DataDirectory(GuardSettings settings) {
    this.settings = settings;
    this.folder = settings.dataDir();
  }

  /** The configured directory, be it there or not. */
  public static DataDirectory of(GuardSettings settings) {
    return new DataDirectory(settings);
  }

  /**
   * Makes the directory, with mode 0700, where it is missing.
   *
   * @throws SettingException if it cannot be made
   */
  public DataDirectory make() {
    try {
      if (!Files.isDirectory(folder)) {
        Files.createDirectories(folder, attributes("rwx------"));
      }
    } catch (IOException e) {
      throw new SettingException(
          "data-dir", "the directory " + folder.toAbsolutePath() + " cannot be made", e);
    }
    return this;
  }

  static FileAttribute<?>[] attributes(String mode) {
    boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    return posix
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))
        }
        : new FileAttribute<?>[0];
  }

  /** The directory itself. */
  public Path folder() {
    return folder;
  }

  /** The audit trail's file. */
  public Path auditFile() {
    Path set = settings.audit().file();
    return set == null ? folder.resolve("audit.jsonl") : set;
  }

  /**
   * The audit trail's head, in this directory, so that who may write the trail alone cannot cut its
   * end unseen.
   */
  public Path auditHead() {
    return folder.resolve(auditFile().getFileName() + ".head");
  }

  /** The file of the SQLite database. */
  public Path databaseFile() {
    return folder.resolve("llmguard.db");
  }

  /**
   * Opens the SQLite database, and makes it where there is none. Needs {@code
   * org.xerial:sqlite-jdbc}.
   *
   * @throws SettingException if it cannot be opened
   */
  public SqliteDataSource openDatabase() {
    try {
      return SqliteDataSource.open(databaseFile());
    } catch (IOException e) {
      throw new SettingException(
          "data-dir",
          "the database "
              + databaseFile().toAbsolutePath()
              + " cannot be opened: "
              + e.getMessage(),
          e);
    }
  }

  /**
   * Opens the audit trail; closing the stage closes it.
   *
   * @throws SettingException if its file cannot be written
   */
  public AuditStage openAudit() {
    Audit audit = settings.audit();
    Path file = auditFile();
    try {
      Path parent = file.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      JsonLinesAuditSink.Builder sink =
          JsonLinesAuditSink.builder(file)
              .head(auditHead())
              .durability(
                  audit.durability() == GuardSettings.AuditDurability.FSYNC
                      ? Durability.FSYNC
                      : Durability.FLUSH);
      ByteSize rotate = audit.rotateSize();
      if (rotate != null) {
        sink.maxBytes(rotate.bytes());
      }
      AuditQueue queue =
          AuditQueue.to(sink.open())
              .overflow(
                  audit.onOverflow() == GuardSettings.OnOverflow.REFUSE
                      ? AuditQueue.Overflow.REFUSE
                      : AuditQueue.Overflow.BLOCK)
              .build();
      return new AuditStage(queue, audit.content() ? new RecordedContent(LARGEST_CONTENT) : null);
    } catch (IOException | IllegalArgumentException e) {
      throw new SettingException(
          "audit.file",
          "the audit file " + file.toAbsolutePath() + " cannot be written: " + e.getMessage(),
          e);
    }
  }
}
