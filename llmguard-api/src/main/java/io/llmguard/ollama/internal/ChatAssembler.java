package io.llmguard.ollama.internal;

import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.ToolCall;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts a chat's chunks together. */
final class ChatAssembler implements Assembler<ChatResponse, ChatResponse> {
  private final StringBuilder content = new StringBuilder();
  private final StringBuilder thinking = new StringBuilder();
  private final List<ToolCall> toolCalls = new ArrayList<>();
  private final List<Logprob> logprobs = new ArrayList<>();
  private final Map<String, @Nullable Object> messageExtra = new LinkedHashMap<>();
  private final Map<String, @Nullable Object> extra = new LinkedHashMap<>();
  private final Held held;
  private @Nullable ChatResponse last;

  ChatAssembler() {
    this(new Held());
  }

  ChatAssembler(Held held) {
    this.held = held;
  }

  @Override
  public boolean add(ChatResponse chunk) {
    Message message = chunk.message();
    held.add(message.content().length());
    content.append(message.content());
    if (message.thinking() != null) {
      held.add(message.thinking().length());
      thinking.append(message.thinking());
    }
    // an empty list still allocates where it is added, and most are
    if (!message.toolCalls().isEmpty()) {
      held.addCalls(message.toolCalls());
      toolCalls.addAll(message.toolCalls());
    }
    if (!chunk.logprobs().isEmpty()) {
      held.addLogprobs(chunk.logprobs());
      logprobs.addAll(chunk.logprobs());
    }
    if (!message.extra().isEmpty()) {
      held.addValues(message.extra());
      messageExtra.putAll(message.extra());
    }
    if (!chunk.extra().isEmpty()) {
      held.addValues(chunk.extra());
      extra.putAll(chunk.extra());
    }
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
            content.toString(),
            thinking.isEmpty() ? null : thinking.toString(),
            end.message().images(),
            toolCalls,
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
        logprobs,
        extra);
  }

  @Override
  public String text() {
    return content.toString();
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
