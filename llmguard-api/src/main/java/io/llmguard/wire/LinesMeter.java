package io.llmguard.wire;

/** Meters an answer of JSON lines. A last line counts without its line break. */
final class LinesMeter extends AnswerMeter {
  LinesMeter(AnswerShape shape) {
    super(shape, Framing.LINES);
  }

  @Override
  void read(byte[] bytes, int from, int end) {
    int i = from;
    while (i < end) {
      i = json.scan(bytes, i, end);
      if (json.ended()) {
        document();
      } else if (i < end) {
        // what is not whole at a line's end never will be
        json.reset();
        i++;
      }
    }
  }
}
