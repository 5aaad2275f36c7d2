package io.llmguard.inspect;

import io.llmguard.wire.Call;
import org.jspecify.annotations.Nullable;

/**
 * Judges what an answer says before its client sees it. Thread-safe; what it opens serves one
 * answer, by one thread at a time.
 *
 * <p>It must not block: it stands between upstream and client. One that throws ends the answer as
 * failed: a guard that breaks does not open.
 */
public interface ResponseInspector {
  /** What it is called in reasons and metrics, as {@link PromptInspector#name}. */
  String name();

  /**
   * Begins the inspection of one answer.
   *
   * @param call what was asked for, or null where no body was read
   */
  Answer open(@Nullable Call call);

  /** The inspection of one answer. */
  @FunctionalInterface
  interface Answer {
    /**
     * Begins the inspection of one text of the answer: a choice's, its reasoning, a tool's
     * arguments.
     *
     * @param repeats true if the text only repeats what has come in pieces, as the last events of
     *     {@code /v1/responses} do
     */
    Text text(boolean repeats);
  }

  /** The inspection of one text, which may come in pieces. */
  @FunctionalInterface
  interface Text {
    /**
     * Judges the next stretch of the text.
     *
     * @param text what no ruling was about yet: what was held back before, and what has come since
     * @param last true if nothing follows
     * @return what is to become of the beginning; what is not decided is held back, up to 64 Ki
     *     UTF-16 units, and comes again with what follows
     */
    Ruling inspect(String text, boolean last);
  }

  /**
   * A verdict about the beginning of a text.
   *
   * @param decided how many UTF-16 units it is about; all where nothing follows
   * @param verdict what is to become of them; redactions stand within them, in part 0
   */
  record Ruling(int decided, Verdict verdict) {
    /** Checks the count. */
    public Ruling {
      if (decided < 0) {
        throw new IllegalArgumentException("no count: " + decided);
      }
    }
  }
}
