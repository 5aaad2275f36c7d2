package io.llmguard.inspect;

import io.llmguard.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * One text of an answer on its way through the content guards, for whoever has it as text and not
 * as an answer's bytes. Its pieces may be cut anywhere: what an inspector has not decided about is
 * held back. For one text, and one thread at a time.
 *
 * @see InspectionStage#text
 */
public interface AnswerText {
  /** Takes the next piece; what may be shown by now, which is nothing after a refusal. */
  String next(String piece);

  /** Takes the text's end; the rest of what may be shown, which is nothing after a refusal. */
  String end();

  /** Why the rest may not be shown, or null. */
  @Nullable Refusal refusal();
}
