package io.llmguard.wire;

import org.jspecify.annotations.Nullable;

/**
 * A request body that was read strictly and means the same to every reader, and what it asks for.
 *
 * <p>Immutable as long as nobody changes its bytes, which are not copied.
 */
public final class CheckedBody implements BodyReading {
  private final byte[] bytes;
  private final Call call;
  private final Members root;
  private final @Nullable Members options;
  private final @Nullable Members streamOptions;

  CheckedBody(
      byte[] bytes,
      Call call,
      Members root,
      @Nullable Members options,
      @Nullable Members streamOptions) {
    this.bytes = bytes;
    this.call = call;
    this.root = root;
    this.options = options;
    this.streamOptions = streamOptions;
  }

  /** What the body asks for. */
  public Call call() {
    return call;
  }

  /** The very bytes that were read; not to be changed. */
  public byte[] bytes() {
    return bytes;
  }

  /** New edits of this body. */
  public BodyEdits edits() {
    return new BodyEdits(this);
  }

  /**
   * The prompt in clear, of at most {@code maxBytes} in UTF-8, as it is defined for its digest;
   * empty for a call without one. The body is read again for it, so that a call whose prompt nobody
   * asks for costs nothing.
   */
  public String prompt(int maxBytes) {
    return PromptCollector.promptOf(this, maxBytes);
  }

  Members root() {
    return root;
  }

  @Nullable Members options() {
    return options;
  }

  @Nullable Members streamOptions() {
    return streamOptions;
  }

  @Override
  public String toString() {
    return "CheckedBody[" + call.operation() + ", " + bytes.length + " bytes]";
  }
}
