package io.llmguard.audit;

import io.llmguard.audit.AuditReport.Finding;
import io.llmguard.audit.AuditReport.Kind;
import io.llmguard.audit.internal.AuditFiles;
import io.llmguard.audit.internal.AuditHead;
import io.llmguard.audit.internal.HeadFile;
import io.llmguard.audit.internal.LineScanner;
import io.llmguard.audit.internal.LineScanner.Line;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Checks a trail that {@link JsonLinesAuditSink} wrote: its rotated files, the file itself and the
 * head, read once and in constant memory. May run while the trail is appended to.
 */
public final class AuditVerifier {
  private static final String GENESIS = "0".repeat(64);
  private static final int MAX_FINDINGS = 1000;
  private static final int REMEMBERED = 4096;
  private static final Pattern MARKER =
      Pattern.compile("\\{\"ts\":\"[^\"]*\",\"marker\":\"([a-z-]+)\"[^\\n]*");
  private static final Pattern TORN =
      Pattern.compile(
          "\\{\"ts\":\"[^\"]*\",\"marker\":\"torn-line\",\"bytes\":(\\d+),\"sha256\":\"([0-9a-f]{64})\".*");

  private record Unfollowed(Path file, Line line, String prev) {}

  private final List<Finding> problems = new ArrayList<>();
  private final List<Finding> notes = new ArrayList<>();
  private final Map<String, Boolean> recent = bounded();
  private final Map<String, Unfollowed> unfollowed = bounded();
  private final @Nullable AuditHead head;
  private String last;
  private long lines;
  private boolean headSeen;
  private long afterHead;
  private @Nullable Line unreadable;
  private Path file;

  private AuditVerifier(Path file, @Nullable AuditHead head, String after) {
    this.file = file;
    this.head = head;
    this.last = after;
    this.headSeen = head == null || head.count() == 0 || head.hash().equals(after);
  }

  /** Verifies the trail of this file from its first line on, with the head beside it. */
  public static AuditReport verify(Path file) throws IOException {
    return verify(file, new AuditFiles(file).head(), null);
  }

  /**
   * Verifies the trail of this file.
   *
   * @param file the file that is appended to; its rotated files are found beside it
   * @param head where the head is kept, or null to check no head
   * @param after the hash of the line before the first that is there, where older files were put
   *     away; null if the trail is to be there from its first line on
   * @throws NoSuchFileException if there is no file of that trail
   */
  public static AuditReport verify(Path file, @Nullable Path head, @Nullable String after)
      throws IOException {
    // the head first: lines that come meanwhile stand after it
    AuditHead end = head == null ? null : HeadFile.read(head);
    List<Path> files = new AuditFiles(file).all();
    if (files.isEmpty() && (end == null || end.count() == 0)) {
      throw new NoSuchFileException(file.toString());
    }
    AuditVerifier verifier = new AuditVerifier(file, end, after == null ? GENESIS : after);
    for (Path each : files) {
      verifier.read(each);
    }
    if (head != null && end == null) {
      verifier.note(
          Kind.CUT_TAIL,
          Math.max(1, verifier.lines),
          Files.exists(head)
              ? "the head cannot be read: a cut tail would not be noticed"
              : "there is no head: a cut tail would not be noticed");
    }
    return verifier.report();
  }

  private static <T> Map<String, T> bounded() {
    return new LinkedHashMap<>() {
      private static final long serialVersionUID = 1L;

      @Override
      protected boolean removeEldestEntry(Map.Entry<String, T> eldest) {
        return size() > REMEMBERED;
      }
    };
  }

  private void read(Path next) throws IOException {
    file = next;
    long number = 0;
    try (LineScanner scanner = new LineScanner(next)) {
      for (Line line = scanner.next(); line != null; line = scanner.next()) {
        number = line.number();
        lines++;
        check(line);
      }
    }
    Line open = unreadable;
    if (open != null) {
      unreadable = null;
      if (!open.terminated() && headSeen && (head == null || head.open())) {
        note(
            Kind.TORN, number, "the last line is unfinished: it is being written, or a crash came");
      } else {
        unreadable(open);
      }
    }
  }

  private void check(Line line) {
    String prev = line.prev();
    String hash = line.hash();
    if (prev == null || hash == null) {
      if (unreadable != null) {
        unreadable(unreadable);
      }
      unreadable = line;
      return;
    }
    boolean vouched = vouch(line);
    if (!line.intact()) {
      problem(Kind.CHANGED, line.number(), "the line was changed: its hash does not fit");
    }
    if (!prev.equals(last)) {
      if (recent.containsKey(prev)) {
        problem(Kind.REORDERED, line.number(), "the line does not stand where it was written");
      } else {
        unfollowed.put(prev, new Unfollowed(file, line, prev));
      }
    }
    Unfollowed earlier = unfollowed.remove(hash);
    if (earlier != null) {
      add(
          problems,
          new Finding(
              Kind.REORDERED,
              earlier.file(),
              earlier.line().number(),
              "the line does not stand where it was written"));
    }
    Matcher marker = MARKER.matcher(line.start());
    if (marker.matches() && !vouched) {
      note(Kind.MARKER, line.number(), "the trail says: " + marker.group(1));
    }
    recent.put(hash, Boolean.TRUE);
    last = hash;
    if (head != null && hash.equals(head.hash())) {
      headSeen = true;
      afterHead = 0;
    } else if (headSeen) {
      afterHead++;
    }
  }

  /** An unfinished line is a crash's if the line after it knows its very bytes. */
  private boolean vouch(Line line) {
    Line open = unreadable;
    if (open == null) {
      return false;
    }
    unreadable = null;
    Matcher torn = TORN.matcher(line.start());
    if (line.intact()
        && torn.matches()
        && torn.group(1).equals(Long.toString(open.length()))
        && torn.group(2).equals(open.digest())) {
      note(Kind.TORN, open.number(), "a crash left the line unfinished; the next line says so");
      return true;
    }
    unreadable(open);
    return false;
  }

  private void unreadable(Line line) {
    problem(Kind.UNREADABLE, line.number(), "this is no audit line");
  }

  private void problem(Kind kind, long line, String message) {
    add(problems, new Finding(kind, file, line, message));
  }

  private void note(Kind kind, long line, String message) {
    add(notes, new Finding(kind, file, line, message));
  }

  private static void add(List<Finding> to, Finding finding) {
    if (to.size() < MAX_FINDINGS) {
      to.add(finding);
    }
  }

  private AuditReport report() {
    for (Unfollowed each : unfollowed.values()) {
      add(
          problems,
          new Finding(
              Kind.MISSING_BEFORE,
              each.file(),
              each.line().number(),
              "lines before this one are missing or were replaced"));
    }
    if (head != null && !headSeen) {
      problem(
          Kind.CUT_TAIL,
          Math.max(1, lines),
          "the trail ends too early: its head names line " + head.count() + ", which is not there");
    }
    if (head != null && headSeen && !head.open() && afterHead > 0) {
      problem(
          Kind.ADDED_TAIL, Math.max(1, lines), "lines were added after the trail had been closed");
    }
    return new AuditReport(lines, last, problems, notes);
  }
}
