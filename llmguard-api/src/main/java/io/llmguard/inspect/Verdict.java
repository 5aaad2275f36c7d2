package io.llmguard.inspect;

import java.util.List;
import java.util.Objects;

/** What an inspector says about a text. */
public sealed interface Verdict {
  /** The text may go on as it is. */
  record Allow() implements Verdict {}

  /**
   * The call, or the rest of the answer, may not go on.
   *
   * @param kind what for, in words of a-z and 0-9 joined by hyphens, at most 40 characters; it is
   *     told to the client, audited and counted, so it holds nothing of the text
   */
  record Refuse(String kind) implements Verdict {
    /** Checks the kind. */
    public Refuse {
      Names.check(kind);
    }
  }

  /**
   * The text may go on without these parts.
   *
   * @param redactions in any order; where they overlap, the first one's mask stands for all
   */
  record Redact(List<Redaction> redactions) implements Verdict {
    /** Takes a copy. */
    public Redact {
      redactions = List.copyOf(redactions);
    }
  }

  /**
   * A part of a text that something else is put in the place of.
   *
   * @param part which text of a prompt, from 0; 0 in answers
   * @param start the UTF-16 unit at which it begins
   * @param end the one after its last
   * @param kind what it is, as in {@link Refuse}
   * @param mask what stands in its place; empty where it continues a redaction in another part
   */
  record Redaction(int part, int start, int end, String kind, String mask) {
    /** Checks kind and places. */
    public Redaction {
      Names.check(kind);
      Objects.requireNonNull(mask);
      if (part < 0 || start < 0 || end < start) {
        throw new IllegalArgumentException("no part of a text: " + start + " to " + end);
      }
    }

    /** One in an answer, under the mask {@code [KIND]}. */
    public static Redaction of(int start, int end, String kind) {
      return new Redaction(0, start, end, kind, "[" + kind + "]");
    }
  }

  /** The text may go on as it is. */
  Verdict ALLOW = new Allow();
}
