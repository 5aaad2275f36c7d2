package io.llmguard.examples.ai;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.output.TokenUsage;
import io.llmguard.inprocess.GuardedCall;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Options;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** LangChain4j's requests as the guard judges them. */
final class Requests {
  private Requests() {}

  /** The request, with no more output than the guard's ceiling. */
  static ChatRequest within(GuardedCall call, ChatRequest request) {
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

  static io.llmguard.ollama.ChatRequest described(
      ChatRequest request, ChatRequestParameters asked) {
    List<Message> messages = request.messages().stream().map(Requests::message).toList();
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

  /** Settles the call with what the model reported. */
  static void answered(GuardedCall call, @Nullable TokenUsage used) {
    if (used == null || used.inputTokenCount() == null || used.outputTokenCount() == null) {
      call.answered();
    } else {
      call.answered(used.inputTokenCount(), used.outputTokenCount());
    }
  }
}
