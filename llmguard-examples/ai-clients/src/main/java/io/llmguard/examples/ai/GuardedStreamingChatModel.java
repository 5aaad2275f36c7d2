package io.llmguard.examples.ai;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import io.llmguard.auth.Caller;
import io.llmguard.inprocess.GuardedCall;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.InProcessRequest;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * A LangChain4j model that answers piece by piece, behind the guard. A refused call is told to the
 * handler's {@code onError}; one whose handler cancels it is settled with what has passed.
 */
public final class GuardedStreamingChatModel implements StreamingChatModel {
  private final StreamingChatModel model;
  private final InProcessGuard guard;
  private final Supplier<Caller> caller;

  /** A model behind a guard, called on behalf of whom {@code caller} says. */
  public GuardedStreamingChatModel(
      StreamingChatModel model, InProcessGuard guard, Supplier<Caller> caller) {
    this.model = model;
    this.guard = guard;
    this.caller = caller;
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return model.defaultRequestParameters();
  }

  @Override
  public void chat(ChatRequest request, StreamingChatResponseHandler handler) {
    ChatRequestParameters asked = defaultRequestParameters().overrideWith(request.parameters());
    var unused =
        guard
            .beginAsync(InProcessRequest.streamed(caller.get(), Requests.described(request, asked)))
            .whenComplete(
                (call, failure) -> {
                  if (failure != null) {
                    handler.onError(failure);
                  } else {
                    ask(call, request, handler);
                  }
                });
  }

  private void ask(GuardedCall call, ChatRequest request, StreamingChatResponseHandler handler) {
    try {
      model.chat(Requests.within(call, request), new Settling(call, handler));
    } catch (RuntimeException e) {
      call.close();
      handler.onError(e);
    }
  }

  /** Counts the pieces on their way to the handler, and settles the call at their end. */
  private static final class Settling implements StreamingChatResponseHandler {
    private final GuardedCall call;
    private final StreamingChatResponseHandler handler;
    private final AtomicLong passed = new AtomicLong();

    Settling(GuardedCall call, StreamingChatResponseHandler handler) {
      this.call = call;
      this.handler = handler;
    }

    @Override
    public void onPartialResponse(String text) {
      passed.incrementAndGet();
      handler.onPartialResponse(text);
    }

    @Override
    public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
      passed.incrementAndGet();
      handler.onPartialResponse(
          piece, new PartialResponseContext(settling(context.streamingHandle())));
    }

    @Override
    public void onPartialThinking(PartialThinking piece) {
      passed.incrementAndGet();
      handler.onPartialThinking(piece);
    }

    @Override
    public void onPartialThinking(PartialThinking piece, PartialThinkingContext context) {
      passed.incrementAndGet();
      handler.onPartialThinking(
          piece, new PartialThinkingContext(settling(context.streamingHandle())));
    }

    @Override
    public void onPartialToolCall(PartialToolCall piece) {
      passed.incrementAndGet();
      handler.onPartialToolCall(piece);
    }

    @Override
    public void onPartialToolCall(PartialToolCall piece, PartialToolCallContext context) {
      passed.incrementAndGet();
      handler.onPartialToolCall(
          piece, new PartialToolCallContext(settling(context.streamingHandle())));
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall toolCall) {
      handler.onCompleteToolCall(toolCall);
    }

    @Override
    public void onCompleteResponse(ChatResponse answer) {
      if (answer.tokenUsage() == null) {
        call.answeredIn(passed.get());
      } else {
        Requests.answered(call, answer.tokenUsage());
      }
      handler.onCompleteResponse(answer);
    }

    @Override
    public void onError(Throwable failure) {
      call.truncated(passed.get());
      handler.onError(failure);
    }

    private StreamingHandle settling(StreamingHandle handle) {
      return new StreamingHandle() {
        @Override
        public void cancel() {
          handle.cancel();
          call.abandoned(passed.get());
        }

        @Override
        public boolean isCancelled() {
          return handle.isCancelled();
        }
      };
    }
  }
}
