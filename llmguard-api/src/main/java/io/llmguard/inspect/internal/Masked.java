package io.llmguard.inspect.internal;

import io.llmguard.inspect.Verdict.Redaction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A text from which redactions are taken out, stretch by stretch: they may come from several
 * inspectors, overlap, and reach beyond a stretch. Places count from the text's beginning.
 */
final class Masked {
  private record Range(long start, long end, String mask) {}

  private final List<Range> ranges = new ArrayList<>(0);
  private long covered;
  private boolean changed;

  /** Adds a redaction, whose places count from {@code base}; none of it has been taken yet. */
  void add(long base, Redaction redaction) {
    Range range = new Range(base + redaction.start(), base + redaction.end(), redaction.mask());
    int i = ranges.size();
    while (i > 0 && ranges.get(i - 1).start() > range.start()) {
      i--;
    }
    ranges.add(i, range);
  }

  /** True if something was taken out so far. */
  boolean changed() {
    return changed;
  }

  /** The next stretch, which begins at {@code from}, without what is taken out of it. */
  String next(long from, String stretch) {
    long to = from + stretch.length();
    long at = Math.max(from, Math.min(covered, to));
    if (at == from && (ranges.isEmpty() || ranges.get(0).start() >= to)) {
      return stretch;
    }
    changed = true;
    StringBuilder text = new StringBuilder(stretch.length());
    int used = 0;
    while (used < ranges.size() && ranges.get(used).start() < to) {
      Range range = ranges.get(used++);
      if (range.start() >= covered) {
        text.append(stretch, (int) (at - from), (int) (range.start() - from)).append(range.mask());
      }
      covered = Math.max(covered, range.end());
      at = Math.max(at, Math.min(covered, to));
    }
    ranges.subList(0, used).clear();
    return text.append(stretch, (int) (at - from), stretch.length()).toString();
  }

  /** A whole text without these parts of it. */
  static String of(String text, List<Redaction> redactions) {
    Masked masked = new Masked();
    redactions.stream()
        .sorted(Comparator.comparingInt(Redaction::start))
        .forEach(redaction -> masked.add(0, redaction));
    return masked.next(0, text);
  }
}
