package io.llmguard.examples.ai;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.llmguard.auth.Caller;
import io.llmguard.inprocess.GuardedCall;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.InProcessRequest;
import java.util.function.Supplier;

/**
 * A LangChain4j model behind the guard. It is a model and no {@code ChatModelListener}, because
 * what a listener throws is logged there and hinders no call.
 */
public final class GuardedChatModel implements ChatModel {
  private final ChatModel model;
  private final InProcessGuard guard;
  private final Supplier<Caller> caller;

  /** A model behind a guard, called on behalf of whom {@code caller} says. */
  public GuardedChatModel(ChatModel model, InProcessGuard guard, Supplier<Caller> caller) {
    this.model = model;
    this.guard = guard;
    this.caller = caller;
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return model.defaultRequestParameters();
  }

  @Override
  public ChatResponse chat(ChatRequest request) {
    ChatRequestParameters asked = defaultRequestParameters().overrideWith(request.parameters());
    try (GuardedCall call =
        guard.begin(InProcessRequest.of(caller.get(), Requests.described(request, asked)))) {
      ChatResponse answer = model.chat(Requests.within(call, request));
      try {
        return ShownAnswer.of(call, answer);
      } finally {
        Requests.answered(call, answer.tokenUsage());
      }
    }
  }
}
