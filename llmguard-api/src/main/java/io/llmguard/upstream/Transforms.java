package io.llmguard.upstream;

import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.wire.AnswerTransform;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The changes of an answer that stages and the route ask for, in this order. */
final class Transforms implements AnswerTransform {
  private final AnswerTransform first;
  private final AnswerTransform second;

  private Transforms(AnswerTransform first, AnswerTransform second) {
    this.first = first;
    this.second = second;
  }

  static @Nullable AnswerTransform of(
      Exchange exchange, Route.To route, int status, Headers headers) {
    AnswerTransform content = made(exchange.get(Proxy.CONTENT), status, headers);
    AnswerTransform asked = made(exchange.get(Proxy.ANSWERS), status, headers);
    return both(both(content, asked), made(route.answers(), status, headers));
  }

  private static @Nullable AnswerTransform both(
      @Nullable AnswerTransform first, @Nullable AnswerTransform second) {
    if (first == null || second == null) {
      return first == null ? second : first;
    }
    return new Transforms(first, second);
  }

  private static @Nullable AnswerTransform made(
      Route.@Nullable AnswerTransforms transforms, int status, Headers headers) {
    return transforms == null ? null : transforms.transform(status, headers);
  }

  @Override
  public ByteBuffer apply(ByteBuffer piece) {
    return second.apply(first.apply(piece));
  }

  @Override
  public ByteBuffer end() {
    ByteBuffer rest = second.apply(first.end());
    // the second may use the bytes of its answer again
    ByteBuffer copy = ByteBuffer.allocate(rest.remaining()).put(rest).flip();
    ByteBuffer last = second.end();
    if (!copy.hasRemaining()) {
      return last;
    }
    return ByteBuffer.allocate(copy.remaining() + last.remaining()).put(copy).put(last).flip();
  }

  @Override
  public @Nullable Refusal refusal() {
    Refusal refusal = first.refusal();
    return refusal == null ? second.refusal() : refusal;
  }
}
