package io.llmguard.wire;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What the meters of all framings share. */
abstract class AnswerMeter implements ResponseMeter {
  private static final int SCRATCH = 4_096;

  final AnswerShape shape;
  final JsonScanner json;
  private final Framing framing;
  private byte @Nullable [] scratch;
  private byte last = '\n';
  private boolean finished;
  private boolean failed;
  private @Nullable Usage usage;
  private long outputEvents;

  AnswerMeter(AnswerShape shape, Framing framing) {
    this.shape = shape;
    this.json = shape.scanner();
    this.framing = framing;
  }

  /** Reads bytes of the answer. */
  abstract void read(byte[] bytes, int from, int end);

  @Override
  public final void accept(ByteBuffer bytes) {
    int length = bytes.remaining();
    if (length == 0) {
      return;
    }
    last = bytes.get(bytes.limit() - 1);
    if (bytes.hasArray()) {
      int from = bytes.arrayOffset() + bytes.position();
      read(bytes.array(), from, from + length);
      return;
    }
    byte[] copy = scratch;
    if (copy == null) {
      copy = new byte[SCRATCH];
      scratch = copy;
    }
    for (int at = bytes.position(); at < bytes.limit(); ) {
      int size = Math.min(copy.length, bytes.limit() - at);
      bytes.get(at, copy, 0, size);
      read(copy, 0, size);
      at += size;
    }
  }

  /** Takes what a line, event or document said, and forgets it. */
  final void document() {
    if (shape.fails(json)) {
      failed = true;
    }
    if (shape.output(json)) {
      outputEvents++;
    }
    if (shape.counts(json)) {
      Usage now = shape.usage(json);
      if (now != null) {
        usage = merged(now);
      }
    }
    if (shape.ends(json)) {
      finished = true;
    }
    json.reset();
  }

  /** Later counts replace earlier ones; one that a later event leaves out stays. */
  private Usage merged(Usage now) {
    Usage before = usage;
    if (before == null) {
      return now;
    }
    return Usage.reported(
            json.has(AnswerShape.INPUT_TOKENS) || json.has(AnswerShape.TIMED_INPUT)
                ? now.inputTokens()
                : before.inputTokens(),
            json.has(AnswerShape.OUTPUT_TOKENS) || json.has(AnswerShape.TIMED_OUTPUT)
                ? now.outputTokens()
                : before.outputTokens())
        .cached(json.has(AnswerShape.CACHED_TOKENS) ? now.cachedTokens() : before.cachedTokens());
  }

  final void finish() {
    finished = true;
  }

  final void fail() {
    failed = true;
  }

  @Override
  public final boolean finished() {
    return finished;
  }

  @Override
  public final boolean failed() {
    return failed;
  }

  @Override
  public final @Nullable Usage usage() {
    return usage;
  }

  @Override
  public final long outputEvents() {
    return outputEvents;
  }

  @Override
  public final Framing framing() {
    return framing;
  }

  @Override
  public final boolean atLineStart() {
    return last == '\n' || last == '\r';
  }
}
