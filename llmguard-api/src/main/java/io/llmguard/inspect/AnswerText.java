package io.llmguard.inspect;

import io.llmguard.Refusal;
import io.llmguard.inspect.internal.TextInspection;
import org.jspecify.annotations.Nullable;

/**
 * One text of an answer on its way through the content guards, for whoever has it as text and not
 * as an answer's bytes. Its pieces may be cut anywhere: what an inspector has not decided about is
 * held back. For one text, and one thread at a time.
 *
 * @see InspectionStage#text
 */
public final class AnswerText {
  private final TextInspection inspection;

  AnswerText(TextInspection inspection) {
    this.inspection = inspection;
  }

  /** Takes the next piece; what may be shown by now, which is nothing after a refusal. */
  public String next(String piece) {
    return inspection.next(piece);
  }

  /** Takes the text's end; the rest of what may be shown, which is nothing after a refusal. */
  public String end() {
    return inspection.end();
  }

  /** Why the rest may not be shown, or null. */
  public @Nullable Refusal refusal() {
    return inspection.refusal();
  }
}
