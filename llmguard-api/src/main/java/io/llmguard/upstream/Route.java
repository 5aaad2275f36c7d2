package io.llmguard.upstream;

import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.wire.AnswerTransform;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Where a call goes. */
public sealed interface Route {
  /**
   * To this upstream.
   *
   * @param upstream the upstream
   * @param body what it is sent: the exchange's body, or one made from it for this upstream
   * @param answers how its answer is changed on its way to the client, or null for not at all
   * @param path the decoded path that it is sent in place of the exchange's, or null for that one
   * @param placement where the router hears how it went, or null if it does not want to
   */
  record To(
      Upstream upstream,
      RequestBody body,
      @Nullable AnswerTransforms answers,
      @Nullable String path,
      @Nullable Placement placement)
      implements Route {
    /** To this upstream, whose answer reaches the client byte for byte. */
    public To(Upstream upstream, RequestBody body) {
      this(upstream, body, null);
    }

    /** To this upstream, under the exchange's path. */
    public To(Upstream upstream, RequestBody body, @Nullable AnswerTransforms answers) {
      this(upstream, body, answers, null, null);
    }
  }

  /**
   * Not known yet: the call waits for its turn.
   *
   * @param route completes with where it goes, which is known then, or nowhere after all; any
   *     thread may complete it
   * @param cancel gives up waiting, because the client has left; a route that is completed
   *     nevertheless is not used, and its place given back
   */
  record Later(CompletionStage<Route> route, Runnable cancel) implements Route {}

  /** Nowhere. */
  record Refused(Refusal refusal) implements Route {}

  /** Nowhere else: the last failure stands. Only after an attempt. */
  record Nowhere() implements Route {}

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
