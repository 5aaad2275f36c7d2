package io.llmguard.examples.ai;

import io.llmguard.inprocess.AnswerInspector;
import io.llmguard.inprocess.GuardedCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.client.ChatClientResponse;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.AssistantMessage.ToolCall;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;

/** What content guards let through of Spring AI's generations, as their pieces come. */
final class ShownGenerations {
  private final GuardedCall call;
  private final List<AnswerInspector<String>> texts = new ArrayList<>();
  private @Nullable ChatClientResponse last;

  ShownGenerations(GuardedCall call) {
    this.call = call;
  }

  /** What may be shown of a whole answer. */
  static ChatClientResponse whole(GuardedCall call, ChatClientResponse answer) {
    ChatResponse response = answer.chatResponse();
    if (response == null || !call.inspectsAnswers()) {
      return answer;
    }
    List<String> shown = new ArrayList<>();
    for (Generation generation : response.getResults()) {
      shown.add(call.inspected(text(generation)));
    }
    return with(call, answer, response, shown);
  }

  /** What may be shown of the next piece by now. */
  ChatClientResponse next(ChatClientResponse piece) {
    ChatResponse response = piece.chatResponse();
    if (response == null || !call.inspectsAnswers()) {
      return piece;
    }
    last = piece;
    List<String> shown = new ArrayList<>();
    List<Generation> generations = response.getResults();
    for (int i = 0; i < generations.size(); i++) {
      if (i == texts.size()) {
        texts.add(call.textInspector());
      }
      shown.add(String.join("", texts.get(i).next(text(generations.get(i)))));
    }
    return with(call, piece, response, shown);
  }

  /** The rest of what may be shown, as one more piece; none if there is nothing. */
  List<ChatClientResponse> end() {
    ChatClientResponse piece = last;
    ChatResponse response = piece == null ? null : piece.chatResponse();
    List<String> rest = new ArrayList<>();
    for (AnswerInspector<String> text : texts) {
      rest.add(String.join("", text.end()));
    }
    if (piece == null || response == null || rest.stream().allMatch(String::isEmpty)) {
      return List.of();
    }
    List<Generation> generations = new ArrayList<>();
    for (String text : rest) {
      generations.add(new Generation(new AssistantMessage(text)));
    }
    return List.of(
        piece.mutate().chatResponse(new ChatResponse(generations, response.getMetadata())).build());
  }

  private static String text(Generation generation) {
    return Objects.requireNonNullElse(generation.getOutput().getText(), "");
  }

  private static ChatClientResponse with(
      GuardedCall call, ChatClientResponse answer, ChatResponse response, List<String> texts) {
    List<Generation> shown = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      Generation generation = response.getResults().get(i);
      AssistantMessage before = generation.getOutput();
      List<ToolCall> tools =
          before.getToolCalls().stream()
              .map(
                  tool ->
                      new ToolCall(
                          tool.id(), tool.type(), tool.name(), call.inspected(tool.arguments())))
              .toList();
      AssistantMessage message =
          new AssistantMessage(texts.get(i), before.getMetadata(), tools, before.getMedia());
      shown.add(new Generation(message, generation.getMetadata()));
    }
    return answer.mutate().chatResponse(new ChatResponse(shown, response.getMetadata())).build();
  }
}
