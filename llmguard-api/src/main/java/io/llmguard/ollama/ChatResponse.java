package io.llmguard.ollama;

import io.llmguard.ollama.internal.Replies;
import io.llmguard.ollama.internal.Values;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/chat}, whole or a chunk of it.
 *
 * @param model the model that answers
 * @param message the message, or its next piece
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
public record ChatResponse(
    String model,
    @Nullable Instant createdAt,
    Message message,
    boolean done,
    @Nullable String doneReason,
    @Nullable String remoteModel,
    @Nullable String remoteHost,
    Metrics metrics,
    List<Logprob> logprobs,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public ChatResponse {
    logprobs = List.copyOf(logprobs);
    extra = Values.map(extra);
  }

  /** The message's text. */
  public String text() {
    return message.content();
  }

  /** The prompt as it was rendered; null unless the request had {@code debugRenderOnly}. */
  public @Nullable DebugInfo debugInfo() {
    return Replies.debugInfo(extra.get(DebugInfo.NAME));
  }

  /** Everything but the text. */
  @Override
  public String toString() {
    return "ChatResponse[model=%s, message=%s, done=%s, doneReason=%s, metrics=%s, logprobs=%d]"
        .formatted(model, message, done, doneReason, metrics, logprobs.size());
  }
}
