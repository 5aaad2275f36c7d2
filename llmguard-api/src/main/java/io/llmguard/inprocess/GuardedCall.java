package io.llmguard.inprocess;

import io.llmguard.Exchange;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.inspect.AnswerText;
import io.llmguard.inspect.InspectionStage;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbedResponse;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.EmbeddingsResponse;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.internal.AnswerForm;
import io.llmguard.ollama.internal.Json;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.Route;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.Call;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A call of the application's own that its guard has admitted. It is settled once: by {@link
 * #answered}, by {@link #abandoned} or {@link #truncated} where its answer is not whole, or as
 * failed when it is closed before. What its content guards let through of the answer, {@link
 * #inspected} says, or an {@link AnswerInspector}. Thread-safe.
 */
public final class GuardedCall implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(GuardedCall.class);
  private static final Headers JSON = new HeaderMap().add("Content-Type", "application/json");
  private static final Headers LINES = new HeaderMap().add("Content-Type", "application/x-ndjson");

  private final Exchange exchange;
  private final AtomicBoolean settled = new AtomicBoolean();
  private final AtomicLong pieces = new AtomicLong();
  private volatile @Nullable Refusal withheld;

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

  // ---- what of the answer may be shown

  /**
   * What may be shown of a whole text, for clients of other kinds.
   *
   * @throws CallRefusedException if a content guard does not let it pass; the call counts as
   *     refused when it is settled, and what was used is paid
   */
  public String inspected(String text) {
    AnswerInspector<String> inspector = textInspector();
    List<String> shown = new ArrayList<>(inspector.next(text));
    shown.addAll(inspector.end());
    return String.join("", shown);
  }

  /** What may be shown of a chat's answer that comes in pieces. */
  public AnswerInspector<ChatResponse> chatInspector() {
    return inspector(AnswerForm.CHAT);
  }

  /** What may be shown of a generation's answer that comes in pieces. */
  public AnswerInspector<GenerateResponse> generateInspector() {
    return inspector(AnswerForm.GENERATE);
  }

  /** What may be shown of one text that comes in pieces, for clients of other kinds. */
  public AnswerInspector<String> textInspector() {
    AnswerText text = InspectionStage.text(exchange);
    return text == null ? AnswerInspector.none() : new TextInspector(this, text);
  }

  /** What may be shown of an answer of this form that comes in pieces. */
  <E> AnswerInspector<E> inspector(AnswerForm<E> form) {
    AnswerTransform guards = guards(LINES);
    return guards == null ? AnswerInspector.none() : new JsonInspector<>(this, form, guards);
  }

  /** True if content guards look at the answer. */
  public boolean inspectsAnswers() {
    return exchange.get(Proxy.CONTENT) != null;
  }

  private @Nullable AnswerTransform guards(Headers headers) {
    Route.AnswerTransforms content = exchange.get(Proxy.CONTENT);
    return content == null ? null : content.transform(200, headers);
  }

  /** Some of the answer has come, of about so many tokens. */
  void came(long tokens) {
    pieces.addAndGet(tokens);
  }

  /** What guards say; throws if they refuse, or break. */
  ByteBuffer judged(AnswerTransform guards, Supplier<ByteBuffer> judging) {
    ByteBuffer shown = judged(judging);
    Refusal refusal = guards.refusal();
    if (refusal != null) {
      throw withhold(refusal);
    }
    return shown;
  }

  /** What a guard says; throws if it breaks, for a guard that breaks does not open. */
  <T> T judged(Supplier<T> judging) {
    try {
      return judging.get();
    } catch (RuntimeException e) {
      // the class only: a message may hold what the answer says
      log.error("a content guard failed with {}", e.getClass().getName());
      log.debug("a content guard failed", e);
      throw withhold(
          Refusal.of(500, "guard-failed", "the guard could not decide; the log says why"));
    }
  }

  /** The answer may not be shown, whatever settles the call. */
  CallRefusedException withhold(Refusal refusal) {
    withheld = refusal;
    return new CallRefusedException(refusal);
  }

  // ---- how it ends

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

  /**
   * The server has answered, and this is its whole answer.
   *
   * @return what may be shown of it
   * @throws CallRefusedException if a content guard does not let it pass; what was used is paid
   */
  public ChatResponse answered(ChatResponse answer) {
    return answered(AnswerForm.CHAT, answer, answer.metrics());
  }

  /**
   * The server has answered, and this is its whole answer.
   *
   * @return what may be shown of it
   * @throws CallRefusedException as {@link #answered(ChatResponse)}
   */
  public GenerateResponse answered(GenerateResponse answer) {
    return answered(AnswerForm.GENERATE, answer, answer.metrics());
  }

  private <E> E answered(AnswerForm<E> form, E answer, Metrics used) {
    try {
      AnswerTransform guards = guards(JSON);
      return guards == null ? answer : JsonInspector.whole(this, form, guards, answer);
    } finally {
      answered(used);
    }
  }

  /** The server has answered with vectors, all of which may be shown. */
  public EmbedResponse answered(EmbedResponse answer) {
    answered(answer.promptEvalCount(), 0);
    return answer;
  }

  /** The server has answered with a vector, and reported nothing: what was used is estimated. */
  public EmbeddingsResponse answered(EmbeddingsResponse answer) {
    answered();
    return answer;
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
      Refusal refusal = withheld;
      if (refusal != null) {
        exchange.status(refusal.status());
      } else if (outcome.equals(Outcome.COMPLETED) || told.outputEvents() > 0) {
        exchange.status(200);
      }
      exchange.meter(told);
      exchange.onComplete(refusal == null ? outcome : Outcome.refused(refusal.reason()));
    }
  }

  /**
   * Ends a call that has no answer as failed, and one whose answer was refused with what is known
   * of it; does nothing to one that is settled.
   */
  @Override
  public void close() {
    if (withheld == null) {
      truncated(0);
    } else {
      truncated(pieces.get());
    }
  }
}
