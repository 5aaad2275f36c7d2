package io.llmguard.inspect.internal;

import io.llmguard.inspect.ResponseInspector.Ruling;
import io.llmguard.inspect.ResponseInspector.Text;
import io.llmguard.inspect.Verdict;
import io.llmguard.inspect.Verdict.Redaction;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One text of an answer under all inspectors, as it comes. */
final class InspectedText {
  /** What one inspector has still to decide, and where that begins. */
  private static final class Side {
    private final Inspecting inspecting;
    private final Text text;
    private final StringBuilder open = new StringBuilder();
    private long decided;
    private boolean broken;

    Side(Inspecting inspecting, boolean repeats) {
      this.inspecting = inspecting;
      this.text = inspecting.answer().text(repeats);
    }
  }

  /** Who refuses the text, and what for. */
  record Refused(String inspector, String kind) {}

  static final String TOO_LONG = "undecided";
  private static final int MOST_HELD = 64 * 1024;

  private final int group;
  private final List<Side> sides = new ArrayList<>(2);
  private final Findings findings;
  private final Masked masked = new Masked();
  private long length;
  private boolean ended;

  InspectedText(int group, boolean repeats, List<Inspecting> inspectors, Findings findings) {
    this.group = group;
    this.findings = findings;
    for (Inspecting inspecting : inspectors) {
      sides.add(new Side(inspecting, repeats));
    }
  }

  int group() {
    return group;
  }

  /** How long the text is so far. */
  long length() {
    return length;
  }

  /** Takes the next piece; the answer says who refuses it, or null. */
  @Nullable Refused add(String piece) {
    length += piece.length();
    Refused refused = null;
    for (Side side : sides) {
      side.open.append(piece);
      refused = refused == null ? rule(side) : refused;
    }
    return refused;
  }

  /** Nothing follows; the answer says who refuses the text, or null. */
  @Nullable Refused end() {
    Refused refused = null;
    if (!ended) {
      ended = true;
      for (Side side : sides) {
        refused = refused == null ? rule(side) : refused;
      }
    }
    return refused;
  }

  private @Nullable Refused rule(Side side) {
    if (side.broken) {
      return null;
    }
    Ruling ruling;
    try {
      ruling = ruling(side);
    } catch (RuntimeException e) {
      if (!side.inspecting.shadow()) {
        throw e;
      }
      side.inspecting.failed(e);
      side.broken = true;
      return null;
    }
    boolean shadow = side.inspecting.shadow();
    findings.heard(side.inspecting.name(), ruling.verdict(), shadow);
    if (!shadow && ruling.verdict() instanceof Verdict.Refuse refuse) {
      return new Refused(side.inspecting.name(), refuse.kind());
    }
    if (!shadow && ruling.verdict() instanceof Verdict.Redact redact) {
      redact.redactions().forEach(redaction -> masked.add(side.decided, redaction));
    }
    side.decided += ruling.decided();
    side.open.delete(0, ruling.decided());
    if (side.open.length() > MOST_HELD) {
      if (!shadow) {
        return new Refused(side.inspecting.name(), TOO_LONG);
      }
      side.broken = true;
    }
    return null;
  }

  private Ruling ruling(Side side) {
    Ruling ruling = side.text.inspect(side.open.toString(), ended);
    int open = side.open.length();
    boolean wrong = ruling.decided() > open || (ended && ruling.decided() < open);
    if (ruling.verdict() instanceof Verdict.Redact redact) {
      for (Redaction redaction : redact.redactions()) {
        wrong |= redaction.part() != 0 || redaction.end() > ruling.decided();
      }
    }
    if (wrong) {
      throw new IllegalStateException("a ruling about more, or less, than there is");
    }
    return ruling;
  }

  /** How much of the text may go on: what nobody has still to decide. */
  long free() {
    long free = length;
    for (Side side : sides) {
      if (!side.inspecting.shadow()) {
        free = Math.min(free, side.decided);
      }
    }
    return free;
  }

  /** The next stretch as it goes on; stretches are asked for in order. */
  String masked(long from, String stretch) {
    return masked.next(from, stretch);
  }
}
