package io.llmguard.wire;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Shows a reader the models of a list that it may see, under the names that it knows.
 *
 * <p>It holds the answer until it is whole. What is no list of models, and what is longer than
 * {@value #LONGEST} bytes, is shown as an empty list: nobody knows what else it would show.
 */
public final class ModelListFilter implements AnswerTransform {
  /** The longest list that is looked into, in bytes. */
  public static final int LONGEST = 8 << 20;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final Operation operation;
  private final Function<String, List<String>> names;
  private byte[] held = new byte[1024];
  private int length;
  private boolean tooLong;

  /**
   * A filter of one answer.
   *
   * @param operation what the call asked to do
   * @param names for the upstream's name of a model, the names under which the reader knows it;
   *     none if it may not see it
   */
  public ModelListFilter(Operation operation, Function<String, List<String>> names) {
    this.operation = operation;
    this.names = names;
  }

  @Override
  public ByteBuffer apply(ByteBuffer piece) {
    int more = piece.remaining();
    if (tooLong || length + more > LONGEST) {
      tooLong = true;
      piece.position(piece.limit());
      return NOTHING;
    }
    if (length + more > held.length) {
      held = Arrays.copyOf(held, Math.max(held.length * 2, length + more));
    }
    piece.get(held, length, more);
    length += more;
    return NOTHING;
  }

  @Override
  public ByteBuffer end() {
    byte[] list = Arrays.copyOf(held, tooLong ? 0 : length);
    return ModelLists.rename(list, names)
        .map(ByteBuffer::wrap)
        .orElseGet(() -> ModelLists.of(operation, List.of()));
  }
}
