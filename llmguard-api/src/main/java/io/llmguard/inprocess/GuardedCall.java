package io.llmguard.inprocess;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.RequestBody;
import io.llmguard.wire.Call;
import io.llmguard.wire.Usage;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A call of the application's own that its guard has admitted. It is settled once: by {@link
 * #answered}, or as failed when it is closed before. Thread-safe.
 */
public final class GuardedCall implements AutoCloseable {
  private final Exchange exchange;

  GuardedCall(Exchange exchange) {
    this.exchange = exchange;
  }

  /** The call as the guard knows it. */
  public Exchange exchange() {
    return exchange;
  }

  /** The JSON body as it was checked, with every ceiling applied: what is to be sent. */
  public byte[] body() {
    if (!(exchange.body() instanceof RequestBody.InMemory body)) {
      return new byte[0];
    }
    ByteBuffer content = body.content();
    byte[] bytes = new byte[content.remaining()];
    content.get(bytes);
    return bytes;
  }

  /**
   * The most tokens that the answer may have, by what the call asks for and by the ceilings; null
   * for no limit.
   */
  public @Nullable Long maxOutputTokens() {
    Call call = exchange.call();
    return call == null ? null : call.maxOutputTokens();
  }

  /**
   * The server has answered, and this is what it reported.
   *
   * @param inputTokens tokens of the prompt
   * @param outputTokens tokens of the answer
   */
  public void answered(long inputTokens, long outputTokens) {
    if (!exchange.completed()) {
      exchange.estimate(Usage.reported(inputTokens, outputTokens));
      answered();
    }
  }

  /** The server has answered, and reported nothing: what was used is estimated. */
  public void answered() {
    if (!exchange.completed()) {
      exchange.status(200);
      exchange.onComplete(Outcome.COMPLETED);
    }
  }

  /** Ends a call that has no answer as failed; does nothing to one that has. */
  @Override
  public void close() {
    exchange.onComplete(Outcome.UPSTREAM_FAILED);
  }
}
