package io.llmguard.inprocess;

import io.llmguard.auth.Caller;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbedResponse;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.EmbeddingsResponse;
import io.llmguard.ollama.EventStream;
import io.llmguard.ollama.Format;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.JsonSchema;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.internal.AnswerForm;
import io.llmguard.ollama.internal.Assembler;
import io.llmguard.ollama.internal.Structured;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Generations and embeddings of an {@link OllamaClient}, each of which is led through a guard
 * before, and settled with what the server reported after. What is sent is what was checked,
 * ceilings applied; what is shown of an answer is what content guards let through. A refused call,
 * and one whose answer is refused, throws {@link CallRefusedException}, or fails its future with
 * it. Thread-safe; the client stays its owner's to close.
 */
public final class GuardedOllamaClient {
  private final OllamaClient client;
  private final InProcessGuard guard;
  private final Supplier<Caller> caller;

  /**
   * A guarded client.
   *
   * @param caller says on whose behalf the present call is made
   */
  public GuardedOllamaClient(OllamaClient client, InProcessGuard guard, Supplier<Caller> caller) {
    this.client = Objects.requireNonNull(client);
    this.guard = Objects.requireNonNull(guard);
    this.caller = Objects.requireNonNull(caller);
  }

  /**
   * Chats: the next message of a conversation.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public ChatResponse chat(ChatRequest request) {
    return answer(
        InProcessRequest.of(caller.get(), request),
        call -> client.chat(call.checked(request)),
        GuardedCall::answered);
  }

  /** Chats: the next message of a conversation. As a stream, to be closed. */
  public GuardedStream<ChatResponse, ChatResponse> chatStream(ChatRequest request) {
    return stream(
        InProcessRequest.streamed(caller.get(), request),
        call -> client.chatStream(call.checked(request)),
        AnswerForm.CHAT,
        ChatResponse::metrics);
  }

  /** Chats: the next message of a conversation. As a future; cancelling it cancels the call. */
  public CompletableFuture<ChatResponse> chatAsync(ChatRequest request) {
    return async(
        InProcessRequest.of(caller.get(), request),
        call -> client.chatAsync(call.checked(request)),
        GuardedCall::answered);
  }

  /**
   * Chats, and reads the answer as a record, as {@link OllamaClient#chat(ChatRequest, Class)} does.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public <T extends Record> T chat(ChatRequest request, Class<T> type) {
    ChatRequest formatted = request.withFormat(Format.schema(JsonSchema.of(type)));
    return Structured.read(chat(formatted).text(), type);
  }

  /**
   * Generates: what follows a prompt.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public GenerateResponse generate(GenerateRequest request) {
    return answer(
        InProcessRequest.of(caller.get(), request),
        call -> client.generate(call.checked(request)),
        GuardedCall::answered);
  }

  /** Generates: what follows a prompt. As a stream, to be closed. */
  public GuardedStream<GenerateResponse, GenerateResponse> generateStream(GenerateRequest request) {
    return stream(
        InProcessRequest.streamed(caller.get(), request),
        call -> client.generateStream(call.checked(request)),
        AnswerForm.GENERATE,
        GenerateResponse::metrics);
  }

  /** Generates: what follows a prompt. As a future; cancelling it cancels the call. */
  public CompletableFuture<GenerateResponse> generateAsync(GenerateRequest request) {
    return async(
        InProcessRequest.of(caller.get(), request),
        call -> client.generateAsync(call.checked(request)),
        GuardedCall::answered);
  }

  /**
   * Generates, and reads the answer as a record, as {@link OllamaClient#generate(GenerateRequest,
   * Class)} does.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public <T extends Record> T generate(GenerateRequest request, Class<T> type) {
    GenerateRequest formatted = request.withFormat(Format.schema(JsonSchema.of(type)));
    return Structured.read(generate(formatted).text(), type);
  }

  /**
   * Vectors of texts.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public EmbedResponse embed(EmbedRequest request) {
    return answer(
        InProcessRequest.of(caller.get(), request),
        call -> client.embed(call.checked(request)),
        GuardedCall::answered);
  }

  /** Vectors of texts. As a future; cancelling it cancels the call. */
  public CompletableFuture<EmbedResponse> embedAsync(EmbedRequest request) {
    return async(
        InProcessRequest.of(caller.get(), request),
        call -> client.embedAsync(call.checked(request)),
        GuardedCall::answered);
  }

  /**
   * The vector of one text, by the older endpoint, which reports no tokens: they are estimated.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public EmbeddingsResponse embeddings(EmbeddingsRequest request) {
    return answer(
        InProcessRequest.of(caller.get(), request),
        call -> client.embeddings(call.checked(request)),
        GuardedCall::answered);
  }

  /** The vector of one text, by the older endpoint. As a future; cancelling it cancels the call. */
  public CompletableFuture<EmbeddingsResponse> embeddingsAsync(EmbeddingsRequest request) {
    return async(
        InProcessRequest.of(caller.get(), request),
        call -> client.embeddingsAsync(call.checked(request)),
        GuardedCall::answered);
  }

  private <A> A answer(
      InProcessRequest request,
      Function<GuardedCall, A> ask,
      BiFunction<GuardedCall, A, A> settle) {
    try (GuardedCall call = guard.begin(request)) {
      A answer = ask.apply(call);
      return settle.apply(call, answer);
    }
  }

  private <E> GuardedStream<E, E> stream(
      InProcessRequest request,
      Function<GuardedCall, EventStream<E, E>> ask,
      AnswerForm<E> form,
      Function<E, Metrics> used) {
    GuardedCall call = guard.begin(request);
    try {
      Assembler<E, E> shown = call.inspectsAnswers() ? form.assembler().get() : null;
      return new GuardedStream<>(ask.apply(call), call, call.inspector(form), shown, used);
    } catch (RuntimeException e) {
      call.close();
      throw e;
    }
  }

  private <A> CompletableFuture<A> async(
      InProcessRequest request,
      Function<GuardedCall, CompletableFuture<A>> ask,
      BiFunction<GuardedCall, A, A> settle) {
    return new AsyncGuardedCall<>(ask, settle).begin(guard.beginAsync(request));
  }
}
