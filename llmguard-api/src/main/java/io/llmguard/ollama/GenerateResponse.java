package io.llmguard.ollama;

import io.llmguard.ollama.internal.Replies;
import io.llmguard.ollama.internal.Values;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/generate}, whole or a chunk of it.
 *
 * @param model the model that answers
 * @param response the text, or its next piece
 * @param thinking the text of the model's thinking, or null
 * @param toolCalls tools that the model wants to have run
 * @param context the conversation so far as tokens, to be sent with the next request
 * @param createdAt when the server made it; null where it did not say
 * @param done whether this is the last
 * @param doneReason why it ended ({@code stop}, {@code length}, {@code load}, {@code unload}); on
 *     the last only
 * @param remoteModel the model's name where it really runs, or null
 * @param remoteHost where it really runs, or null
 * @param metrics counts and times; on the last only, {@link Metrics#NONE} before
 * @param logprobs how likely the tokens were, if asked for
 * @param extra fields that this version does not know, as they came
 */
public record GenerateResponse(
    String model,
    @Nullable Instant createdAt,
    String response,
    @Nullable String thinking,
    boolean done,
    @Nullable String doneReason,
    List<ToolCall> toolCalls,
    List<Integer> context,
    @Nullable String remoteModel,
    @Nullable String remoteHost,
    Metrics metrics,
    List<Logprob> logprobs,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public GenerateResponse {
    toolCalls = List.copyOf(toolCalls);
    context = List.copyOf(context);
    logprobs = List.copyOf(logprobs);
    extra = Values.map(extra);
  }

  /** The text. */
  public String text() {
    return response;
  }

  /** The prompt as it was rendered; null unless the request had {@code debugRenderOnly}. */
  public @Nullable DebugInfo debugInfo() {
    return Replies.debugInfo(extra.get(DebugInfo.NAME));
  }

  /** Everything but the text. */
  @Override
  public String toString() {
    return "GenerateResponse[model=%s, response=%d chars, done=%s, doneReason=%s, metrics=%s]"
        .formatted(model, response.length(), done, doneReason, metrics);
  }
}
