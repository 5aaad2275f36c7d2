package io.llmguard.upstream;

import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.wire.AnswerTransform;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Where a call goes. */
public sealed interface Route {
  /**
   * To this upstream.
   *
   * @param upstream the upstream
   * @param body what it is sent: the exchange's body, or one made from it for this upstream
   * @param answers how its answer is changed on its way to the client, or null for not at all
   */
  record To(Upstream upstream, RequestBody body, @Nullable AnswerTransforms answers)
      implements Route {
    /** To this upstream, whose answer reaches the client byte for byte. */
    public To(Upstream upstream, RequestBody body) {
      this(upstream, body, null);
    }
  }

  /** Nowhere. */
  record Refused(Refusal refusal) implements Route {}

  /**
   * Nowhere, as the answer is known.
   *
   * @param contentType of the body
   * @param body from position to limit
   */
  record Answered(String contentType, ByteBuffer body) implements Route {}

  /** Says how an answer is changed on its way to the client. */
  @FunctionalInterface
  interface AnswerTransforms {
    /**
     * The transform for an answer with this head, or null to leave it as it is. An answer in a
     * content coding comes as it is: see its {@code Content-Encoding}. Where a transform throws, or
     * the answer breaks off, before it has let the first byte through, the client gets a 502.
     */
    @Nullable AnswerTransform transform(int status, Headers headers);
  }
}
