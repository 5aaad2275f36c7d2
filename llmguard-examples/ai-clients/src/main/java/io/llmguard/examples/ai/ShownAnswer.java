package io.llmguard.examples.ai;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.llmguard.inprocess.GuardedCall;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What content guards let through of LangChain4j's answers. */
final class ShownAnswer {
  private ShownAnswer() {}

  /** The answer with what may be shown of its texts and of its tools' arguments. */
  static ChatResponse of(GuardedCall call, ChatResponse answer) {
    if (!call.inspectsAnswers()) {
      return answer;
    }
    AiMessage message = answer.aiMessage();
    String text = message.text();
    String thinking = message.thinking();
    return with(
        call,
        answer,
        text == null ? null : call.inspected(text),
        thinking == null ? null : call.inspected(thinking));
  }

  /** The answer with these texts, and what may be shown of its tools' arguments. */
  static ChatResponse with(
      GuardedCall call, ChatResponse answer, @Nullable String text, @Nullable String thinking) {
    AiMessage message = answer.aiMessage();
    return answer.toBuilder()
        .aiMessage(
            AiMessage.builder()
                .text(text)
                .thinking(thinking)
                .toolExecutionRequests(tools(call, message.toolExecutionRequests()))
                .attributes(message.attributes())
                .build())
        .build();
  }

  private static List<ToolExecutionRequest> tools(
      GuardedCall call, List<ToolExecutionRequest> requests) {
    return requests.stream().map(request -> tool(call, request)).toList();
  }

  /** The tool's call with what may be shown of its arguments. */
  static ToolExecutionRequest tool(GuardedCall call, ToolExecutionRequest request) {
    String arguments = request.arguments();
    return arguments == null
        ? request
        : ToolExecutionRequest.builder()
            .id(request.id())
            .name(request.name())
            .arguments(call.inspected(arguments))
            .build();
  }
}
