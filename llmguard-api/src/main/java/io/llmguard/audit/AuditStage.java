package io.llmguard.audit;

import io.llmguard.AnswerWatcher;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes exactly one audit event for every call, refused ones included; stands outermost, so that
 * every other stage's word is in it.
 *
 * <p>A place in the queue is reserved before a call is admitted, so an admitted call always has its
 * line. Where there is no place the call is refused with 503 {@code audit-unavailable}; such calls
 * are counted and noted by number as soon as there is room. Completing a call never blocks. Closing
 * the stage closes its queue.
 */
public final class AuditStage implements Stage, AnswerWatcher, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AuditStage.class);
  private static final Refusal UNAVAILABLE =
      Refusal.of(
              503,
              "audit-unavailable",
              "the server cannot record calls at the moment; try again in a few seconds")
          .with("Retry-After", "1");

  private final AuditQueue queue;
  private final AuditContent.@Nullable Source content;
  private final Exchange.Key<Boolean> reserved = new Exchange.Key<>("audit", Boolean.class);

  /** A stage that keeps no content. */
  public AuditStage(AuditQueue queue) {
    this(queue, null);
  }

  /** A stage that keeps what {@code content} finds; null for no content. */
  public AuditStage(AuditQueue queue, AuditContent.@Nullable Source content) {
    this.queue = queue;
    this.content = content;
  }

  /** Where the events go, for health and metrics. */
  public AuditQueue queue() {
    return queue;
  }

  @Override
  public String name() {
    return "audit";
  }

  @Override
  public boolean blocking() {
    return queue.overflow() == AuditQueue.Overflow.BLOCK;
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    if (!queue.reserve()) {
      return exchange.refuse(UNAVAILABLE);
    }
    exchange.put(reserved, Boolean.TRUE);
    return exchange.admit();
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    if (exchange.get(reserved) != null) {
      queue.put(AuditEvent.of(exchange, outcome, contentOf(exchange, outcome)));
    }
  }

  @Override
  public @Nullable Consumer<ByteBuffer> watch(Exchange exchange, int status, Headers headers) {
    return content == null ? null : content.watch(exchange, status, headers);
  }

  private @Nullable AuditContent contentOf(Exchange exchange, Outcome outcome) {
    if (content == null) {
      return null;
    }
    try {
      return content.contentOf(exchange, outcome);
    } catch (RuntimeException e) {
      // the class only: a message may hold the content
      log.error("no content for call {}: {}", exchange.id(), e.getClass().getName());
      return null;
    }
  }

  @Override
  public void close() {
    queue.close();
  }
}
