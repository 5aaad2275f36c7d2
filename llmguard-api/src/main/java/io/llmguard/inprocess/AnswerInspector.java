package io.llmguard.inprocess;

import java.util.List;

/**
 * Leads an answer that comes in pieces through the content guards of its call. For one answer, and
 * one thread at a time.
 *
 * @param <E> the pieces
 */
public interface AnswerInspector<E> {
  /**
   * Takes the next piece.
   *
   * @return what may be shown by now, in order: as long as a guard has not decided, pieces are held
   *     back
   * @throws CallRefusedException if the answer may not be shown any further; the call is to be
   *     given up, and counts as refused when it is settled
   */
  List<E> next(E piece);

  /**
   * Takes the end of the answer.
   *
   * @return the rest of what may be shown
   * @throws CallRefusedException if it may not be shown
   */
  List<E> end();

  /** One that shows every piece as it comes. */
  static <E> AnswerInspector<E> none() {
    return new AnswerInspector<>() {
      @Override
      public List<E> next(E piece) {
        return List.of(piece);
      }

      @Override
      public List<E> end() {
        return List.of();
      }
    };
  }
}
