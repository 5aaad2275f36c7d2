package io.llmguard.audit;

import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.inspect.InspectionStage;
import io.llmguard.inspect.PassedBytes;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.Endpoint;
import io.llmguard.wire.AnswerText;
import io.llmguard.wire.Call;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.Operation;
import io.llmguard.wire.ResponseMeters;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the prompt and the generated text of calls that generate, in clear: only for an operator
 * who has asked for it.
 *
 * <p>The prompt is what its digest is made of; the response is the text of the first choice, as far
 * as it passed. An answer under a content coding has no text here. What a content guard has taken
 * out of either is not kept, nor a prompt that it has refused. Thread-safe.
 */
public final class RecordedContent implements AuditContent.Source {
  private final Exchange.Key<AnswerText> answers =
      new Exchange.Key<>("audit-content", AnswerText.class);
  private final int maxBytes;

  /**
   * A source.
   *
   * @param maxBytes how many bytes of a prompt, and of the answer that brings the text, are kept
   */
  public RecordedContent(int maxBytes) {
    if (maxBytes < 1) {
      throw new IllegalArgumentException("at least 1 byte is kept: " + maxBytes);
    }
    this.maxBytes = maxBytes;
  }

  @Override
  public @Nullable Consumer<ByteBuffer> watch(Exchange exchange, int status, Headers headers) {
    Endpoint endpoint = exchange.endpoint();
    String coding = headers.first("Content-Encoding");
    if (endpoint == null || !hasText(endpoint.operation()) || coding != null) {
      return null;
    }
    Call call = exchange.call();
    AnswerText answer =
        AnswerText.of(
            endpoint.operation(),
            ResponseMeters.framing(
                endpoint.operation(), call != null && call.stream(), headers.first("Content-Type")),
            maxBytes);
    exchange.put(answers, answer);
    PassedBytes passed = exchange.get(InspectionStage.PASSED);
    if (passed == null || !exchange.forwarded()) {
      return answer::accept;
    }
    // what a content guard takes out is kept nowhere
    passed.watch(answer::accept);
    return null;
  }

  @Override
  public @Nullable AuditContent contentOf(Exchange exchange, Outcome outcome) {
    boolean refused = exchange.get(InspectionStage.PROMPT_REFUSED) != null;
    CheckedBody body = refused ? null : exchange.get(BodyStage.CHECKED);
    AnswerText answer = exchange.get(answers);
    if (body == null && answer == null) {
      return null;
    }
    return new AuditContent(
        body == null ? null : body.prompt(maxBytes), answer == null ? null : answer.text());
  }

  private static boolean hasText(Operation operation) {
    return operation.kind() == Operation.Kind.GENERATION
        || operation.kind() == Operation.Kind.TRANSCRIPTION;
  }
}
