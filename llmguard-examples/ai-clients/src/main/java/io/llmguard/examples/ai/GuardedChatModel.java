package io.llmguard.examples.ai;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.TokenUsage;
import io.llmguard.auth.Caller;
import io.llmguard.inprocess.GuardedCall;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.InProcessRequest;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Options;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

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
        guard.begin(InProcessRequest.of(caller.get(), described(request, asked)))) {
      ChatResponse answer = model.chat(within(call, request));
      TokenUsage used = answer.tokenUsage();
      if (used == null || used.inputTokenCount() == null || used.outputTokenCount() == null) {
        call.answered();
      } else {
        call.answered(used.inputTokenCount(), used.outputTokenCount());
      }
      return answer;
    }
  }

  /** The request, with no more output than the guard's ceiling. */
  private static ChatRequest within(GuardedCall call, ChatRequest request) {
    Long most = call.maxOutputTokens();
    if (most == null) {
      return request;
    }
    ChatRequestParameters ceiling =
        ChatRequestParameters.builder().maxOutputTokens(most.intValue()).build();
    return ChatRequest.builder()
        .messages(request.messages())
        .parameters(request.parameters().overrideWith(ceiling))
        .build();
  }

  private static io.llmguard.ollama.ChatRequest described(
      ChatRequest request, ChatRequestParameters asked) {
    List<Message> messages = request.messages().stream().map(GuardedChatModel::message).toList();
    String name = asked.modelName() == null ? "unnamed" : asked.modelName();
    io.llmguard.ollama.ChatRequest.Builder described =
        io.llmguard.ollama.ChatRequest.builder(name, messages);
    if (asked.maxOutputTokens() != null) {
      described.options(Options.builder().numPredict(asked.maxOutputTokens()).build());
    }
    return described.build();
  }

  private static Message message(ChatMessage message) {
    if (message instanceof SystemMessage system) {
      return Message.system(system.text());
    }
    if (message instanceof UserMessage user) {
      return Message.user(
          user.contents().stream()
              .filter(TextContent.class::isInstance)
              .map(content -> ((TextContent) content).text())
              .collect(Collectors.joining("\n")));
    }
    if (message instanceof AiMessage ai) {
      return Message.assistant(ai.text() == null ? "" : ai.text());
    }
    if (message instanceof ToolExecutionResultMessage result) {
      return Message.user(result.text());
    }
    throw new IllegalArgumentException("a message of an unknown kind: " + message.type());
  }
}
