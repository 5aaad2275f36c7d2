package io.llmguard.examples.ai;

import dev.langchain4j.data.message.AiMessage;
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
import io.llmguard.inprocess.AnswerInspector;
import io.llmguard.inprocess.CallRefusedException;
import io.llmguard.inprocess.GuardedCall;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.InProcessRequest;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

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

  /** One text of an answer, as far as content guards have let it through. */
  private static final class ShownText {
    private final AnswerInspector<String> inspector;
    private final StringBuilder shown = new StringBuilder();

    ShownText(AnswerInspector<String> inspector) {
      this.inspector = inspector;
    }

    void next(String piece, Consumer<String> tell) {
      show(inspector.next(piece), tell);
    }

    void end(Consumer<String> tell) {
      show(inspector.end(), tell);
    }

    private void show(List<String> pieces, Consumer<String> tell) {
      for (String piece : pieces) {
        shown.append(piece);
        tell.accept(piece);
      }
    }

    @Override
    public String toString() {
      return shown.toString();
    }
  }

  /**
   * Counts the pieces on their way to the handler, shows what content guards let through, and
   * settles the call at their end.
   */
  private static final class Settling implements StreamingChatResponseHandler {
    private final GuardedCall call;
    private final StreamingChatResponseHandler handler;
    private final ShownText text;
    private final ShownText thinking;
    private final AtomicLong passed = new AtomicLong();
    private @Nullable PartialResponseContext textContext;
    private @Nullable PartialThinkingContext thinkingContext;
    private boolean refused;

    Settling(GuardedCall call, StreamingChatResponseHandler handler) {
      this.call = call;
      this.handler = handler;
      this.text = new ShownText(call.textInspector());
      this.thinking = new ShownText(call.textInspector());
    }

    /** Shows something, unless a guard refuses it or has refused what was before. */
    private void show(@Nullable StreamingHandle handle, Runnable showing) {
      if (refused) {
        return;
      }
      try {
        showing.run();
      } catch (CallRefusedException e) {
        refused = true;
        if (handle != null) {
          handle.cancel();
        }
        call.truncated(passed.get());
        handler.onError(e);
      }
    }

    @Override
    public void onPartialResponse(String piece) {
      passed.incrementAndGet();
      show(null, () -> text.next(piece, handler::onPartialResponse));
    }

    @Override
    public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
      passed.incrementAndGet();
      StreamingHandle handle = settling(context.streamingHandle());
      PartialResponseContext told = new PartialResponseContext(handle);
      textContext = told;
      show(
          context.streamingHandle(),
          () ->
              text.next(
                  piece.text(),
                  shown -> handler.onPartialResponse(new PartialResponse(shown), told)));
    }

    @Override
    public void onPartialThinking(PartialThinking piece) {
      passed.incrementAndGet();
      show(
          null,
          () ->
              thinking.next(
                  piece.text(), shown -> handler.onPartialThinking(new PartialThinking(shown))));
    }

    @Override
    public void onPartialThinking(PartialThinking piece, PartialThinkingContext context) {
      passed.incrementAndGet();
      StreamingHandle handle = settling(context.streamingHandle());
      PartialThinkingContext told = new PartialThinkingContext(handle);
      thinkingContext = told;
      show(
          context.streamingHandle(),
          () ->
              thinking.next(
                  piece.text(),
                  shown -> handler.onPartialThinking(new PartialThinking(shown), told)));
    }

    @Override
    public void onPartialToolCall(PartialToolCall piece) {
      passed.incrementAndGet();
      if (!call.inspectsAnswers()) { // else it is shown when it is whole
        handler.onPartialToolCall(piece);
      }
    }

    @Override
    public void onPartialToolCall(PartialToolCall piece, PartialToolCallContext context) {
      passed.incrementAndGet();
      if (!call.inspectsAnswers()) {
        handler.onPartialToolCall(
            piece, new PartialToolCallContext(settling(context.streamingHandle())));
      }
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall tool) {
      show(
          null,
          () ->
              handler.onCompleteToolCall(
                  new CompleteToolCall(
                      tool.index(), ShownAnswer.tool(call, tool.toolExecutionRequest()))));
    }

    @Override
    public void onCompleteResponse(ChatResponse answer) {
      show(
          null,
          () -> {
            ChatResponse shown;
            try {
              thinking.end(this::tellThinking);
              text.end(this::tellText);
              shown = shown(answer);
            } finally {
              settle(answer);
            }
            handler.onCompleteResponse(shown);
          });
    }

    private void tellText(String rest) {
      PartialResponseContext context = textContext;
      if (context == null) {
        handler.onPartialResponse(rest);
      } else {
        handler.onPartialResponse(new PartialResponse(rest), context);
      }
    }

    private void tellThinking(String rest) {
      PartialThinkingContext context = thinkingContext;
      if (context == null) {
        handler.onPartialThinking(new PartialThinking(rest));
      } else {
        handler.onPartialThinking(new PartialThinking(rest), context);
      }
    }

    private void settle(ChatResponse answer) {
      if (answer.tokenUsage() == null) {
        call.answeredIn(passed.get());
      } else {
        Requests.answered(call, answer.tokenUsage());
      }
    }

    private ChatResponse shown(ChatResponse answer) {
      if (!call.inspectsAnswers()) {
        return answer;
      }
      AiMessage whole = answer.aiMessage();
      return ShownAnswer.with(
          call,
          answer,
          whole.text() == null ? null : text.toString(),
          whole.thinking() == null ? null : thinking.toString());
    }

    @Override
    public void onError(Throwable failure) {
      if (!refused) {
        call.truncated(passed.get());
        handler.onError(failure);
      }
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
