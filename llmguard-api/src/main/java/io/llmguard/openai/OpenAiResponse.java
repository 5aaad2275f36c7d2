package io.llmguard.openai;

import io.llmguard.ollama.ToolCall;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /v1/chat/completions} or {@code /v1/completions}, whole or a chunk: its first
 * choice.
 *
 * @param id the answer's id
 * @param model the model that answers
 * @param text the text, or its next piece; empty where there is none
 * @param reasoning the text of the model's thinking, where the server tells it apart, or null
 * @param toolCalls the tools that the model wants to have run; in a stream, on the last chunk only
 * @param finishReason why it ended, or null before
 * @param usage counts, where the server says them
 */
public record OpenAiResponse(
    String id,
    String model,
    String text,
    @Nullable String reasoning,
    List<ToolCall> toolCalls,
    @Nullable String finishReason,
    OpenAiUsage usage) {
  /** Copies the list. */
  public OpenAiResponse {
    toolCalls = List.copyOf(toolCalls);
  }

  /** Everything but the text. */
  @Override
  public String toString() {
    return "OpenAiResponse[id=%s, model=%s, text=%d chars, finishReason=%s, usage=%s]"
        .formatted(id, model, text.length(), finishReason, usage);
  }
}
