package io.llmguard.ollama.internal;

import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Metrics;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts a chat's chunks together. */
final class ChatAssembler implements Assembler<ChatResponse, ChatResponse> {
  private final AnswerParts parts;
  private final Map<String, @Nullable Object> messageExtra = new LinkedHashMap<>();
  private @Nullable ChatResponse last;

  ChatAssembler() {
    this(new Held());
  }

  ChatAssembler(Held held) {
    this.parts = new AnswerParts(held);
  }

  @Override
  public boolean add(ChatResponse chunk) {
    Message message = chunk.message();
    parts.add(message.content(), message.thinking(), message.toolCalls());
    parts.add(chunk.logprobs(), chunk.extra());
    parts.keep(message.extra(), messageExtra);
    last = chunk;
    return chunk.done();
  }

  @Override
  public ChatResponse result() {
    ChatResponse end = last;
    if (end == null || !end.done()) {
      throw new IllegalStateException("the answer is not complete");
    }
    Message message =
        new Message(
            end.message().role(),
            parts.text(),
            parts.thinking(),
            end.message().images(),
            parts.toolCalls(),
            end.message().toolName(),
            end.message().toolCallId(),
            messageExtra);
    return new ChatResponse(
        end.model(),
        end.createdAt(),
        message,
        true,
        end.doneReason(),
        end.remoteModel(),
        end.remoteHost(),
        end.metrics(),
        parts.logprobs(),
        parts.extra());
  }

  @Override
  public String text() {
    return parts.text();
  }

  @Override
  public Metrics metrics() {
    return last == null ? Metrics.NONE : last.metrics();
  }

  @Override
  public @Nullable String model() {
    return last == null ? null : last.model();
  }

  @Override
  public @Nullable String finishReason() {
    return last == null ? null : last.doneReason();
  }
}
