package io.llmguard.inprocess;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.RequestBody;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.internal.Json;
import io.llmguard.wire.Call;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A call of the application's own that its guard has admitted. It is settled once: by {@link
 * #answered}, by {@link #abandoned} or {@link #truncated} where its answer is not whole, or as
 * failed when it is closed before. Thread-safe.
 */
public final class GuardedCall implements AutoCloseable {
  private final Exchange exchange;
  private final AtomicBoolean settled = new AtomicBoolean();

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

  /** The request as it was checked, with every ceiling applied: what is to be sent. */
  public ChatRequest checked(ChatRequest request) {
    return ChatRequest.builder(request.model(), request.messages()).extra(fields()).build();
  }

  /** The request as it was checked, with every ceiling applied: what is to be sent. */
  public GenerateRequest checked(GenerateRequest request) {
    return GenerateRequest.builder(request.model()).extra(fields()).build();
  }

  /** The request as it was checked, with every ceiling applied: what is to be sent. */
  public EmbedRequest checked(EmbedRequest request) {
    return EmbedRequest.builder(request.model(), request.input()).extra(fields()).build();
  }

  /** The request as it was checked, with every ceiling applied: what is to be sent. */
  public EmbeddingsRequest checked(EmbeddingsRequest request) {
    return EmbeddingsRequest.builder(request.model(), request.prompt()).extra(fields()).build();
  }

  /** Every field of the body; in a request they stand in place of its own. */
  private Map<String, @Nullable Object> fields() {
    byte[] body = body();
    return Json.object(body, 0, body.length);
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
    settle(
        new ToldMeter(Usage.reported(inputTokens, outputTokens), outputTokens, true),
        Outcome.COMPLETED);
  }

  /** The server has answered, and this is what it measured. */
  public void answered(Metrics used) {
    answered(used.promptEvalCount(), used.evalCount());
  }

  /**
   * The server has answered piece by piece, and reported nothing: what was used is estimated.
   *
   * @param pieces how many have passed
   */
  public void answeredIn(long pieces) {
    settle(new ToldMeter(null, pieces, true), Outcome.COMPLETED);
  }

  /** The server has answered, and reported nothing: what was used is estimated. */
  public void answered() {
    settle(ResponseMeter.none(), Outcome.COMPLETED);
  }

  /**
   * The application gives the call up, and what has passed of its answer is paid.
   *
   * @param outputTokens tokens that have passed, or how many pieces where they are not counted
   */
  public void abandoned(long outputTokens) {
    settle(new ToldMeter(null, outputTokens, false), Outcome.CLIENT_GONE);
  }

  /**
   * The answer has broken off, and what has passed of it is paid.
   *
   * @param outputTokens tokens that have passed, or how many pieces where they are not counted; 0
   *     for an answer that has not begun, which has failed
   */
  public void truncated(long outputTokens) {
    settle(
        new ToldMeter(null, outputTokens, false),
        outputTokens == 0 ? Outcome.UPSTREAM_FAILED : Outcome.TRUNCATED);
  }

  private void settle(ResponseMeter told, Outcome outcome) {
    if (settled.compareAndSet(false, true) && !exchange.completed()) {
      if (outcome.equals(Outcome.COMPLETED) || told.outputEvents() > 0) {
        exchange.status(200);
      }
      exchange.meter(told);
      exchange.onComplete(outcome);
    }
  }

  /** Ends a call that has no answer as failed; does nothing to one that has. */
  @Override
  public void close() {
    truncated(0);
  }
}
