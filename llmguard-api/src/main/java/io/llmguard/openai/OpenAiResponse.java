package io.llmguard.openai;

import io.llmguard.ollama.ToolCall;
import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
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
 * @param done whether this is the last: a stream's last brings no text, as it stands for the {@code
 *     [DONE]} of the protocol
 * @param usage counts, where the server says them
 * @param extra fields that this version does not know, as they came; what it does not know of the
 *     choice, and the choices after the first, are a list under {@code choices}
 */
public record OpenAiResponse(
    String id,
    String model,
    String text,
    @Nullable String reasoning,
    List<ToolCall> toolCalls,
    @Nullable String finishReason,
    boolean done,
    OpenAiUsage usage,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public OpenAiResponse {
    toolCalls = List.copyOf(toolCalls);
    extra = Values.map(extra);
  }

  /** Everything but the text. */
  @Override
  public String toString() {
    return "OpenAiResponse[id=%s, model=%s, text=%d chars, finishReason=%s, done=%s, usage=%s]"
        .formatted(id, model, text.length(), finishReason, done, usage);
  }
}
