package io.llmguard.inprocess;

import io.llmguard.ollama.internal.AnswerForm;
import io.llmguard.wire.AnswerTransform;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** Leads typed pieces through the guards as the lines that the server has sent. */
final class JsonInspector<E> implements AnswerInspector<E> {
  /** A piece that is held back, as it came and as a line. */
  private record Held<E>(E piece, ByteBuffer line) {}

  private final GuardedCall call;
  private final AnswerForm<E> form;
  private final AnswerTransform guards;
  private final Deque<Held<E>> held = new ArrayDeque<>();

  JsonInspector(GuardedCall call, AnswerForm<E> form, AnswerTransform guards) {
    this.call = call;
    this.form = form;
    this.guards = guards;
  }

  /** A whole answer, of which nothing is known to be a line. */
  static <E> E whole(GuardedCall call, AnswerForm<E> form, AnswerTransform guards, E answer) {
    byte[] before = form.bytes(answer);
    byte[] after =
        bytes(
            call.judged(
                guards,
                () -> {
                  guards.apply(ByteBuffer.wrap(before));
                  return guards.end();
                }));
    return Arrays.equals(before, after)
        ? answer
        : call.judged(() -> form.read(after, 0, after.length));
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  @Override
  public List<E> next(E piece) {
    call.came(1);
    byte[] json = form.bytes(piece);
    byte[] line = Arrays.copyOf(json, json.length + 1);
    line[json.length] = '\n';
    held.add(new Held<>(piece, ByteBuffer.wrap(line)));
    return shown(call.judged(guards, () -> guards.apply(ByteBuffer.wrap(line))));
  }

  @Override
  public List<E> end() {
    return shown(call.judged(guards, guards::end));
  }

  private List<E> shown(ByteBuffer lines) {
    return call.judged(() -> pieces(bytes(lines)));
  }

  /** The pieces of these lines, which are as many as came, in their order. */
  private List<E> pieces(byte[] lines) {
    List<E> pieces = new ArrayList<>(1);
    int from = 0;
    for (int i = 0; i < lines.length; i++) {
      if (lines[i] == '\n') {
        Held<E> first = held.remove();
        boolean same = ByteBuffer.wrap(lines, from, i + 1 - from).equals(first.line());
        pieces.add(same ? first.piece() : form.read(lines, from, i));
        from = i + 1;
      }
    }
    return pieces;
  }
}
