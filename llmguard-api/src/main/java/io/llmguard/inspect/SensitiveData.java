package io.llmguard.inspect;

import io.llmguard.inspect.internal.SensitiveScanner;
import io.llmguard.wire.Call;
import io.llmguard.wire.PromptParts.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds secrets and personal data by their forms, in prompts and in answers.
 *
 * <p>A form is looked for in the text as people read it: JSON's escapes are resolved, digits of
 * every script and full-width letters count, and characters that nobody sees do not. What is split
 * over the texts of one message is found too; what is split over messages is not. In a stream no
 * more is held back than what may be the beginning of something, at most 16,384 characters. The
 * work is proportional to the length of the text, whatever it says. Immutable and thread-safe.
 */
public final class SensitiveData implements PromptInspector, ResponseInspector {
  private final String name;
  private final Reaction reaction;
  private final SensitiveScanner scanner;

  private SensitiveData(String name, Set<SensitiveKind> kinds, Reaction reaction) {
    this.name = Names.check(name);
    this.reaction = Objects.requireNonNull(reaction);
    if (kinds.isEmpty()) {
      throw new IllegalArgumentException("an inspector looks for at least one kind");
    }
    this.scanner = new SensitiveScanner(kinds);
  }

  /**
   * An inspector.
   *
   * @param name what it is called, as in {@link PromptInspector#name}
   * @param kinds what it looks for, at least one
   */
  public static SensitiveData of(String name, Set<SensitiveKind> kinds, Reaction reaction) {
    return new SensitiveData(name, kinds, reaction);
  }

  /**
   * Something that was found.
   *
   * @param kind what it is
   * @param start the UTF-16 unit at which it begins
   * @param end the one after its last
   */
  public record Finding(SensitiveKind kind, int start, int end) {}

  /** What is found in a text, in its order; findings do not overlap. */
  public List<Finding> find(String text) {
    return scanner.scan().next(text, true).stream()
        .map(match -> new Finding(match.kind(), match.start(), match.end()))
        .toList();
  }

  /** The text with the name of its kind in the place of everything that is found. */
  public String redact(String text) {
    StringBuilder redacted = new StringBuilder(text.length());
    int from = 0;
    for (Finding finding : find(text)) {
      redacted.append(text, from, finding.start()).append(mask(finding.kind()));
      from = finding.end();
    }
    return redacted.append(text, from, text.length()).toString();
  }

  private static String mask(SensitiveKind kind) {
    return "[" + kind.word() + "]";
  }

  @Override
  public String name() {
    return name;
  }

  // ---- prompts

  @Override
  public Verdict inspect(Prompt prompt) {
    List<Verdict.Redaction> redactions = new ArrayList<>();
    List<Part> parts = prompt.parts();
    int from = 0;
    while (from < parts.size()) {
      int to = from + 1;
      while (to < parts.size() && parts.get(to).message() == parts.get(from).message()) {
        to++;
      }
      message(parts, from, to, redactions);
      if (reaction == Reaction.REFUSE && !redactions.isEmpty()) {
        return new Verdict.Refuse(redactions.get(0).kind());
      }
      from = to;
    }
    return redactions.isEmpty() ? Verdict.ALLOW : new Verdict.Redact(redactions);
  }

  private void message(List<Part> parts, int from, int to, List<Verdict.Redaction> into) {
    StringBuilder joined = new StringBuilder();
    int[] ends = new int[to - from];
    for (int i = from; i < to; i++) {
      String text = parts.get(i).text();
      for (Finding finding : find(text)) {
        into.add(redaction(i, finding.start(), finding.end(), finding.kind(), true));
      }
      joined.append(text);
      ends[i - from] = joined.length();
    }
    if (to - from > 1) {
      acrossParts(find(joined.toString()), from, ends, into);
    }
  }

  /** Adds those findings of joined parts that lie in more than one of them. */
  private static void acrossParts(
      List<Finding> findings, int first, int[] ends, List<Verdict.Redaction> into) {
    int part = 0;
    for (Finding finding : findings) {
      while (ends[part] <= finding.start()) {
        part++;
      }
      if (finding.end() <= ends[part]) {
        continue;
      }
      boolean begins = true;
      for (int i = part, from = finding.start(); from < finding.end(); i++) {
        int partStart = i == 0 ? 0 : ends[i - 1];
        int to = Math.min(finding.end(), ends[i]);
        if (to > from) {
          into.add(redaction(first + i, from - partStart, to - partStart, finding.kind(), begins));
          begins = false;
          from = to;
        }
      }
    }
  }

  private static Verdict.Redaction redaction(
      int part, int start, int end, SensitiveKind kind, boolean begins) {
    return new Verdict.Redaction(part, start, end, kind.word(), begins ? mask(kind) : "");
  }

  // ---- answers

  @Override
  public Answer open(@Nullable Call call) {
    return repeats -> new Scanned(scanner.scan());
  }

  private final class Scanned implements Text {
    private final SensitiveScanner.Scan scan;

    Scanned(SensitiveScanner.Scan scan) {
      this.scan = scan;
    }

    @Override
    public Ruling inspect(String text, boolean last) {
      List<SensitiveScanner.Match> matches = scan.next(text, last);
      if (matches.isEmpty()) {
        return new Ruling(scan.decided(), Verdict.ALLOW);
      }
      if (reaction == Reaction.REFUSE) {
        return new Ruling(scan.decided(), new Verdict.Refuse(matches.get(0).kind().word()));
      }
      return new Ruling(
          scan.decided(),
          new Verdict.Redact(
              matches.stream()
                  .map(m -> Verdict.Redaction.of(m.start(), m.end(), m.kind().word()))
                  .toList()));
    }
  }
}
