package io.llmguard.wire;

/** Meters an answer that is one JSON document. */
final class DocumentMeter extends AnswerMeter {
  private boolean read;

  DocumentMeter(AnswerShape shape) {
    super(shape, Framing.DOCUMENT);
  }

  @Override
  void read(byte[] bytes, int from, int end) {
    int i = from;
    while (i < end && !read) {
      i = json.scan(bytes, i, end);
      if (json.ended()) {
        read = true;
        document();
        finish();
      } else {
        // a line break is white space here
        i++;
      }
    }
  }
}
