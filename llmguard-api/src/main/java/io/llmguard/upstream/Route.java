package io.llmguard.upstream;

import io.llmguard.Refusal;
import io.llmguard.RequestBody;

/** Where a call goes. */
public sealed interface Route {
  /**
   * To this upstream.
   *
   * @param upstream the upstream
   * @param body what it is sent: the exchange's body, or one made from it for this upstream
   */
  record To(Upstream upstream, RequestBody body) implements Route {}

  /** Nowhere. */
  record Refused(Refusal refusal) implements Route {}
}
