package io.llmguard.audit;

import java.nio.file.Path;
import java.util.List;

/**
 * What {@link AuditVerifier} found.
 *
 * @param lines how many lines were read, in all files
 * @param lastHash the hash of the last chained line; 64 zeros if there is none
 * @param problems what shows that the trail is not what was written; at most 1,000 are kept
 * @param notes what is worth knowing but proves no change, such as a line that a crash tore; at
 *     most 1,000 are kept
 */
public record AuditReport(
    long lines, String lastHash, List<Finding> problems, List<Finding> notes) {
  /** Copies the lists. */
  public AuditReport {
    problems = List.copyOf(problems);
    notes = List.copyOf(notes);
  }

  /** What can be found. */
  public enum Kind {
    /** The line's bytes do not have the hash that it says. */
    CHANGED,
    /** The line is no audit line. */
    UNREADABLE,
    /** Lines before this one are missing, or were replaced. */
    MISSING_BEFORE,
    /** The line stands elsewhere than it was written, or twice. */
    REORDERED,
    /** The trail ends before the line that the head names. */
    CUT_TAIL,
    /** Lines were added after the trail had been closed. */
    ADDED_TAIL,
    /** A crash left the line unfinished. */
    TORN,
    /** The line says something about the trail itself. */
    MARKER
  }

  /**
   * One finding.
   *
   * @param kind what it is
   * @param file the file
   * @param line the number of the line in the file, from 1
   * @param message one sentence for people
   */
  public record Finding(Kind kind, Path file, long line, String message) {
    @Override
    public String toString() {
      return file + ":" + line + ": " + message;
    }
  }

  /** True if nothing shows a change. */
  public boolean intact() {
    return problems.isEmpty();
  }
}
